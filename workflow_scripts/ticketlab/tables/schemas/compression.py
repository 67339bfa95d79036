"""How far the dense networks can be compressed without training (experiments/compression/measure.py)."""

import pyarrow as pa

from workflow_scripts.ticketlab.tables.schemas.table import of_networks

COMPRESSION = of_networks(
    "compression",
    (),
    "measure_compression",
    loss=pa.float64(),
    rise=pa.float64(),
    density=pa.float64(),
    bits=pa.float64(),
    llc=pa.float64(),
    flag=pa.string(),
)
