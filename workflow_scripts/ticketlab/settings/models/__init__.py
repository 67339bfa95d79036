"""The sections of the models, one file per kind: the inputs that it READS, and its shape."""
