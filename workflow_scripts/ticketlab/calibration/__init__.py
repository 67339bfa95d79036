"""The comparison of each instrument with its ground truth."""
