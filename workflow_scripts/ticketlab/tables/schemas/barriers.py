"""Barriers on the straight line between the end weights of two networks (instruments/barriers.py)."""

import pyarrow as pa

from workflow_scripts.ticketlab.tables.schemas.table import Table

BARRIERS = Table(
    "barriers",
    {
        "study": pa.string(),
        "split_step": pa.int32(),
        "pair": pa.string(),
        "init_seed": pa.int32(),
        "other_init_seed": pa.int32(),
        "data_seed": pa.int32(),
        "other_data_seed": pa.int32(),
        "split": pa.string(),
        "metric": pa.string(),
        "first": pa.float64(),
        "second": pa.float64(),
        "highest": pa.float64(),
        "place": pa.float64(),
        "barrier": pa.float64(),
    },
    (
        "study",
        "split_step",
        "pair",
        "init_seed",
        "other_init_seed",
        "data_seed",
        "other_data_seed",
        "split",
        "metric",
    ),
    "measure_barriers",
)
