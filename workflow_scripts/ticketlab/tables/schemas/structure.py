"""Distances of a network from reference predictors."""

import pyarrow as pa

from workflow_scripts.ticketlab.tables.schemas.table import of_networks

STRUCTURE = of_networks(
    "structure",
    ("structure",),
    "trace_structure or develop_tickets",
    structure=pa.string(),
    distance=pa.float64(),
    reference_floor=pa.float64(),
)
