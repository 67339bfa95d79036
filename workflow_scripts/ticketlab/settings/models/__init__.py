"""The sections of the models, one file per kind: the inputs that it READS, its COMPONENTS (head or unit), its shape.

WIDTHS are the keys that are multiplied for a network that is several times as wide.
"""
