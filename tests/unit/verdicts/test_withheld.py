"""What is withheld: verdicts and readings whose instruments are out of calibration, and nothing else."""

import pandas as pd
import pytest

from tests.unit.example_results import calibration_of
from workflow_scripts.ticketlab.verdicts.judge import RESTS_ON
from workflow_scripts.ticketlab.verdicts.rows import REFUTES, STRONG_FORM, SUPPORTS, T1, T2, T3, WITHHELD
from workflow_scripts.ticketlab.verdicts.withheld import withheld


@pytest.mark.parametrize(
    ("instrument", "tests"),
    [("pruning", {T1, STRONG_FORM}), ("roles", {T2}), ("structure", {T3}), ("statistics", {T1, STRONG_FORM, T2, T3})],
)
def test_a_verdict_whose_instrument_is_out_of_calibration_is_withheld_and_says_so(instrument, tests):
    table = pd.DataFrame([{"test": test, "decision": SUPPORTS, "reason": "r"} for test in (T1, STRONG_FORM, T2, T3)])
    assert withheld(table, RESTS_ON, "test", "decision", calibration_of()).equals(table)
    checks = calibration_of(**{instrument: "the broken case"})
    for test, row in withheld(table, RESTS_ON, "test", "decision", checks).set_index("test").iterrows():
        if test in tests:
            assert row["decision"] == WITHHELD
            assert f"{instrument} is out of calibration (example the broken case" in row["reason"]
            assert row["reason"].endswith("otherwise: supports LTH, r")
        else:
            assert row["decision"] == SUPPORTS


def test_an_instrument_that_was_never_calibrated_is_not_believed():
    table = pd.DataFrame([{"test": T2, "decision": REFUTES, "reason": "r"}])
    checks = calibration_of()
    row = withheld(table, RESTS_ON, "test", "decision", checks[checks["instrument"] != "roles"]).iloc[0]
    assert row["decision"] == WITHHELD and "roles was never calibrated" in row["reason"]
