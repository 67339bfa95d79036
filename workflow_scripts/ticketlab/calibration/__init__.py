"""Each instrument against its ground truth."""
