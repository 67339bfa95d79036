"""T2 on tables of known truth: whether roles change, and who decides them."""

import pytest

from tests.unit.example_verdicts import NAN, base, changing, judged, roles, verdict
from workflow_scripts.ticketlab.core.readings import INCONCLUSIVE, MIXED
from workflow_scripts.ticketlab.verdicts.kinds import FIXED_ROLES, LATER_ROLES, ROLES_CHANGE
from workflow_scripts.ticketlab.verdicts.rows import DIVERGED, REFUTES, SUPPORTS, WITHHELD


@pytest.mark.parametrize(
    ("numbers", "decision", "words"),
    [
        ({"estimate": 0.9, "low": 0.8, "high": 1.0}, SUPPORTS, "above 0.75"),
        ({"estimate": 0.1, "low": 0.0, "high": 0.2}, REFUTES, "below 0.25"),
        ({"estimate": 0.5, "low": 0.3, "high": 0.7}, MIXED, "in part"),
        ({"estimate": 0.5, "low": 0.1, "high": 0.9}, INCONCLUSIVE, "too wide"),
        ({"estimate": 0.225, "low": 0.177, "high": 0.273}, MIXED, "in part"),  # narrow, about a bound
        ({"estimate": 0.9, "low": 0.8, "high": 1.0, "other": (0.3, 0.2, 0.4)}, WITHHELD, "do not agree at chance"),
        ({"estimate": 0.9, "low": 0.8, "high": 1.0, "other": (0.05, 0.01, 0.09)}, SUPPORTS, "agree at chance"),
        ({"estimate": 0.9, "low": 0.8, "high": 1.0, "other": (0.0, -0.4, 0.4)}, SUPPORTS, "has no power"),
        ({"estimate": 0.1, "low": 0.0, "high": 0.2, "chaos": 0.9, "gap": (-0.8, -0.9, -0.7)}, REFUTES, "order decides"),
        (
            {"estimate": 0.1, "low": 0.0, "high": 0.2, "chaos": 0.2, "gap": (-0.1, -0.3, 0.1)},
            REFUTES,
            "not shown to be",
        ),
        ({"estimate": 0.1, "low": 0.0, "high": 0.2, "other": (NAN, NAN, NAN)}, INCONCLUSIVE, "too few"),
        ({"estimate": 0.1, "low": 0.0, "high": 0.2, "other": None}, INCONCLUSIVE, "too few"),
        ({"estimate": NAN, "low": NAN, "high": NAN}, INCONCLUSIVE, "exact replicates do not agree"),
        ({"estimate": NAN, "low": NAN, "high": NAN, "n": 1}, INCONCLUSIVE, "fewer than two inits"),
        ({"estimate": 0.1, "low": NAN, "high": NAN}, INCONCLUSIVE, ""),
        ({"estimate": 0.1, "low": 0.0, "high": 0.2, "agreement": NAN}, INCONCLUSIVE, DIVERGED),
        ({"estimate": 0.9, "low": 0.8, "high": 1.0, "replicate": NAN}, INCONCLUSIVE, DIVERGED),
    ],
)
def test_who_decides_the_roles(numbers, decision, words):
    found = verdict(judged(base(), roles(**numbers)), FIXED_ROLES, split_step=0)
    assert found["decision"] == decision and words in found["reason"]


@pytest.mark.parametrize(
    ("rows", "decision", "words"),
    [
        (changing(3, 5), REFUTES, "induction in 3 of 5"),
        (changing(3, 5, previous_token=(0, 5), self=(0, 5), other=(0, 5)), REFUTES, "induction in 3 of 5"),
        (changing(2, 5, previous_token=(0, 5), self=(0, 5)), INCONCLUSIVE, "at this rate 8 with a clear holder"),
        (changing(1, 1), INCONCLUSIVE, "1 of 1 initialisations"),
        (changing(0, 5), SUPPORTS, "no role changes"),
        (changing(0, 4), INCONCLUSIVE, "at this rate 5 with a clear holder"),
        (changing(0, 16, previous_token=(1, 16)), INCONCLUSIVE, "previous_token changes in 1 of 16"),
        (changing(3, 5, pair="later"), INCONCLUSIVE, "no part holds a role"),
    ],
)
def test_whether_another_part_holds_a_role(rows, decision, words):
    found = verdict(judged(base(), rows, changing(4, 5, pair="chaos")), ROLES_CHANGE)
    assert found["decision"] == decision and words in found["reason"]
    if decision == REFUTES:
        assert found["structure"] == "induction" and "millionth off in 4 of 5" in found["reason"]


@pytest.mark.parametrize(
    ("numbers", "decision", "words"),
    [
        ((0.9, 0.8, 1.0), INCONCLUSIVE, "determined by step 40, as either view expects (D = 0.90)"),
        ((0.1, 0.0, 0.2), REFUTES, "below 0.25"),
        ((0.5, 0.3, 0.7), MIXED, "in part"),
    ],
)
def test_roles_that_are_fixed_later_speak_for_neither_view(numbers, decision, words):
    found = verdict(judged(base(), roles(*numbers, step=40)), LATER_ROLES, split_step=40)
    assert found["decision"] == decision and words in found["reason"]


def test_a_split_step_of_which_every_pair_diverged_is_not_passed_over():
    frame = roles(NAN, NAN, NAN, other=None, step=40, agreement=NAN)
    frame = frame[frame["quantity"] != "determinacy"]
    found = verdict(judged(base(), roles(0.9, 0.8, 1.0), frame), LATER_ROLES, split_step=40)
    assert found["decision"] == INCONCLUSIVE and DIVERGED in found["reason"]
