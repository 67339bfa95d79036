"""The data of a study as its training sees it."""

import pyarrow as pa

from workflow_scripts.ticketlab.tables.schemas.table import Table

DATA = Table(
    "data",
    {
        "study": pa.string(),
        "split": pa.string(),
        "example": pa.int32(),
        "name": pa.string(),
        "tokens": pa.list_(pa.int32()),
        "features": pa.list_(pa.float32()),
        "target": pa.int32(),
    },
    ("study", "split", "example"),
    "prepare_data",
)
