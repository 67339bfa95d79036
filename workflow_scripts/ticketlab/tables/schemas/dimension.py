"""The effective dimension: every subspace that was tried, the size per seed, and the summary over seeds and cells."""

import pyarrow as pa

from workflow_scripts.ticketlab.tables.schemas.table import INTERVAL, Table

# The objects that have a size: values of `kind` and `quantity`.
DENSE, RANDOM, FROZEN, ZEROED = "dense", "random subspace", "frozen at θ₀", "zeroed ticket"
ROUGHLY, TURNED = ", at a tolerance", ", turned target"  # of deep linear networks only
EXACT, ESTIMATED, OF_TICKET, WEIGHTS = "2λ", "2λ̂", "2λ̂, ticket", "weights"
MATCHED = "2λ̂ at matched loss"  # of the dense network, while it trains
LOSS = "train loss of dense"  # not a size; in nats; λ̂ follows it
LINEAR = "deep_linear"  # in place of a study's name
PRUNED, TRAINED, COMPLEXITY = "pruned", "trained", "llc"  # quantities of `rotations`
NONE, RANDOM_ROTATION, PRINCIPAL = "none", "random", "principal axes"  # rotations

_CELL = {"study": pa.string(), "cell": pa.string()}

# A network trained, or searched for, with this many free weights.
SUBSPACES = Table(
    "subspaces",
    {
        **_CELL,
        "kind": pa.string(),
        "size": pa.int32(),
        "init_seed": pa.int32(),
        "metric": pa.string(),
        "value": pa.float64(),
        "bound": pa.float64(),
    },
    ("study", "cell", "kind", "size", "init_seed"),
    "measure_dimension or measure_deep_linear",
)

# A size of the networks of one initialisation.
SIZES = Table(
    "sizes",
    {
        **_CELL,
        "quantity": pa.string(),
        "init_seed": pa.int32(),
        "size": pa.float64(),
        "flag": pa.string(),
    },
    ("study", "cell", "quantity", "init_seed"),
    "measure_dimension or measure_deep_linear",
)

# The changes under a rotation inside the heads.
ROTATIONS = Table(
    "rotations",
    {
        "study": pa.string(),
        "init_seed": pa.int32(),
        "rotation": pa.string(),
        "index": pa.int32(),
        "quantity": pa.string(),
        "density": pa.float64(),
        "value": pa.float64(),
        "flag": pa.string(),
    },
    ("study", "init_seed", "rotation", "index", "quantity", "density"),
    "rotate_heads",
)

# Sizes over seeds, and how they relate over cells.
DIMENSION = Table(
    "dimension",
    {
        **_CELL,
        "quantity": pa.string(),
        "contrast": pa.string(),
        **INTERVAL,
        "n": pa.int32(),
        "missing": pa.int32(),
    },
    ("study", "cell", "quantity", "contrast"),
    "summarise_dimension",
)
