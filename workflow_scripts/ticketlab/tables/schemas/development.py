"""Transients, and the learning coefficient along training, in tickets (experiments/development)."""

import pyarrow as pa

from workflow_scripts.ticketlab.tables.schemas.table import INTERVAL, Table

DEVELOPMENT = Table(
    "development",
    {
        "study": pa.string(),
        "network": pa.string(),
        "structure": pa.string(),
        "quantity": pa.string(),
        "contrast": pa.string(),
        "density": pa.float64(),
        "step": pa.int32(),
        **INTERVAL,
        "p": pa.float64(),
        "n": pa.int32(),
    },
    ("study", "network", "structure", "quantity", "contrast", "step"),
    "summarise_development",
)
