"""The strong form on tables of known truth: each branch, what licenses a negative, what NaN may never become."""

import pandas as pd
import pytest

from tests.unit.example_verdicts import SETTINGS, WINS, compared, judged, metrics, row, verdict, with_nan
from workflow_scripts.ticketlab.core.readings import INCONCLUSIVE
from workflow_scripts.ticketlab.verdicts import kinds
from workflow_scripts.ticketlab.verdicts.rows import DIVERGED, REFUTES, SUPPORTS
from workflow_scripts.ticketlab.verdicts.strong_form import strong_form


@pytest.mark.parametrize(
    ("end", "decision", "words"),
    [
        (2.0, SUPPORTS, "not worse than dense by 0.1; "),
        (2.4, REFUTES, "worse than dense by more than 0.1"),
        (2.1, INCONCLUSIVE, "not shown on either side of the margin 0.1"),
        (3.95, INCONCLUSIVE, "the search found nothing better than a random mask"),
        (3.9, INCONCLUSIVE, "the search found nothing clearly better than a random mask"),
    ],
)
def test_the_strong_form_is_refuted_only_where_the_search_worked(end, decision, words):
    table = judged(compared(metrics(WINS | {("supermask_kaiming", 1, 0.3): end})))
    row = verdict(table, kinds.STRONG_FORM, variant="supermask_kaiming", density=0.3)
    assert row["decision"] == decision and words in row["reason"] and "better than a random mask" in row["reason"]


def masked(variant, level, p, low, high):
    """What is compared of one supermask whose search worked."""
    at = {"level": level, "density": 0.5**level}
    return [
        row("supermask", "loss", f"{variant} - dense", (low + high) / 2, low, high, p=p) | at,
        row("supermask", "loss", f"{variant} - random mask", -1.0, -1.1, -0.9, p=0.0) | at,
    ]


@pytest.mark.parametrize(("p", "low", "high", "decision"), [(0.01, -0.1, 0.08, SUPPORTS), (0.99, 0.12, 0.3, REFUTES)])
def test_supermasks_are_adjusted_over_variants_and_densities_on_both_sides(p, low, high, decision):
    """One-sided p = 0.01 is 0.02 two-sided, and 0.06 where two other masks were tried."""
    mine, spans = masked("supermask_kaiming", 1, p, low, high), (0.5, 0.0, 0.2)
    others = [*masked("supermask_kaiming", 2, *spans), *masked("supermask_signed_constant", 1, *spans)]
    alone, among = (next(strong_form(pd.DataFrame(rows), SETTINGS)) for rows in (mine, mine + others))
    assert alone["decision"] == decision and among["decision"] == INCONCLUSIVE
    assert "adjusted p 0.02" in alone["reason"] and "adjusted p 0.06" in among["reason"]


def test_a_diverged_supermask_is_undecided():
    table = judged(compared(with_nan(metrics(WINS | {("supermask_kaiming", 1, 0.3): 2.4}), "supermask_kaiming")))
    row = verdict(table, kinds.STRONG_FORM)
    assert row["decision"] == INCONCLUSIVE and row["reason"] == DIVERGED
