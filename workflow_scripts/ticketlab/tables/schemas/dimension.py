"""The effective dimension of deep linear networks: each subspace that was tried, sizes by seed, the summary."""

import pyarrow as pa

from workflow_scripts.ticketlab.tables.schemas.table import INTERVAL, Table

# The objects that have a size: values of `kind` and `quantity`.
RANDOM, FROZEN, ZEROED = "random subspace", "frozen at θ₀", "zeroed ticket"
ROUGHLY, TURNED = ", at a tolerance", ", turned target"
EXACT, WEIGHTS = "2λ", "weights"
LINEAR = "deep_linear"  # in place of a study's name

# A search for a zero of the loss with this many free weights.
SUBSPACES = Table(
    "subspaces",
    {
        "cell": pa.string(),
        "kind": pa.string(),
        "size": pa.int32(),
        "init_seed": pa.int32(),
        "value": pa.float64(),
        "bound": pa.float64(),
    },
    ("cell", "kind", "size", "init_seed"),
    "measure_deep_linear",
)

# A size of the network of one initialisation.
SIZES = Table(
    "sizes",
    {
        "cell": pa.string(),
        "quantity": pa.string(),
        "init_seed": pa.int32(),
        "size": pa.float64(),
    },
    ("cell", "quantity", "init_seed"),
    "measure_deep_linear",
)

# Sizes over seeds, and how they relate over cells.
DIMENSION = Table(
    "dimension",
    {
        "cell": pa.string(),
        "quantity": pa.string(),
        "contrast": pa.string(),
        **INTERVAL,
        "n": pa.int32(),
        "missing": pa.int32(),
    },
    ("cell", "quantity", "contrast"),
    "summarise_dimension",
)
