"""The roles of components and their agreement between two networks."""

import pyarrow as pa

from workflow_scripts.ticketlab.tables.schemas.table import Table, of_networks

MASK = "mask"

ROLES = of_networks(
    "roles",
    ("probe", "layer", "kind", "component", "score"),
    "score_roles",
    probe=pa.int32(),
    layer=pa.int32(),
    kind=pa.string(),
    component=pa.int32(),
    score=pa.string(),
    value=pa.float64(),
)

ROLE_HOLDERS = of_networks(
    "role_holders",
    ("role",),
    "compare_roles",
    role=pa.string(),
    layer=pa.int32(),
    component=pa.int32(),
    key=pa.string(),
    value=pa.float64(),
    lead=pa.float64(),
)

AGREEMENT = Table(
    "agreement",
    {
        "study": pa.string(),
        "split_step": pa.int32(),
        "pair": pa.string(),
        "init_seed": pa.int32(),
        "other_init_seed": pa.int32(),
        "data_seed": pa.int32(),
        "other_data_seed": pa.int32(),
        "matching": pa.string(),
        "score": pa.string(),
        "agreement": pa.float64(),
    },
    (
        "study",
        "split_step",
        "pair",
        "init_seed",
        "other_init_seed",
        "data_seed",
        "other_data_seed",
        "matching",
        "score",
    ),
    "compare_roles or vary_noise",
)
