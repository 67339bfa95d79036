"""How far the initialisation decides at each dose of data-order noise (experiments/noise/summary.py)."""

import pyarrow as pa

from workflow_scripts.ticketlab.tables.schemas.table import INTERVAL, Table

NOISE = Table(
    "noise",
    {
        "study": pa.string(),
        "batch_size": pa.int32(),
        "quantity": pa.string(),
        "contrast": pa.string(),
        **INTERVAL,
        "p": pa.float64(),
        "n": pa.int32(),
    },
    ("study", "batch_size", "quantity", "contrast"),
    "summarise_noise",
)
