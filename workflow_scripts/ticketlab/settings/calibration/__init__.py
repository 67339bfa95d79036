"""The settings of the calibrations, one file per instrument."""
