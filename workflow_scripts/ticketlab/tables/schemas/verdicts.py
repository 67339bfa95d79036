"""Decisions on the three tests."""

import pyarrow as pa

from workflow_scripts.ticketlab.tables.schemas.table import INTERVAL, Table

VERDICTS = Table(
    "verdicts",
    {
        "study": pa.string(),
        "test": pa.string(),
        "claim": pa.string(),
        **INTERVAL,
        "p": pa.float64(),
        "n": pa.int32(),
        "margin": pa.float64(),
        "detectable": pa.float64(),
        "decision": pa.string(),
        "reason": pa.string(),
    },
    ("study", "test", "claim"),
    "judge",
)
