"""Distances of a network, and of what is left in it, from reference predictors."""

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

RETAINED = of_networks(
    "retained", ("structure", "way"), "trace_structure", structure=pa.string(), way=pa.string(), distance=pa.float64()
)
