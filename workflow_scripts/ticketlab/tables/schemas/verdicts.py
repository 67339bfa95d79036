"""Decisions on the three tests."""

import pyarrow as pa

from workflow_scripts.ticketlab.tables.schemas.table import INTERVAL, Table

VERDICTS = Table(
    "verdicts",
    {
        "study": pa.string(),
        "test": pa.string(),
        "kind": pa.string(),
        "rewind_step": pa.int32(),
        "density": pa.float64(),
        "split_step": pa.int32(),
        "structure": pa.string(),
        "variant": pa.string(),
        **INTERVAL,
        "p": pa.float64(),
        "n": pa.int32(),
        "margin": pa.float64(),
        "detectable": pa.float64(),
        "decision": pa.string(),
        "reason": pa.string(),
    },
    ("study", "test", "kind", "rewind_step", "density", "split_step", "structure", "variant"),
    "judge or judge_released",
    version=2,
)
