"""The prediction of each view, and the measurement."""

import pyarrow as pa

from workflow_scripts.ticketlab.tables.schemas.table import Table

PREDICTIONS = Table(
    "predictions",
    {
        "study": pa.string(),
        "prediction": pa.string(),
        "quantity": pa.string(),
        "dose": pa.float64(),
        "ci_low": pa.float64(),
        "ci_high": pa.float64(),
        "n": pa.int32(),
        "sign_if_latent": pa.string(),
        "sign_if_built": pa.string(),
        "verdict": pa.string(),
        "reason": pa.string(),
        "figure": pa.string(),
    },
    ("study", "prediction", "quantity"),
    "predict",
)
