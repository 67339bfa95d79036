"""A network after training: its weights, its masks, its loss and error."""

import pyarrow as pa

from workflow_scripts.ticketlab.tables.schemas.table import of_networks

WEIGHTS = of_networks(
    "weights",
    ("slot", "tensor"),
    "train_dense, imp_round, train_controls, train_spawned or develop_tickets",
    slot=pa.string(),
    tensor=pa.string(),
    shape=pa.list_(pa.int32()),
    values=pa.list_(pa.float32()),
)

MASKS = of_networks(
    "masks",
    ("tensor",),
    "imp_round, train_controls, find_supermask or develop_tickets",
    tensor=pa.string(),
    shape=pa.list_(pa.int32()),
    kept=pa.list_(pa.bool_()),
    density=pa.float64(),
)

EXAMPLES = of_networks(
    "examples",
    ("metric",),
    "train_dense, imp_round, train_controls or find_supermask",
    metric=pa.string(),
    values=pa.list_(pa.float32()),
)

METRICS = of_networks(
    "metrics",
    ("split", "metric"),
    "train_dense, imp_round, train_controls, find_supermask, train_spawned, develop_tickets or vary_noise",
    density=pa.float64(),
    emptied=pa.string(),
    split=pa.string(),
    metric=pa.string(),
    value=pa.float64(),
)
