"""The step of training at which each quantity is half-way between its first value and its last (verdicts/clock.py)."""

import pyarrow as pa

from workflow_scripts.ticketlab.tables.schemas.table import Table

CLOCK = Table(
    "clock",
    {
        "study": pa.string(),
        "quantity": pa.string(),
        "of": pa.string(),
        "first": pa.float64(),
        "last": pa.float64(),
        "step": pa.float64(),
        "ci_low": pa.float64(),
        "ci_high": pa.float64(),
        "recorded_before": pa.int32(),
        "recorded_after": pa.int32(),
        "n": pa.int32(),
        "rank": pa.int32(),
        "before_next": pa.bool_(),
        "reason": pa.string(),
    },
    ("study", "quantity", "of"),
    "read_clock",
)
