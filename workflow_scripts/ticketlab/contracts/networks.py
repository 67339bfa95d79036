"""What training leaves of a network: its weights, its masks, its loss and error."""

import pyarrow as pa

from workflow_scripts.ticketlab.contracts import of_networks

WEIGHTS = of_networks(
    "weights",
    ("slot", "tensor"),
    "init_seeds, train_dense, imp_round, retrain_tickets, train_spawned or develop_tickets",
    slot=pa.string(),
    tensor=pa.string(),
    shape=pa.list_(pa.int32()),
    values=pa.list_(pa.float32()),
)

MASKS = of_networks(
    "masks",
    ("tensor",),
    "imp_round, retrain_tickets, find_supermask or develop_tickets",
    tensor=pa.string(),
    shape=pa.list_(pa.int32()),
    kept=pa.list_(pa.bool_()),
    density=pa.float64(),
)

METRICS = of_networks(
    "metrics",
    ("split", "metric"),
    "train_dense, imp_round, retrain_tickets, find_supermask, train_spawned, develop_tickets or dose_of_noise",
    density=pa.float64(),
    split=pa.string(),
    metric=pa.string(),
    value=pa.float64(),
)
