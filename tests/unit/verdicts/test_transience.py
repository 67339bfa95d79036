"""T3 on tables of known truth: structure that was acquired, outvoted, kept and lost."""

from typing import Any

import pytest

from tests.unit.example_verdicts import NAN, SETTINGS, base, judged, structure, verdict
from workflow_scripts.ticketlab.core.readings import INCONCLUSIVE
from workflow_scripts.ticketlab.verdicts import transience
from workflow_scripts.ticketlab.verdicts.kinds import DETOUR, TRANSIENCE, TRANSIENT_STRUCTURE
from workflow_scripts.ticketlab.verdicts.rows import DIVERGED, NO_SIDE, REFUTES, T3

KEPT: dict[str, Any] = {"retained": (0.95, 0.9, 1.0), "p": 0.99}


@pytest.mark.parametrize(
    ("numbers", "decision", "words"),
    [
        ({}, REFUTES, "lost: acquired 0.90 [0.80, 1.00] by step 8"),
        (KEPT, INCONCLUSIVE, "outvoted, but kept"),
        (KEPT | {"forgotten": (0.0, -0.1, 0.05)}, INCONCLUSIVE, "kept: acquired"),
        ({"retained": (0.5, 0.4, 0.6), "p": 0.5}, INCONCLUSIVE, "on neither side of 0.5"),
        ({"beyond": (0.0, -0.1, 0.1), "p": 0.5}, INCONCLUSIVE, "not shown to come nearer than the straight path"),
        ({"acquired": (0.2, 0.1, 0.3)}, INCONCLUSIVE, "never acquired"),
        ({"acquired": (0.6, 0.4, 0.8)}, INCONCLUSIVE, "not clearly acquired"),
        ({"acquired": (-0.1, -0.2, 0.0), "forgotten": None, "retained": None}, INCONCLUSIVE, "never acquired"),
        ({"acquired": (NAN, NAN, NAN)}, INCONCLUSIVE, DIVERGED),
        ({"retained": (NAN, NAN, NAN), "p": NAN}, INCONCLUSIVE, DIVERGED),
        ({"acquired": (0.9, NAN, NAN), "n": 1, "p": NAN}, INCONCLUSIVE, "raise seeds"),
    ],
)
def test_was_what_was_acquired_lost(numbers, decision, words):
    table = judged(base(), structure(**numbers))
    found = verdict(table, TRANSIENT_STRUCTURE, structure="bigram")
    assert found["decision"] == decision and words in found["reason"]
    assert verdict(table, TRANSIENCE)["decision"] == decision


@pytest.mark.parametrize("least", ["acquired", "beyond path", "retained"])
def test_each_of_the_three_must_be_shown(least):
    """Acquired, on a detour, and lost: the p-value is the greatest of the three."""
    rows = structure()
    rows.loc[rows["contrast"] == least, "p"] = 0.06
    assert verdict(judged(base(), rows), TRANSIENCE)["decision"] == INCONCLUSIVE


def test_one_lost_structure_refutes_and_what_is_kept_speaks_for_neither():
    """Structure that is not lost refutes nothing: the predictors may be the wrong ones (docs/theory.md)."""
    some = judged(base(), structure("bigram"), structure("unigram", **KEPT))
    assert verdict(some, TRANSIENCE)["decision"] == REFUTES
    both = judged(base(), structure("bigram", **KEPT), structure("unigram", **KEPT))
    found = verdict(both, TRANSIENCE)
    assert found["decision"] == INCONCLUSIVE and "still in the network" in found["reason"]
    unknown = judged(base(), structure("bigram", **KEPT), structure("unigram", acquired=(NAN, NAN, NAN)))
    found = verdict(unknown, TRANSIENCE)
    assert found["decision"] == INCONCLUSIVE and "nor all to be kept" in found["reason"]


def test_what_is_lost_is_adjusted_over_the_predictors():
    parts = [structure(name, p=0.04) for name in ("unigram", "bigram")]
    table = judged(base(), *parts)
    assert REFUTES not in set(table[table["test"] == T3]["decision"])


@pytest.mark.parametrize(
    ("numbers", "words"),
    [
        ({}, "a detour: 0.30 [0.20, 0.40]"),
        (KEPT | {"p": 1e-6}, "a detour"),
        ({"p": 0.5}, "no detour is shown"),
        ({"forgotten": None}, "no detour: it never came nearer"),
    ],
)
def test_a_detour_of_the_predictions_is_reported_without_a_side(numbers, words):
    found = verdict(judged(base(), structure(**numbers)), DETOUR, structure="bigram")
    assert found["decision"] == NO_SIDE and words in found["reason"]


def test_where_all_seeds_share_one_draw_of_what_is_claimed_about_nothing_is_refuted():
    rows = list(transience.transience(structure(), SETTINGS, "one pool of tasks"))
    of_loss = [row for row in rows if row["kind"] != DETOUR]
    assert {row["decision"] for row in of_loss} == {INCONCLUSIVE}
    assert all("all seeds share one pool of tasks" in row["reason"] for row in of_loss)
