"""One module per figure, which registry.py names."""
