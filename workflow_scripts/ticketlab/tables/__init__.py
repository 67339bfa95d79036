"""Parquet files: written atomically, checked when they are read."""
