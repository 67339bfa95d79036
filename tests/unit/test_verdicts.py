"""The decision rules on tables of known truth: each branch, what licenses a negative, and what NaN may never become."""

from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from tests.unit.example_results import calibration_of
from workflow_scripts.ticketlab import comparisons, tables, verdicts
from workflow_scripts.ticketlab.contracts.verdicts import VERDICTS
from workflow_scripts.ticketlab.settings.judging import JudgingSettings
from workflow_scripts.ticketlab.verdicts import (
    DIVERGED,
    INCONCLUSIVE,
    MATCHING,
    MIXED,
    NEITHER,
    REFUTES,
    STRONG_FORM,
    SUPPORTS,
    T1,
    T2,
    T3,
    WINNING,
    WITHHELD,
)

JUDGING: dict[str, Any] = {"metric": "loss", "margin": 0.1}
SETTINGS = JudgingSettings(**JUDGING)
SEEDS, LAST, DENSE = 8, 10, 2.0
NAN = float("nan")


def noise(*name, size=SEEDS, scale=0.02):
    return np.random.default_rng([ord(letter) for letter in "".join(map(str, name))]).normal(0, scale, size)


def metrics(ends, seeds=SEEDS):
    """A metrics table of a dense network that ends at 2, and of others: {(variant, level, density): its mean end}.

    An end may be an array with one value per seed.
    """
    rows = []
    for (variant, level, density), end in ({("dense", 0, 1.0): DENSE} | ends).items():
        last = 40 if variant == "dense_total" else LAST
        values = np.broadcast_to(end, seeds) + noise(variant, level, size=seeds)
        for seed in range(seeds):
            for step, value in ((0, 4.0 + noise(variant, seed, size=1)[0]), (last, values[seed])):
                rows.append((seed, seed, variant, 0, level, step, density, value))
    columns = ["init_seed", "data_seed", "variant", "rewind_step", "level", "step", "density", "value"]
    frame = pd.DataFrame(rows, columns=columns).assign(study="s", metric="loss")
    return pd.concat([frame.assign(split=split) for split in ("test", "validation")], ignore_index=True)


def compared(frame):
    rows = [*comparisons.tickets(frame, SETTINGS, LAST), *comparisons.supermasks(frame, SETTINGS)]
    return pd.DataFrame(rows).assign(study="s")


def ticket(level, density, end, reinitialised=None, shuffled=None):
    ends = {("ticket", level, density): end}
    if reinitialised is not None:
        ends[("reinitialised", level, density)] = reinitialised
    if shuffled is not None:
        ends[("shuffled", level, density)] = shuffled
    return ends


def judged(*parts, licensed_by=None, **others):
    """The verdicts of study s on these comparisons, and of others."""
    frames = [pd.concat(parts, ignore_index=True), *others.values()]
    names = ["s", *others]
    frame = pd.concat([part.assign(study=name) for name, part in zip(names, frames, strict=True)], ignore_index=True)
    studies = {
        name: {"judging": JUDGING, "licensed_by": licensed_by if name == "s" else None, "last_step": LAST}
        for name in names
    }
    table = verdicts.judge(frame, studies, calibration_of())
    return table[table["study"] == "s"]


def claim(table, start, test=T1):
    found = table[table["claim"].str.startswith(start) & table["test"].eq(test)]
    assert len(found) == 1, (start, table["claim"].tolist())
    return found.iloc[0]


EXISTS = "a winning ticket exists"
GOOD, CLOSE, BAD = 1.9, 2.08, 2.5  # better than dense, within the margin's reach, clearly worse


def cell(end, reinitialised=None, shuffled=None):
    table = judged(compared(metrics(ticket(1, 0.3, end, reinitialised, shuffled))))
    return claim(table, "ticket at 30% kept, from step 0, against dense")


@pytest.mark.parametrize(
    ("values", "decision", "words"),
    [
        (
            (GOOD, BAD, BAD),
            WINNING,
            ["not worse than dense by 0.1", "better than reinitialised", "better than shuffled"],
        ),
        ((GOOD, BAD, GOOD), MATCHING, ["better than reinitialised", "not shown better than shuffled"]),
        ((GOOD, GOOD, BAD), MATCHING, ["not shown better than reinitialised", "better than shuffled"]),
        ((GOOD,), MATCHING, ["no controls at this density"]),
        ((BAD, 3.0, 3.0), NEITHER, ["worse than dense by more than 0.1", "better than reinitialised"]),
        ((2.1, 3.0, 3.0), INCONCLUSIVE, ["the interval of the difference to dense spans the margin 0.1"]),
    ],
)
def test_a_ticket_is_winning_matching_neither_or_undecided(values, decision, words):
    row = cell(*values)
    assert row["decision"] == decision and [word for word in words if word not in row["reason"]] == []
    assert row["estimate"] == pytest.approx(values[0] - DENSE, abs=0.04) and row["n"] == SEEDS and row["margin"] == 0.1


def test_controls_are_adjusted_over_all_densities():
    """A control beaten at p = 0.02 alone is not beaten when five other comparisons are made beside it."""
    frame = compared(metrics(ticket(1, 0.4, GOOD, 2.1, 2.1) | ticket(2, 0.2, GOOD, 2.1, 2.1)))
    first = frame["contrast"].isin(["ticket - shuffled", "ticket - reinitialised"])
    frame.loc[first, "p"] = 0.02
    decisions = [verdicts.ticket_cells(frame, SETTINGS, LAST)["decision"].tolist()]
    frame.loc[first, "p"] = 0.012
    decisions.append(verdicts.ticket_cells(frame, SETTINGS, LAST)["decision"].tolist())
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
    return claim(table, "smallest matching density, from step 0")


def test_the_walk_over_densities_stops_at_the_first_that_does_not_match():
    assert smallest(WINNING, MATCHING, NEITHER, WINNING)["estimate"] == pytest.approx(0.64)
    assert smallest(WINNING, INCONCLUSIVE, WINNING)["estimate"] == pytest.approx(0.8)
    assert smallest(MATCHING, MATCHING)["decision"] == MATCHING


def test_a_walk_that_does_not_begin_says_why():
    for first in (NEITHER, INCONCLUSIVE):
        row = smallest(first, WINNING)
        assert row["decision"] == first and np.isnan(row["estimate"]) and "densest ticket, at 80%" in row["reason"]


def test_a_sparse_winner_supports():
    row = claim(judged(compared(metrics(ticket(1, 0.3, GOOD, BAD, BAD) | ticket(2, 0.1, BAD, BAD, BAD)))), EXISTS)
    assert row["decision"] == SUPPORTS and "winning at 30% kept from step 0" in row["reason"]


def test_a_dense_winner_does_not_count():
    row = claim(judged(compared(metrics(ticket(1, 0.8, GOOD, BAD, BAD) | ticket(2, 0.3, BAD, BAD, BAD)))), EXISTS)
    assert row["decision"] == INCONCLUSIVE


ALL_FAIL = ticket(1, 0.3, BAD, 3.0, 3.0) | ticket(2, 0.1, BAD, 3.0, 3.0)
WINS = ticket(1, 0.3, GOOD, BAD, BAD)


@pytest.mark.parametrize(
    ("ends", "licence", "decision", "words"),
    [
        (ALL_FAIL, WINS, REFUTES, "while the procedure finds some in other"),
        (ALL_FAIL, ALL_FAIL, INCONCLUSIVE, "other found no winning ticket either"),
        (ALL_FAIL, None, INCONCLUSIVE, "no study licenses a negative"),
        (ALL_FAIL | ticket(3, 0.05, 2.1, 3.0, 3.0), WINS, INCONCLUSIVE, "nor all to fail"),
        (ALL_FAIL | ticket(3, 0.05, GOOD, GOOD, GOOD), WINS, INCONCLUSIVE, "nor all to fail"),
        (ticket(1, 0.8, BAD, 3.0, 3.0), WINS, INCONCLUSIVE, "no ticket at or below 50% kept was trained"),
        (WINS, WINS, SUPPORTS, "winning"),
    ],
)
def test_a_negative_needs_a_licence(ends, licence, decision, words):
    others = {} if licence is None else {"other": compared(metrics(licence))}
    row = claim(judged(compared(metrics(ends)), licensed_by="other" if others else None, **others), EXISTS)
    assert row["decision"] == decision and words in row["reason"]


def with_nan(frame, variant, level=None, seed=3):
    hit = frame["variant"].eq(variant) & frame["init_seed"].eq(seed) & frame["step"].gt(0)
    if level is not None:
        hit &= frame["level"].eq(level)
    assert hit.any()
    return frame.assign(value=frame["value"].mask(hit))


def test_a_diverged_ticket_is_undecided_and_blocks_a_refutation():
    other = compared(metrics(WINS))
    table = judged(compared(with_nan(metrics(ALL_FAIL), "ticket", 2)), licensed_by="other", other=other)
    row = claim(table, "ticket at 10% kept, from step 0, against dense")
    assert row["decision"] == INCONCLUSIVE and row["reason"] == DIVERGED
    row = claim(table, EXISTS)
    assert row["decision"] == INCONCLUSIVE and DIVERGED in row["reason"]


def test_a_diverged_densest_ticket_is_not_called_a_mismatch():
    table = judged(
        compared(with_nan(metrics(ticket(1, 0.8, GOOD, BAD, BAD) | ticket(2, 0.3, GOOD, BAD, BAD)), "ticket", 1))
    )
    row = claim(table, "smallest matching density")
    assert row["decision"] == INCONCLUSIVE and DIVERGED in row["reason"]


@pytest.mark.parametrize("control", ["reinitialised", "shuffled"])
def test_a_diverged_control_cannot_be_beaten_and_is_named(control):
    table = judged(compared(with_nan(metrics(WINS), control)))
    row = claim(table, "ticket at 30% kept, from step 0, against dense")
    assert row["decision"] == MATCHING and f"not shown better than {control} ({DIVERGED})" in row["reason"]
    row = claim(table, EXISTS)
    assert row["decision"] == INCONCLUSIVE and DIVERGED in row["reason"]


FULL = (
    WINS
    | {("dense_total", 1, 1.0): 1.9, ("supermask_kaiming", 1, 0.3): 3.0}
    | ticket(2, 0.1, BAD, 3.0, 3.0)
    | {("dense_total", 2, 1.0): 1.9}
)


@pytest.mark.parametrize("seed", range(SEEDS))
def test_whatever_the_seed_a_diverged_dense_network_leaves_t1_undecided(seed):
    table = judged(compared(with_nan(metrics(FULL), "dense", seed=seed)))
    concerned = table["test"].isin([T1, STRONG_FORM]) & ~table["claim"].str.contains("total steps")
    assert set(table[concerned]["decision"]) == {INCONCLUSIVE}
    assert table[concerned]["reason"].str.contains("diverged", regex=False).all()


@pytest.mark.parametrize("end", [1.9, 3.0])
def test_one_seed_decides_nothing(end):
    table = judged(compared(metrics(FULL | ticket(1, 0.3, end, 3.0, 3.0), seeds=1)))
    decided = table[table["test"].isin([T1, STRONG_FORM])]
    assert set(decided["decision"]) == {INCONCLUSIVE} and decided["reason"].str.contains("raise seeds").all()


@pytest.mark.parametrize("number", ["estimate", "ci_low", "ci_high", "p"])
def test_no_unknown_number_ever_decides(number):
    frame = pd.concat([compared(metrics(FULL)), roles(0.9, 0.8, 1.0), structure()], ignore_index=True)
    table = judged(frame.assign(**{number: NAN}))
    if number == "p":  # T2 decides by intervals and needs no p
        table = table[table["test"] != T2]
    assert set(table["decision"]) == {INCONCLUSIVE}


def test_a_number_less_never_turns_a_decision_into_another():
    """Each comparison loses one of its numbers in turn: what rests on it becomes undecided, the rest stays."""
    frame = pd.concat([compared(metrics(FULL)), roles(0.9, 0.8, 1.0), structure()], ignore_index=True)
    whole = judged(frame).set_index(["test", "claim"])["decision"]
    assert {WINNING, NEITHER, SUPPORTS, REFUTES} <= set(whole)
    touched = set()
    for index in frame.index:
        number = ("estimate", "ci_low", "ci_high", "p")[index % 4]
        table = judged(frame.assign(**{number: frame[number].where(frame.index != index)}))
        now = table.set_index(["test", "claim"])["decision"]
        assert now.index.equals(whole.index)
        changed = now[now != whole]
        touched |= set(changed.index)
        weaker = (changed == INCONCLUSIVE) | (whole[changed.index].eq(WINNING) & changed.eq(MATCHING))
        assert weaker.all(), (frame.loc[index], changed)
    assert len(touched) > len(whole) / 2


@pytest.mark.parametrize(("total", "decision"), [(1.95, SUPPORTS), (1.7, REFUTES), (1.8, INCONCLUSIVE)])
def test_against_the_dense_network_with_all_of_imps_steps(total, decision):
    table = judged(compared(metrics(WINS | {("dense_total", 1, 1.0): total})))
    assert claim(table, "ticket at 30% kept against dense at IMP's total steps")["decision"] == decision


def put(frame, contrast, **numbers):
    """The comparison with dense, or with what `contrast` says, at the end, with these numbers in its row."""
    at = frame["contrast"].eq(contrast) & frame["quantity"].eq("loss") & frame["step"].ge(LAST)
    assert at.any()
    return frame.assign(**{name: frame[name].mask(at, value) for name, value in numbers.items()})


# Between the two levels: one-sided p below α, two-sided interval beyond the margin.
UNCERTAIN = {"estimate": 0.04, "ci_low": -0.03, "ci_high": 0.11, "p": 0.04}


@pytest.mark.parametrize(
    ("contrast", "test", "start"),
    [
        ("ticket - dense", T1, "ticket at 30% kept, from step 0, against dense"),
        ("ticket - dense", T1, EXISTS),
        ("ticket - dense_total", T1, "ticket at 30% kept against dense at IMP's total steps"),
        ("supermask_kaiming - dense", STRONG_FORM, "supermask_kaiming"),
    ],
)
def test_what_is_as_good_as_dense_is_held_to_the_interval_that_is_printed(contrast, test, start):
    """On both sides of the margin: a difference is within it or beyond it if its whole interval is."""
    ends = WINS | {("dense_total", 1, 1.0): 1.95, ("supermask_kaiming", 1, 0.3): 2.0}
    sure = claim(judged(compared(metrics(ends))), start, test)
    assert sure["decision"] in (WINNING, SUPPORTS)
    unsure = claim(judged(put(compared(metrics(ends)), contrast, **UNCERTAIN)), start, test)
    assert unsure["decision"] == INCONCLUSIVE


def test_the_walk_to_a_winner_shares_the_level_of_the_interval_among_rewind_steps():
    cells = pd.DataFrame({"rewind_step": [0, 20], "density": 0.3, "p": [0.02, 1.0], "decision": [WINNING, NEITHER]})
    assert verdicts._winners(cells, SETTINGS).empty and len(verdicts._winners(cells.head(1), SETTINGS)) == 1


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
    row = claim(table, "supermask_kaiming at 30% kept, untrained, against dense", STRONG_FORM)
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
    alone, among = (next(verdicts.strong_form(pd.DataFrame(rows), SETTINGS)) for rows in (mine, mine + others))
    assert alone["decision"] == decision and among["decision"] == INCONCLUSIVE
    assert "adjusted p 0.02" in alone["reason"] and "adjusted p 0.06" in among["reason"]


def test_a_diverged_supermask_is_undecided():
    table = judged(compared(with_nan(metrics(WINS | {("supermask_kaiming", 1, 0.3): 2.4}), "supermask_kaiming")))
    row = claim(table, "supermask_kaiming", STRONG_FORM)
    assert row["decision"] == INCONCLUSIVE and row["reason"] == DIVERGED


def test_tickets_that_get_there_sooner_or_later():
    parts = ticket(1, 0.3, 1.5, BAD, BAD) | ticket(2, 0.1, BAD, BAD, BAD) | ticket(3, 0.05, DENSE, BAD, BAD)
    table = judged(compared(metrics(parts)))
    for density, decision in (("30%", SUPPORTS), ("10%", REFUTES), ("5%", INCONCLUSIVE)):
        found = claim(table, f"ticket at {density} kept, from step 0, is as good as dense sooner")
        assert found["decision"] == decision and "at the loss that both reach (adjusted p" in found["reason"]
    diverged = judged(compared(with_nan(metrics(ticket(1, 0.3, 1.5, BAD, BAD)), "ticket")))
    row = claim(diverged, "ticket at 30% kept, from step 0, is as good as dense sooner")
    assert row["decision"] == INCONCLUSIVE and row["reason"] == DIVERGED


@pytest.mark.parametrize(("sign", "decision"), [(-1, SUPPORTS), (1, REFUTES)])
def test_speed_is_adjusted_over_densities_and_rewind_steps(sign, decision):
    def of(p, half, **at):
        low, high = 5 * sign - half, 5 * sign + half
        return row("tickets", "steps_to_worse_end", "ticket - dense", 5 * sign, low, high, p=p) | at

    mine, others = of(0.02, 4), [of(0.5, 20, level=2, density=0.5), of(0.5, 20, rewind_step=20)]
    alone, among = (next(verdicts.sooner(pd.DataFrame(rows), SETTINGS)) for rows in ([mine], [mine, *others]))
    assert alone["decision"] == decision and "adjusted p 0.02" in alone["reason"]
    assert among["decision"] == INCONCLUSIVE and "adjusted p 0.06" in among["reason"]


def row(test, quantity, contrast, estimate, low, high, p=0.5, n=SEEDS, step=0):
    return {
        "study": "s", "test": test, "rewind_step": 0, "level": 0, "density": 1.0, "step": step, "quantity": quantity,
        "contrast": contrast, "estimate": estimate, "ci_low": low, "ci_high": high, "p": p, "n": n,
    }  # fmt: skip


def roles(estimate, low, high, other=(0.0, -0.1, 0.1), step=0, agreement=0.5, replicate=0.9, n=SEEDS):
    rows = [
        row("roles", "agreement, identity, all", "same_init", agreement, 0.4, 0.6, n=n, step=step),
        row("roles", "agreement, identity, all", "other_init", 0.0, NAN, NAN, n=n, step=step),
        row("roles", "agreement, identity, all", "replicate", replicate, 0.8, 1.0, n=n, step=0),
        row("roles", "determinacy, identity, all", "same_init", estimate, low, high, n=n, step=step),
    ]
    if other is not None:
        rows.append(row("roles", "determinacy, identity, all", "other_init", *other, n=n, step=step))
    return pd.DataFrame(rows)


def base():
    return compared(metrics(WINS))


@pytest.mark.parametrize(
    ("numbers", "decision", "words"),
    [
        ({"estimate": 0.9, "low": 0.8, "high": 1.0}, SUPPORTS, "above 0.75"),
        ({"estimate": 0.1, "low": 0.0, "high": 0.2}, REFUTES, "below 0.25"),
        ({"estimate": 0.5, "low": 0.3, "high": 0.7}, MIXED, "partly"),
        ({"estimate": 0.5, "low": 0.1, "high": 0.9}, INCONCLUSIVE, "too wide"),
        ({"estimate": 0.9, "low": 0.8, "high": 1.0, "other": (0.3, 0.2, 0.4)}, WITHHELD, "do not agree at chance"),
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
    found = claim(judged(base(), roles(**numbers)), "the initialisation fixes the roles", T2)
    assert found["decision"] == decision and words in found["reason"]


@pytest.mark.parametrize(
    ("numbers", "decision", "words"),
    [
        ((0.9, 0.8, 1.0), INCONCLUSIVE, "determined by step 40, as either view expects (D = 0.90)"),
        ((0.1, 0.0, 0.2), REFUTES, "below 0.25"),
        ((0.5, 0.3, 0.7), MIXED, "partly"),
    ],
)
def test_roles_that_are_fixed_later_speak_for_neither_view(numbers, decision, words):
    found = claim(judged(base(), roles(*numbers, step=40)), "roles are fixed by step 40", T2)
    assert found["decision"] == decision and words in found["reason"]


def test_a_split_step_of_which_every_pair_diverged_is_not_passed_over():
    frame = roles(NAN, NAN, NAN, other=None, step=40, agreement=NAN)
    frame = frame[~frame["quantity"].str.startswith("determinacy")]
    found = claim(judged(base(), roles(0.9, 0.8, 1.0), frame), "roles are fixed by step 40", T2)
    assert found["decision"] == INCONCLUSIVE and DIVERGED in found["reason"]


def structure(name="bigram", acquired=(0.9, 0.8, 1.0), forgotten=(0.4, 0.3, 0.5), p=1e-6, n=SEEDS):
    rows = [row("structure", name, "acquired", *acquired, n=n, step=8)]
    if forgotten is not None:
        rows.append(row("structure", name, "forgotten", *forgotten, p=p, n=n, step=8))
    return pd.DataFrame(rows)


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
    found = claim(table, "the bigram predictor", T3)
    assert found["decision"] == decision and words in found["reason"]
    assert claim(table, "some structure", T3)["decision"] == decision


def test_one_transient_structure_refutes_and_what_is_kept_speaks_for_neither():
    """Structure that is not left again refutes nothing: the predictors may be the wrong ones (docs/theory.md)."""
    some = judged(base(), structure("bigram"), structure("unigram", **KEPT))
    assert claim(some, "some structure", T3)["decision"] == REFUTES
    both = judged(base(), structure("bigram", **KEPT), structure("unigram", **KEPT))
    found = claim(both, "some structure", T3)
    assert found["decision"] == INCONCLUSIVE and "all were acquired and kept" in found["reason"]
    lost = judged(base(), structure("bigram", **KEPT), structure("unigram", acquired=(NAN, NAN, NAN)))
    found = claim(lost, "some structure", T3)
    assert found["decision"] == INCONCLUSIVE and "nor all to be kept" in found["reason"]


def test_transience_is_adjusted_over_the_predictors():
    parts = [structure(name, p=0.04) for name in ("unigram", "bigram")]
    table = judged(base(), *parts)
    assert REFUTES not in set(table[table["test"] == T3]["decision"])


def test_every_verdict_fits_the_table_also_with_many_rounds(tmp_path):
    """Forty rounds: densities down to 0.01 % that must not share a claim."""
    many: dict = {}
    for level in range(3, 41):
        many |= ticket(level, 0.8**level, GOOD, BAD, BAD)
    frame = pd.concat([compared(metrics(many | FULL)), roles(0.9, 0.8, 1.0), structure()], ignore_index=True)
    table = judged(frame)
    tables.write(tmp_path / "v.parquet", VERDICTS, table, {})
    back = tables.read(tmp_path / "v.parquet", VERDICTS)
    assert set(back["decision"]) <= {*verdicts.VERDICTS, WINNING, MATCHING, NEITHER}
    assert (back["reason"].str.len() > 0).all()


@pytest.mark.parametrize("ends", [WINS, ALL_FAIL, ticket(1, 0.8, BAD, 3.0, 3.0)])
def test_whether_the_control_study_licenses_a_negative_is_said_whatever_the_answer(ends):
    for control, words in (
        (WINS, "a negative here is licensed by other"),
        (ALL_FAIL, "other licenses no negative here"),
    ):
        row = claim(judged(compared(metrics(ends)), licensed_by="other", other=compared(metrics(control))), EXISTS)
        assert words in row["reason"]
    assert "licens" in claim(judged(compared(metrics(ends))), EXISTS)["reason"]


@pytest.mark.parametrize(
    ("instrument", "tests"),
    [("pruning", {T1, STRONG_FORM}), ("roles", {T2}), ("structure", {T3}), ("statistics", {T1, STRONG_FORM, T2, T3})],
)
def test_a_verdict_whose_instrument_is_out_of_calibration_is_withheld_and_says_so(instrument, tests):
    table = pd.DataFrame(
        [{"test": test, "claim": "c", "decision": SUPPORTS, "reason": "r"} for test in (T1, STRONG_FORM, T2, T3)]
    )
    assert verdicts.withheld(table, calibration_of()).equals(table)
    judged = verdicts.withheld(table, calibration_of(**{instrument: "the broken case"})).set_index("test")
    for test, row in judged.iterrows():
        if test in tests:
            assert row["decision"] == WITHHELD
            assert f"{instrument} is out of calibration (example the broken case" in row["reason"]
            assert row["reason"].endswith("otherwise: supports LTH, r")
        else:
            assert row["decision"] == SUPPORTS


def test_an_instrument_that_was_never_calibrated_is_not_believed():
    table = pd.DataFrame([{"test": T2, "claim": "c", "decision": REFUTES, "reason": "r"}])
    checks = calibration_of()
    row = verdicts.withheld(table, checks[checks["instrument"] != "roles"]).iloc[0]
    assert row["decision"] == WITHHELD and "roles was never calibrated" in row["reason"]


def test_what_a_verdict_could_have_seen_is_told_in_its_own_unit():
    """At the detectable distance below the margin, a ticket with this spread is found with the power wanted."""
    row = {"test": T1, "ci_low": -0.3, "ci_high": -0.1, "n": 8, "family": 1}
    seen = verdicts.detectable(row, SETTINGS)
    deviation = 0.1 * np.sqrt(8) / stats.t.ppf(0.975, 7)
    noise = np.random.default_rng(0).normal(0, deviation, (2000, 8))
    found = stats.ttest_1samp(noise - seen, 0.0, axis=1, alternative="less").pvalue < SETTINGS.alpha / 2
    assert found.mean() == pytest.approx(SETTINGS.power, abs=0.03)
    assert verdicts.detectable(row | {"family": 3}, SETTINGS) > seen, "Holm's strictest level of three"
    assert verdicts.detectable(row | {"test": T3}, SETTINGS) < seen, "transience is tested to one side"
    assert verdicts.detectable(row | {"test": T3, "family": 2}, SETTINGS) == pytest.approx(seen)
    assert np.isnan(verdicts.detectable(row | {"ci_low": NAN, "ci_high": NAN}, SETTINGS))
    assert np.isnan(verdicts.detectable(row | {"n": 1}, SETTINGS))


def test_what_t2_could_have_seen_does_not_depend_on_the_alpha_of_the_other_tests():
    """Intervals of determinacy are always 95 % ones."""
    row = {"test": T2, "ci_low": 0.3, "ci_high": 0.5, "n": 8, "family": 1}
    lenient = SETTINGS.model_copy(update={"alpha": 0.1})
    assert verdicts.detectable(row, lenient) == verdicts.detectable(row, SETTINGS)
    assert verdicts.detectable(row | {"test": T1}, lenient) != verdicts.detectable(row | {"test": T1}, SETTINGS)


def test_each_verdict_is_told_what_it_could_have_seen_at_the_strictest_level_of_its_own_family():
    """Two tickets' speeds, three supermasks, two predictors; a ticket against dense is not adjusted."""
    ends = WINS | ticket(2, 0.1, GOOD) | {("supermask_kaiming", level, 0.5**level): 2.1 for level in (1, 2, 3)}
    table = judged(compared(metrics(ends)), structure("bigram"), structure("unigram"))
    sizes = {"ticket at 30% kept, from step 0, against": 1, "ticket at 30% kept, from step 0, is as good": 2}
    sizes |= {"supermask_kaiming at 50%": 3, "the bigram": 2}
    for start, family in sizes.items():
        found = table[table["claim"].str.startswith(start)].iloc[0]
        assert found["detectable"] == verdicts.detectable(found.to_dict() | {"family": family}, SETTINGS) > 0
