"""A figure per instrument's calibration."""
