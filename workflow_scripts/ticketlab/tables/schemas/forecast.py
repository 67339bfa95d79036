"""How well components at earlier steps predict the roles at the end (experiments/forecast)."""

import pyarrow as pa

from workflow_scripts.ticketlab.tables.schemas.table import INTERVAL, Table

FORECAST = Table(
    "forecast",
    {
        "study": pa.string(),
        "step": pa.int32(),
        "quantity": pa.string(),
        "contrast": pa.string(),
        "score": pa.string(),
        **INTERVAL,
        "n": pa.int32(),
    },
    ("study", "step", "quantity", "contrast", "score"),
    "forecast_roles",
)
