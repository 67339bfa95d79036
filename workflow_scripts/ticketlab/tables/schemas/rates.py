"""Networks at the end of training with other learning rates than the recipe's."""

import pyarrow as pa

from workflow_scripts.ticketlab.tables.schemas.table import of_networks

# As table `examples`.
RATE_EXAMPLES = of_networks(
    "rate_examples",
    ("rate", "metric"),
    "train_rates",
    rate=pa.float64(),
    metric=pa.string(),
    values=pa.list_(pa.float32()),
)

RATES = of_networks(
    "rates",
    ("rate", "split", "metric"),
    "train_rates or sweep_rates",
    rate=pa.float64(),
    density=pa.float64(),
    emptied=pa.string(),
    split=pa.string(),
    metric=pa.string(),
    value=pa.float64(),
)
