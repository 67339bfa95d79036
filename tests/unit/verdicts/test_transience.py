"""T3 on tables of known truth: structure that was acquired, and forgotten."""

from typing import Any

import pytest

from tests.unit.example_verdicts import NAN, base, judged, structure, verdict
from workflow_scripts.ticketlab.core.readings import INCONCLUSIVE
from workflow_scripts.ticketlab.verdicts.kinds import TRANSIENCE, TRANSIENT_STRUCTURE
from workflow_scripts.ticketlab.verdicts.rows import DIVERGED, REFUTES, T3

KEPT: dict[str, Any] = {"forgotten": (0.02, -0.01, 0.05), "p": 0.99}


@pytest.mark.parametrize(
    ("numbers", "decision", "words"),
    [
        ({}, REFUTES, "transient"),
        (KEPT, INCONCLUSIVE, "that speaks for neither"),
        ({"forgotten": (0.1, 0.0, 0.2), "p": 0.5}, INCONCLUSIVE, "spans 0.1"),
        ({"acquired": (0.2, 0.1, 0.3)}, INCONCLUSIVE, "never acquired"),
        ({"acquired": (0.6, 0.4, 0.8)}, INCONCLUSIVE, "not clearly acquired"),
        ({"acquired": (-0.1, -0.2, 0.0), "forgotten": None}, INCONCLUSIVE, "never acquired"),
        ({"acquired": (NAN, NAN, NAN)}, INCONCLUSIVE, DIVERGED),
        ({"acquired": (NAN, NAN, NAN), "forgotten": None}, INCONCLUSIVE, DIVERGED),
        ({"forgotten": (NAN, NAN, NAN), "p": NAN}, INCONCLUSIVE, DIVERGED),
        ({"acquired": (0.9, NAN, NAN), "n": 1, "p": NAN}, INCONCLUSIVE, "raise seeds"),
    ],
)
def test_was_structure_acquired_and_forgotten(numbers, decision, words):
    table = judged(base(), structure(**numbers))
    found = verdict(table, TRANSIENT_STRUCTURE, structure="bigram")
    assert found["decision"] == decision and words in found["reason"]
    assert verdict(table, TRANSIENCE)["decision"] == decision


def test_one_transient_structure_refutes_and_what_is_kept_speaks_for_neither():
    """Structure that is not left again refutes nothing: the predictors may be the wrong ones (docs/theory.md)."""
    some = judged(base(), structure("bigram"), structure("unigram", **KEPT))
    assert verdict(some, TRANSIENCE)["decision"] == REFUTES
    both = judged(base(), structure("bigram", **KEPT), structure("unigram", **KEPT))
    found = verdict(both, TRANSIENCE)
    assert found["decision"] == INCONCLUSIVE and "all were acquired and kept" in found["reason"]
    lost = judged(base(), structure("bigram", **KEPT), structure("unigram", acquired=(NAN, NAN, NAN)))
    found = verdict(lost, TRANSIENCE)
    assert found["decision"] == INCONCLUSIVE and "nor all to be kept" in found["reason"]


def test_transience_is_adjusted_over_the_predictors():
    parts = [structure(name, p=0.04) for name in ("unigram", "bigram")]
    table = judged(base(), *parts)
    assert REFUTES not in set(table[table["test"] == T3]["decision"])
