"""The figures of the calibrations, one per instrument."""
