"""The role scores of heads along training, and from which step on a head holds its role for good."""

import pyarrow as pa

from workflow_scripts.ticketlab.tables.schemas.table import of_networks

ROLE_COURSES = of_networks(
    "role_courses",
    ("layer", "component", "role"),
    "follow_roles",
    layer=pa.int32(),
    component=pa.int32(),
    role=pa.string(),
    value=pa.float64(),
    chance=pa.float64(),
    spread=pa.float64(),
)

HELD_FROM = of_networks(
    "held_from",
    ("role",),
    "follow_roles",
    role=pa.string(),
    layer=pa.int32(),
    component=pa.int32(),
    step_before=pa.float64(),
    half_step=pa.float64(),
    half_step_before=pa.float64(),
    value=pa.float64(),
    lead=pa.float64(),
    orders=pa.int32(),
    orders_agreed=pa.int32(),
    agreed_from=pa.float64(),
)
