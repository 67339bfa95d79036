"""The sections of the models, one file per kind: the inputs that it READS, its COMPONENTS (head or unit), its shape."""
