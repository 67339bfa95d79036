"""Comparisons, verdicts and readings of predictions: tables in, tables out."""
