"""The comparisons within a study, as estimates with intervals."""

import pyarrow as pa

from workflow_scripts.ticketlab.tables.schemas.table import INTERVAL, Table

COMPARISONS = Table(
    "comparisons",
    {
        "study": pa.string(),
        "test": pa.string(),
        "rewind_step": pa.int32(),
        "level": pa.int32(),
        "density": pa.float64(),
        "step": pa.int32(),
        "quantity": pa.string(),
        "contrast": pa.string(),
        "matching": pa.string(),
        "score": pa.string(),
        "rate": pa.float64(),
        "other_rate": pa.float64(),
        **INTERVAL,
        "p": pa.float64(),
        "n": pa.int32(),
    },
    ("study", "test", "rewind_step", "level", "step", "quantity", "contrast", "matching", "score", "rate"),
    "summarise",
    version=3,
)
