"""Rows of the calibration table: what passes, what does not, and that NaN never does."""

import math

import numpy as np
import pytest

from workflow_scripts.ticketlab.calibration import checks
from workflow_scripts.ticketlab.calibration.checks import at_least, at_most, within_interval, within_tolerance
from workflow_scripts.ticketlab.tables import files
from workflow_scripts.ticketlab.tables.schemas.calibration import CALIBRATION

OF = {"instrument": "roles", "family": "f", "case": "c", "quantity": "q"}


@pytest.mark.parametrize(
    ("row", "passed"),
    [
        (within_tolerance(OF, 1.0, 1.1, 0.2), True),
        (within_tolerance(OF, 1.0, 0.7, 0.2), False),
        (within_tolerance(OF, 1.0, math.nan, 0.2), False),
        (within_interval(OF, 0.0, 0.1, (-0.1, 0.3), 8), True),
        (within_interval(OF, 0.0, 0.2, (0.1, 0.3), 8), False),
        (within_interval(OF, 0.0, math.nan, (math.nan, math.nan), 8), False),
        (at_least(OF, 0.9, 0.95), True),
        (at_least(OF, 0.9, 0.85), False),
        (at_least(OF, 0.9, 0.85, (0.8, 0.91), 8), True),
        (at_least(OF, 0.9, 0.85, (0.8, 0.89), 8), False),
        (at_least(OF, 0.9, math.nan), False),
        (at_most(OF, 0.05, 0.0), True),
        (at_most(OF, 0.05, 0.06), False),
        (at_most(OF, 0.05, 0.06, (0.04, 0.08), 8), True),
        (at_most(OF, 0.05, 0.08, (0.06, 0.1), 8), False),
        (at_most(OF, 0.05, math.nan), False),
    ],
)
def test_each_rule_passes_what_it_should_and_nothing_else(row, passed):
    assert row["passed"] is passed
    assert (row["flag"] == "") == np.isfinite(row["estimate"])


def test_a_rate_has_the_exact_binomial_interval():
    share, (low, high) = checks.rate(0, 100)
    assert (share, low) == (0, 0)
    assert high == pytest.approx(1 - (0.005) ** (1 / 100))  # none of 100, by hand


def test_rows_make_the_table_and_an_unknown_instrument_is_refused(tmp_path):
    rows = [within_tolerance({**OF, "x": 2.0, "required": False}, 0, 0, 1), at_most(OF, 1, 0)]
    files.write(tmp_path / "a.parquet", CALIBRATION, checks.table(rows), {})
    back = files.read(tmp_path / "a.parquet", CALIBRATION)
    assert back["quantity"].tolist() == ["q", "q, at most"]
    assert back["required"].tolist() == [False, True]
    with pytest.raises(ValueError, match="no instrument thermometer"):
        checks.table([at_most({**OF, "instrument": "thermometer"}, 1, 0)])
