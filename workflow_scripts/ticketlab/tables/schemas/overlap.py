"""The overlap of two masks."""

import pyarrow as pa

from workflow_scripts.ticketlab.tables.schemas.table import of_networks

OVERLAP = of_networks(
    "overlap",
    ("reference", "tensor"),
    "trace_mask_overlap or trace_released_masks",
    reference=pa.string(),
    tensor=pa.string(),
    jaccard=pa.float64(),
    chance=pa.float64(),
    excess=pa.float64(),
    given_initial=pa.float64(),
    beyond_initial=pa.float64(),
    update_correlation=pa.float64(),
)
