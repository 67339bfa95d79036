"""What of the end was in the initial weights: parts of them kept (origins.py), roles foretold (foretelling.py)."""

from dataclasses import replace

import pyarrow as pa

from workflow_scripts.ticketlab.contracts import INTERVAL, Table
from workflow_scripts.ticketlab.contracts.networks import METRICS
from workflow_scripts.ticketlab.contracts.roles import AGREEMENT

# The same tables, made by another rule.
RESAMPLED_AGREEMENT = replace(AGREEMENT, rule="resample_rest")
RESAMPLED_METRICS = replace(METRICS, rule="resample_rest")

RESAMPLE = Table(
    "resample",
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
    "summarise_resample",
)

FORETOLD = Table(
    "foretold",
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
    "foretell_roles",
)
