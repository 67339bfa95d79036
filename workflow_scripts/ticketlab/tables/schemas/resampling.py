"""How much of the trained network remains if only a part of θ₀ is kept (experiments/resampling)."""

from dataclasses import replace

import pyarrow as pa

from workflow_scripts.ticketlab.tables.schemas.networks import METRICS
from workflow_scripts.ticketlab.tables.schemas.roles import AGREEMENT
from workflow_scripts.ticketlab.tables.schemas.table import INTERVAL, Table

# The same tables, made by another rule.
RESAMPLED_AGREEMENT = replace(AGREEMENT, rule="resample_weights")
RESAMPLED_METRICS = replace(METRICS, rule="resample_weights")

RESAMPLING = Table(
    "resampling",
    {
        "study": pa.string(),
        "quantity": pa.string(),
        "contrast": pa.string(),
        **INTERVAL,
        "p": pa.float64(),
        "n": pa.int32(),
        "reason": pa.string(),
    },
    ("study", "quantity", "contrast"),
    "summarise_resampling",
)
