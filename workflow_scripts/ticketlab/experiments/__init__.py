"""Experiments beyond the three tests, one folder each: what is measured, its summary, its predictions."""
