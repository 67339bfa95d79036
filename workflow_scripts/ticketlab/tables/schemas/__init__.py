"""The contracts of the tables, one module per kind."""
