import pytest

from workflow_scripts.ticketlab import calibration, tables


@pytest.fixture(autouse=True)
def calibration_table(monkeypatch):
    """The contract of a table that no rule writes yet, for the calibrations' round trips."""
    monkeypatch.setitem(tables.TABLES, "calibration", calibration.TABLE)
