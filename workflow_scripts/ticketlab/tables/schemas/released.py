"""Where released networks come from, and what their weights are by content."""

import pyarrow as pa

from workflow_scripts.ticketlab.tables.schemas.table import of_networks

CHECKPOINTS = of_networks(
    "checkpoints",
    (),
    "import_checkpoints",
    source=pa.string(),
    revision=pa.string(),
    stored=pa.string(),
    half=pa.bool_(),
    sha256=pa.string(),
)
