"""The settings of the models, one file per kind."""
