"""Prediction of the final roles from earlier steps (P8)."""
