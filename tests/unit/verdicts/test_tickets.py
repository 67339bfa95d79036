"""T1 on tables of known truth: each branch, what licenses a negative, what NaN may never become."""

import numpy as np
import pandas as pd
import pytest

from tests.unit.example_results import PROCEDURE, calibration_of
from tests.unit.example_verdicts import (
    ALL_FAIL,
    BAD,
    DENSE,
    FULL,
    GOOD,
    LAST,
    NAN,
    SEEDS,
    SETTINGS,
    WINS,
    compared,
    judged,
    metrics,
    roles,
    structure,
    ticket,
    verdict,
    with_nan,
)
from workflow_scripts.ticketlab.calibration import checks
from workflow_scripts.ticketlab.core.readings import INCONCLUSIVE
from workflow_scripts.ticketlab.settings.procedure import Procedure
from workflow_scripts.ticketlab.verdicts import kinds
from workflow_scripts.ticketlab.verdicts.rows import (
    DIVERGED,
    NO_SIDE,
    NO_SPREAD,
    REFUTES,
    STRONG_FORM,
    SUPPORTS,
    T1,
    T2,
)
from workflow_scripts.ticketlab.verdicts.tickets import (
    MATCHING,
    NEITHER,
    PROCEDURES,
    WINNING,
    WORSE,
    ticket_cells,
    winning_cells,
)


def cell(end, reinitialised=None, shuffled=None):
    table = judged(compared(metrics(ticket(1, 0.3, end, reinitialised, shuffled))))
    return verdict(table, kinds.TICKET)


@pytest.mark.parametrize(
    ("values", "decision", "words"),
    [
        (
            (GOOD, BAD, BAD),
            WINNING,
            [
                "not worse than dense by 0.1",
                "; better than reinitialised by more than 0.1",
                "; better than shuffled by",
            ],
        ),
        ((GOOD, BAD, GOOD), MATCHING, ["better than reinitialised", "not shown better than shuffled"]),
        ((GOOD, GOOD, BAD), MATCHING, ["not shown better than reinitialised", "better than shuffled"]),
        ((GOOD, BAD, GOOD + 0.08), MATCHING, ["not shown better than shuffled by more than 0.1 (by 0.0"]),
        ((GOOD,), MATCHING, ["not all controls at this density"]),
        ((GOOD, BAD), MATCHING, ["not all controls at this density"]),
        ((BAD, 3.0, 3.0), NEITHER, ["worse than dense by more than 0.1", "better than reinitialised"]),
        ((2.1, 3.0, 3.0), INCONCLUSIVE, ["the interval of the difference to dense spans the margin 0.1"]),
    ],
)
def test_a_ticket_is_winning_matching_neither_or_undecided(values, decision, words):
    row = cell(*values)
    assert row["decision"] == decision and [word for word in words if word not in row["reason"]] == []
    assert row["estimate"] == pytest.approx(values[0] - DENSE, abs=0.04) and row["n"] == SEEDS and row["margin"] == 0.1


def test_controls_are_adjusted_over_all_densities():
    """A control beaten at p = 0.02 alone is not beaten when five other comparisons are made with it."""
    frame = compared(metrics(ticket(1, 0.4, GOOD, 2.1, 2.1) | ticket(2, 0.2, GOOD, 2.1, 2.1)))
    first = frame["contrast"].isin(["ticket - shuffled", "ticket - reinitialised"])
    frame.loc[first, "p"] = 0.02
    decisions = [ticket_cells(frame, SETTINGS, LAST)["decision"].tolist()]
    frame.loc[first, "p"] = 0.012
    decisions.append(ticket_cells(frame, SETTINGS, LAST)["decision"].tolist())
    assert decisions == [[MATCHING] * 2, [WINNING] * 2]


def smallest(*decisions_from_densest):
    ends = {
        WINNING: (GOOD, BAD, BAD),
        MATCHING: (GOOD, GOOD, GOOD),
        NEITHER: (BAD, BAD, BAD),
        INCONCLUSIVE: (2.1, 2.1, 2.1),
    }
    parts: dict = {}
    for level, decision in enumerate(decisions_from_densest, start=1):
        parts |= ticket(level, 0.8**level, *ends[decision])
    table = judged(compared(metrics(parts)))
    assert table["decision"].tolist()[: len(decisions_from_densest)] == list(decisions_from_densest)
    return verdict(table, kinds.SMALLEST_MATCHING)


def test_the_walk_over_densities_stops_at_the_first_that_does_not_match():
    assert smallest(WINNING, MATCHING, NEITHER, WINNING)["estimate"] == pytest.approx(0.64)
    assert smallest(WINNING, INCONCLUSIVE, WINNING)["estimate"] == pytest.approx(0.8)
    assert smallest(MATCHING, MATCHING)["decision"] == MATCHING


def test_a_walk_that_does_not_begin_says_why():
    for first in (NEITHER, INCONCLUSIVE):
        row = smallest(first, WINNING)
        assert row["decision"] == first and np.isnan(row["estimate"]) and "densest ticket, at 80%" in row["reason"]


def test_a_sparse_winner_supports():
    row = verdict(
        judged(compared(metrics(ticket(1, 0.3, GOOD, BAD, BAD) | ticket(2, 0.1, BAD, BAD, BAD)))), kinds.WINNING_TICKET
    )
    assert row["decision"] == SUPPORTS and "winning at 30% kept from step 0" in row["reason"]


def test_a_dense_winner_does_not_count():
    row = verdict(
        judged(compared(metrics(ticket(1, 0.8, GOOD, BAD, BAD) | ticket(2, 0.3, BAD, BAD, BAD)))), kinds.WINNING_TICKET
    )
    assert row["decision"] == INCONCLUSIVE


@pytest.mark.parametrize(
    ("ends", "licence", "decision", "words"),
    [
        (ALL_FAIL, WINS, REFUTES, "licensed by other, where the same procedure wins from θ₀"),
        (ALL_FAIL, ALL_FAIL, INCONCLUSIVE, "other gives none (it has no winning ticket from θ₀ either)"),
        (ALL_FAIL, None, INCONCLUSIVE, "no control study is named"),
        (ALL_FAIL | ticket(3, 0.05, 2.1, 3.0, 3.0), WINS, INCONCLUSIVE, "nor all to fail"),
        (ALL_FAIL | ticket(3, 0.05, GOOD, GOOD, GOOD), WINS, INCONCLUSIVE, "nor all to fail"),
        (ticket(1, 0.8, BAD, 3.0, 3.0), WINS, INCONCLUSIVE, "no ticket at or below 50% kept was trained"),
        (WINS, WINS, SUPPORTS, "winning"),
    ],
)
def test_a_negative_needs_a_licence(ends, licence, decision, words):
    others = {} if licence is None else {"other": compared(metrics(licence))}
    row = verdict(
        judged(compared(metrics(ends)), licensed_by="other" if others else None, **others), kinds.WINNING_TICKET
    )
    assert row["decision"] == decision and words in row["reason"]


def test_a_diverged_ticket_is_undecided_and_blocks_a_refutation():
    other = compared(metrics(WINS))
    table = judged(compared(with_nan(metrics(ALL_FAIL), "ticket", 2)), licensed_by="other", other=other)
    row = verdict(table, kinds.TICKET, density=0.1)
    assert row["decision"] == INCONCLUSIVE and row["reason"] == DIVERGED
    row = verdict(table, kinds.WINNING_TICKET)
    assert row["decision"] == INCONCLUSIVE and DIVERGED in row["reason"]


def test_a_diverged_densest_ticket_is_not_called_a_mismatch():
    table = judged(
        compared(with_nan(metrics(ticket(1, 0.8, GOOD, BAD, BAD) | ticket(2, 0.3, GOOD, BAD, BAD)), "ticket", 1))
    )
    row = verdict(table, kinds.SMALLEST_MATCHING)
    assert row["decision"] == INCONCLUSIVE and DIVERGED in row["reason"]


@pytest.mark.parametrize("control", ["reinitialised", "shuffled"])
def test_a_diverged_control_cannot_be_beaten_and_is_named(control):
    table = judged(compared(with_nan(metrics(WINS), control)))
    row = verdict(table, kinds.TICKET)
    assert (
        row["decision"] == MATCHING
        and f"not shown better than {control} by more than 0.1 ({DIVERGED})" in row["reason"]
    )
    row = verdict(table, kinds.WINNING_TICKET)
    assert row["decision"] == INCONCLUSIVE and DIVERGED in row["reason"]


@pytest.mark.parametrize("seed", range(SEEDS))
def test_whatever_the_seed_a_diverged_dense_network_leaves_t1_undecided(seed):
    table = judged(compared(with_nan(metrics(FULL), "dense", seed=seed)))
    concerned = table["test"].isin([T1, STRONG_FORM]) & table["kind"].ne(kinds.DENSE_TOTAL)
    assert set(table[concerned]["decision"]) == {INCONCLUSIVE, NO_SIDE}
    assert table[concerned]["reason"].str.contains("diverged", regex=False).all()


@pytest.mark.parametrize("end", [1.9, 3.0])
def test_one_seed_decides_nothing(end):
    table = judged(compared(metrics(FULL | ticket(1, 0.3, end, 3.0, 3.0), seeds=1)))
    decided = table[table["test"].isin([T1, STRONG_FORM])]
    assert set(decided["decision"]) == {INCONCLUSIVE, NO_SIDE} and decided["reason"].str.contains("raise seeds").all()


@pytest.mark.parametrize("number", ["estimate", "ci_low", "ci_high", "p"])
def test_no_unknown_number_ever_decides(number):
    frame = pd.concat([compared(metrics(FULL)), roles(0.9, 0.8, 1.0), structure()], ignore_index=True)
    table = judged(frame.assign(**{number: NAN}))
    if number == "p":  # T2 decides by intervals and needs no p
        table = table[table["test"] != T2]
    assert set(table["decision"]) == {INCONCLUSIVE, NO_SIDE}


def test_a_number_less_never_turns_a_decision_into_another():
    """Each comparison loses one of its numbers in turn: what rests on it becomes undecided, the rest stays."""
    frame = pd.concat([compared(metrics(FULL)), roles(0.9, 0.8, 1.0), structure()], ignore_index=True)
    whole = judged(frame).set_index(["kind", *kinds.KEYS])["decision"]
    assert {WINNING, NEITHER, SUPPORTS, REFUTES} <= set(whole)
    touched = set()
    for index in frame.index:
        number = ("estimate", "ci_low", "ci_high", "p")[index % 4]
        table = judged(frame.assign(**{number: frame[number].where(frame.index != index)}))
        now = table.set_index(["kind", *kinds.KEYS])["decision"]
        assert now.index.equals(whole.index)
        changed = now[now != whole]
        touched |= set(changed.index)
        weaker = (changed == INCONCLUSIVE) | (whole[changed.index].eq(WINNING) & changed.eq(MATCHING))
        assert weaker.all(), (frame.loc[index], changed)
    assert len(touched) > len(whole) / 2


def test_what_the_search_costs_is_said_without_a_side():
    ends = WINS | {("dense_total", 1, 1.0): 1.7, ("ticket_total", 1, 0.3): 1.75}
    table = judged(compared(metrics(ends)))
    alone, both = (verdict(table, kind, density=0.3) for kind in (kinds.DENSE_TOTAL, kinds.TICKET_TOTAL))
    assert alone["decision"] == both["decision"] == NO_SIDE
    assert (alone["estimate"], both["estimate"]) == pytest.approx((0.2, 0.05), abs=0.03)
    assert alone["reason"] == "the search took 40 steps, 4 times one training; worse than dense by more than 0.1"
    assert both["reason"].endswith("; not worse than dense by 0.1")


@pytest.mark.parametrize(
    ("end", "words"),
    [
        (GOOD, "a mask of another order is not worse by 0.1: the order that finds it does not matter"),
        (BAD, "the ticket is better by more than 0.1: its mask remembers the order that found it"),
        (GOOD + 0.1, "the interval spans −0.1"),
    ],
)
def test_the_mask_of_another_order_says_where_the_win_is_without_a_side(end, words):
    frame = compared(metrics(WINS | {("other_order", 1, 0.3): end}))
    row = verdict(judged(frame), kinds.OTHER_ORDER, density=0.3)
    assert row["decision"] == NO_SIDE and row["estimate"] == pytest.approx(GOOD - end, abs=0.03)
    first, of_dense, of_shuffled = row["reason"].split("; ")
    assert first == words
    for part, other in ((of_dense, 2.0), (of_shuffled, BAD)):
        number = float(part.removeprefix("that mask is ").split(" ")[0])
        assert number == pytest.approx(end - other, abs=0.03)
    assert kinds.OTHER_ORDER not in set(judged(compared(metrics(WINS)))["kind"])


def put(frame, contrast, **numbers):
    """The comparison with dense, or with what `contrast` says, at the end, with these numbers in its row."""
    at = frame["contrast"].eq(contrast) & frame["quantity"].eq("loss") & frame["step"].ge(LAST)
    assert at.any()
    return frame.assign(**{name: frame[name].mask(at, value) for name, value in numbers.items()})


# Between the two levels: one-sided p below α, two-sided interval beyond the margin.
UNCERTAIN = {"estimate": 0.04, "ci_low": -0.03, "ci_high": 0.11, "p": 0.04}


@pytest.mark.parametrize(
    ("contrast", "kind"),
    [
        ("ticket - dense", kinds.TICKET),
        ("ticket - dense", kinds.WINNING_TICKET),
        ("supermask_kaiming - dense", kinds.SUPERMASK),
    ],
)
def test_what_is_as_good_as_dense_is_held_to_the_interval_that_is_printed(contrast, kind):
    """On both sides of the margin: a difference is within it or beyond it if its whole interval is."""
    ends = WINS | {("supermask_kaiming", 1, 0.3): 2.0}
    sure = verdict(judged(compared(metrics(ends))), kind)
    assert sure["decision"] in (WINNING, MATCHING, SUPPORTS)
    unsure = verdict(judged(put(compared(metrics(ends)), contrast, **UNCERTAIN)), kind)
    assert unsure["decision"] == INCONCLUSIVE


def test_the_walk_to_a_winner_shares_the_level_of_the_interval_among_rewind_steps():
    cells = pd.DataFrame({"rewind_step": [10, 20], "density": 0.3, "p": [0.02, 1.0], "decision": [WINNING, NEITHER]})
    claim = kinds.REWOUND_TICKET
    assert winning_cells(cells, SETTINGS, claim).empty and len(winning_cells(cells.head(1), SETTINGS, claim)) == 1
    assert winning_cells(cells.head(1), SETTINGS, kinds.WINNING_TICKET).empty


def test_the_early_stopping_step_takes_no_side_and_names_the_controls():
    frame = metrics(WINS)
    later = frame.assign(step=frame["step"].mask(frame["step"].eq(0), 4), value=5.0)  # no lower than the start
    early = frame["variant"].eq("ticket") & frame["step"].eq(LAST) & frame["init_seed"].lt(4)
    stopped = pd.concat([frame.assign(value=frame["value"].mask(early, 6.0)), later[later["step"] == 4]])
    row = verdict(judged(compared(stopped)), kinds.EARLY_STOP, density=0.3)
    assert row["decision"] == NO_SIDE and row["estimate"] == -LAST / 2 and row["ci_low"] < -LAST / 2 < row["ci_high"]
    assert "the ticket's is step 5 on average, to within recorded steps" in row["reason"]
    assert "reinitialised +0 of dense's; shuffled +0 of dense's" in row["reason"], "without spread no interval"
    same = verdict(judged(compared(frame)), kinds.EARLY_STOP)
    assert same["estimate"] == 0 and np.isnan(same["ci_low"]) and NO_SPREAD in same["reason"]


def test_from_theta_0_and_after_rewinding_are_two_claims():
    """A win of one is none of the other, and licenses no negative of it."""
    lost, won = compared(metrics(ALL_FAIL)), compared(metrics(WINS, rewind_step=20))
    table = judged(lost, won, licensed_by="other", other=pd.concat([lost, won]))
    start, rewound = (verdict(table, kind) for kind in (kinds.WINNING_TICKET, kinds.REWOUND_TICKET))
    assert (start["decision"], rewound["decision"]) == (INCONCLUSIVE, SUPPORTS)
    assert (rewound["rewind_step"], rewound["density"]) == (20, 0.3)
    assert "it has no winning ticket from θ₀ either" in start["reason"]
    assert "licens" not in rewound["reason"]
    assert not judged(lost)["kind"].eq(kinds.REWOUND_TICKET).any()


def test_only_the_same_procedure_licenses_a_negative():
    parts = {"licensed_by": "other", "other": compared(metrics(WINS))}
    row = verdict(judged(compared(metrics(ALL_FAIL)), aspects=("global", "layerwise"), **parts), kinds.WINNING_TICKET)
    assert row["decision"] == INCONCLUSIVE
    assert "procedure: global pruning to 0.5 a round, constant learning rate, loss" in row["reason"]
    assert "other gives none (its pruning scope is layerwise, here global)" in row["reason"]


@pytest.mark.parametrize(
    ("case", "passed", "decision", "words"),
    [
        (PROCEDURE, True, REFUTES, "licensed by the pruning calibration, where the same procedure wins from θ₀"),
        (PROCEDURE, False, INCONCLUSIVE, "in the pruning calibration this procedure does not win either"),
        (PROCEDURE | {"keep": 0.8}, True, INCONCLUSIVE, "no calibration of pruning tries this from θ₀"),
    ],
)
def test_the_pruning_calibration_licenses_a_negative_of_the_procedure_that_wins_there(case, passed, decision, words):
    of = {"instrument": "pruning", "family": PROCEDURES, "case": str(Procedure(**case)), "quantity": "sparse winners"}
    tried = pd.DataFrame([checks.at_least(of | {"required": False}, 1, int(passed))])
    calibration = pd.concat([calibration_of(), tried], ignore_index=True)
    lost = {"licensed_by": "other", "aspects": ("global", "layerwise"), "calibration": calibration}
    lost["other"] = compared(metrics(WINS))
    row = verdict(judged(compared(metrics(ALL_FAIL)), **lost), kinds.WINNING_TICKET)
    assert row["decision"] == decision and words in row["reason"]
    rewound = verdict(judged(compared(metrics(ALL_FAIL, rewind_step=20)), **lost), kinds.REWOUND_TICKET)
    assert rewound["decision"] == INCONCLUSIVE, "the calibration tries tickets from θ₀ only"
    assert "no calibration of pruning tries this after rewinding" in rewound["reason"]


@pytest.mark.parametrize("other", [{"scope": "layerwise"}, {"keep": 0.8}, {"schedule": "cosine"}, {"metric": "error"}])
def test_a_procedure_differs_from_another_in_every_aspect_that_is_not_the_same(other):
    mine, theirs = Procedure(**PROCEDURE), Procedure(**PROCEDURE | other)
    assert mine.unlike(mine) == [] and len(mine.unlike(theirs)) == 1
    assert str(other.popitem()[1]) in mine.unlike(theirs)[0] and str(mine) != str(theirs)


def test_winners_are_sought_where_the_controls_are_and_the_verdict_is_about_that_density():
    ends = ticket(1, 0.4, GOOD) | ticket(2, 0.2, GOOD, BAD, BAD) | ticket(3, 0.1, GOOD)
    row = verdict(judged(compared(metrics(ends))), kinds.WINNING_TICKET)
    assert row["decision"] == SUPPORTS and row["density"] == 0.2 and "sought at 20%, with controls" in row["reason"]
    ends = ticket(1, 0.4, GOOD) | ticket(2, 0.2, GOOD, GOOD, BAD) | ticket(3, 0.1, BAD)
    row = verdict(judged(compared(metrics(ends))), kinds.WINNING_TICKET)
    assert row["decision"] == INCONCLUSIVE and row["density"] == 0.2


@pytest.mark.parametrize(("end", "decision"), [(GOOD, MATCHING), (BAD, WORSE), (2.1, INCONCLUSIVE)])
def test_a_control_is_judged_against_dense_too(end, decision):
    row = verdict(judged(compared(metrics(ticket(1, 0.3, GOOD, BAD, end)))), kinds.CONTROL, variant="shuffled")
    assert row["decision"] == decision and row["density"] == 0.3 and "dense" in row["reason"]


def test_by_how_much_a_control_is_beaten_is_said():
    assert "better than reinitialised by more than 0.1 (by 0.6" in cell(GOOD, BAD, BAD)["reason"]
    assert "not shown better than shuffled by more than 0.1 (by -0." in cell(2.1, 3.0, GOOD)["reason"]
