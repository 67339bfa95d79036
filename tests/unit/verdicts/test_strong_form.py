"""The strong form on tables of known truth: each branch, what licenses a negative, what NaN may never become."""

import pandas as pd
import pytest

from tests.unit.example_verdicts import SETTINGS, WINS, compared, judged, metrics, row, verdict, with_nan
from workflow_scripts.ticketlab.core.readings import INCONCLUSIVE
from workflow_scripts.ticketlab.verdicts import kinds
from workflow_scripts.ticketlab.verdicts.rows import DIVERGED, REFUTES, SUPPORTS
from workflow_scripts.ticketlab.verdicts.strong_form import masks
from workflow_scripts.ticketlab.verdicts.tickets import MATCHING, NEITHER

SEARCHED, WIDE = "supermask_kaiming", "supermask_kaiming_x4"


@pytest.mark.parametrize(
    ("end", "decision", "words"),
    [
        (2.0, MATCHING, "not worse than dense by 0.1; "),
        (2.4, NEITHER, "worse than dense by more than 0.1"),
        (2.1, INCONCLUSIVE, "not shown on either side of the margin 0.1"),
        (3.95, INCONCLUSIVE, "the search found nothing better than a random mask"),
        (3.9, INCONCLUSIVE, "the search found nothing clearly better than a random mask"),
    ],
)
def test_a_mask_is_worse_only_where_the_search_found_something(end, decision, words):
    row = verdict(judged(compared(metrics(WINS | {(SEARCHED, 1, 0.3): end}))), kinds.SUPERMASK, density=0.3)
    assert row["decision"] == decision and words in row["reason"] and "better than a random mask" in row["reason"]


def answer(ends, **licence):
    """The study's answer if its masks end so; `licence`: the ends of the masks in the study that licenses it."""
    others = {name: compared(metrics(WINS | end)) for name, end in licence.items()}
    table = judged(compared(metrics(WINS | ends)), licensed_by=next(iter(licence), None), **others)
    return verdict(table, kinds.STRONG_FORM)


def test_the_smallest_width_that_matches_is_the_answer_and_dense_keeps_its_own_width():
    """The best mask is that of four times the width; dense, which ends at 2, is compared with all of them."""
    twice = "supermask_kaiming_x2"
    found = answer({(SEARCHED, 1, 0.3): 2.4, (twice, 1, 0.3): 2.0, (WIDE, 1, 0.3): 1.5})
    assert found["decision"] == SUPPORTS and found["variant"] == twice and abs(found["estimate"]) < 0.05
    assert found["reason"].startswith("at 2 times the dense network's width, the smallest at which it is shown")
    own = answer({(SEARCHED, 1, 0.3): 2.0, (WIDE, 1, 0.3): 1.5})
    assert own["variant"] == SEARCHED and own["reason"].startswith("at the dense network's own width")


BOTH_WORSE = {(SEARCHED, 1, 0.3): 2.4, (WIDE, 1, 0.3): 2.3}


def test_a_negative_needs_a_study_in_which_the_same_search_works():
    licensed = answer(BOTH_WORSE, control={(WIDE, 1, 0.3): 1.9})
    assert licensed["decision"] == REFUTES and "at up to 4 times" in licensed["reason"]
    assert licensed["variant"] == WIDE and "matches" not in licensed["reason"].split("while")[0]
    for unlicensed, words in (
        (answer(BOTH_WORSE), "no study licenses a negative"),
        (answer({(SEARCHED, 1, 0.3): 2.4}, control={(WIDE, 1, 0.3): 1.9}), "about wider networks, and none was tried"),
        (answer(BOTH_WORSE, control=BOTH_WORSE), "in control the search finds none that matches either"),
        (answer(BOTH_WORSE, control={("supermask_signed_constant", 1, 0.3): 1.9}), "finds none that matches either"),
    ):
        assert unlicensed["decision"] == INCONCLUSIVE and words in unlicensed["reason"]


def test_one_undecided_mask_leaves_the_answer_open():
    found = answer(BOTH_WORSE | {("supermask_kaiming_x2", 1, 0.3): 2.1}, control={(WIDE, 1, 0.3): 1.9})
    assert found["decision"] == INCONCLUSIVE and "no mask is shown to match, nor all to be worse" in found["reason"]


def masked(variant, level, p, low, high):
    """What is compared of one supermask whose search worked."""
    at = {"level": level, "density": 0.5**level}
    return [
        row("supermask", "loss", f"{variant} - dense", (low + high) / 2, low, high, p=p) | at,
        row("supermask", "loss", f"{variant} - random mask", -1.0, -1.1, -0.9, p=0.0) | at,
    ]


@pytest.mark.parametrize(("p", "low", "high", "decision"), [(0.01, -0.1, 0.08, MATCHING), (0.99, 0.12, 0.3, NEITHER)])
def test_masks_are_adjusted_over_variants_densities_and_widths_on_both_sides(p, low, high, decision):
    """One-sided p = 0.01 is 0.02 two-sided, and 0.08 where three other masks were tried."""
    mine, spans = masked(SEARCHED, 1, p, low, high), (0.5, 0.0, 0.2)
    tried = ((SEARCHED, 2), ("supermask_signed_constant", 1), (WIDE, 1))
    others = [row for variant, level in tried for row in masked(variant, level, *spans)]
    alone, among = (masks(pd.DataFrame(rows), SETTINGS)[0] for rows in (mine, mine + others))
    assert alone["decision"] == decision and among["decision"] == INCONCLUSIVE
    assert "adjusted p 0.02" in alone["reason"] and "adjusted p 0.08" in among["reason"]


def test_the_reason_says_at_which_rate_dense_is_its_best():
    own, other = (
        masks(pd.DataFrame(masked(SEARCHED, 1, 0.01, -0.1, 0.08)).assign(other_rate=rate), SETTINGS)[0]
        for rate in (1.0, 2.0)
    )
    assert "best rate" not in own["reason"]
    assert other["reason"].endswith("dense at its best rate on validation, 2 times the recipe's")


def test_a_diverged_mask_is_undecided_and_not_the_best():
    table = judged(compared(with_nan(metrics(WINS | {(SEARCHED, 1, 0.3): 2.4, (WIDE, 1, 0.3): 2.5}), SEARCHED)))
    row = verdict(table, kinds.SUPERMASK, variant=SEARCHED)
    assert row["decision"] == INCONCLUSIVE and row["reason"] == DIVERGED
    found = verdict(table, kinds.STRONG_FORM)
    assert found["decision"] == INCONCLUSIVE and DIVERGED in found["reason"] and found["variant"] == WIDE


def test_each_density_of_a_mask_is_compared_with_its_own_random_mask():
    """The search did nothing at the second density, whose mask is no worse than at the first."""
    rows = masked(SEARCHED, 1, 0.99, 0.12, 0.3) + masked(SEARCHED, 2, 0.99, 0.12, 0.3)
    rows[-1] |= {"estimate": 0.0, "ci_low": -0.05, "ci_high": 0.05}
    first, second = masks(pd.DataFrame(rows), SETTINGS)
    assert first["decision"] == NEITHER and "1.000 better than a random mask" in first["reason"]
    assert second["decision"] == INCONCLUSIVE and "the search found nothing better" in second["reason"]
