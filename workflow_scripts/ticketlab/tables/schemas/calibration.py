"""Checks of an instrument against a ground truth (core/instruments.py)."""

import pyarrow as pa

from workflow_scripts.ticketlab.tables.schemas.table import Table

CALIBRATION = Table(
    "calibration",
    {
        "instrument": pa.string(),
        "family": pa.string(),
        "case": pa.string(),
        "widths": pa.list_(pa.int32()),
        "rank": pa.int32(),
        "quantity": pa.string(),
        "x": pa.float64(),
        "truth": pa.float64(),
        "estimate": pa.float64(),
        "ci_low": pa.float64(),
        "ci_high": pa.float64(),
        "tolerance": pa.float64(),
        "n": pa.int32(),
        "flag": pa.string(),
        "required": pa.bool_(),
        "passed": pa.bool_(),
    },
    ("instrument", "family", "case", "quantity", "x"),
    "calibrate",
)
