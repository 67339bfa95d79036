"""Experiments beyond the three tests, one folder each: the measurement, its summary, its predictions."""
