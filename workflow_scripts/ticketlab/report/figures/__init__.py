"""The figures, one module each; registry.py names them."""
