"""What a calibration says of an instrument: one row is one check against a ground truth.

A check passes if the truth lies in the interval, or if the estimate is within the tolerance of it. A quantity that
ends in ", at least" or ", at most" has a bound for its truth, and passes if its estimate, or its interval where there
is one, reaches it. An instrument is out of calibration when a check that is `required` fails; the others only inform.

The contract moves into tables.TABLES with the rules that write the table.
"""

import pyarrow as pa

from workflow_scripts.ticketlab.tables import Table

INSTRUMENTS = ("llc", "roles", "pruning", "structure", "statistics")

TABLE = Table(
    {
        "instrument": pa.string(),
        "family": pa.string(),
        "case": pa.string(),
        "widths": pa.list_(pa.int32()),
        "rank": pa.int32(),
        "quantity": pa.string(),
        "x": pa.float64(),
        "truth": pa.float64(),
        "estimate": pa.float64(),
        "ci_low": pa.float64(),
        "ci_high": pa.float64(),
        "tolerance": pa.float64(),
        "n": pa.int32(),
        "flag": pa.string(),
        "required": pa.bool_(),
        "passed": pa.bool_(),
    },
    ("instrument", "family", "case", "quantity", "x"),
    "calibrate",
)
