"""The verdicts on T1: winning tickets, their cost and speed."""

from collections.abc import Iterator

import pandas as pd

from workflow_scripts.ticketlab.core import statistics
from workflow_scripts.ticketlab.core.readings import INCONCLUSIVE
from workflow_scripts.ticketlab.settings.judging import JudgingSettings
from workflow_scripts.ticketlab.verdicts import kinds
from workflow_scripts.ticketlab.verdicts.comparisons import DECISIVE_CONTROLS, TICKETS
from workflow_scripts.ticketlab.verdicts.rows import (
    REFUTES,
    SUPPORTS,
    T1,
    percent,
    verdict_row,
    why_undecided,
)

WINNING, MATCHING, NEITHER = "winning", "matching", "neither"


def ticket_cells(rows: pd.DataFrame, settings: JudgingSettings, last_step: int) -> pd.DataFrame:
    """Each ticket (density × rewind step) at equal steps: winning, matching, neither or inconclusive.

    Matching: non-inferior to dense, so the whole two-sided interval lies below the margin, which is a test at α/2
    (Piaggio et al. 2012); the same interval decides what is worse. Winning: matching, and better than the
    re-initialised and the shuffled control, where Holm's adjustment runs over both controls, all controlled densities
    and all rewind steps. A ticket at a density without controls cannot be called winning.
    """
    measured = rows[rows["test"].eq(TICKETS) & rows["quantity"].eq(settings.metric)]
    end = measured[measured["step"] == last_step]
    courses = measured[measured["contrast"] == "ticket - dense"].groupby(["rewind_step", "level"])
    found = []
    decisive = end[end["contrast"].isin([f"ticket - {control}" for control in DECISIVE_CONTROLS])]
    adjusted = pd.Series(statistics.holm(decisive["p"]), index=decisive.index)
    for rewind_step, group in end.groupby("rewind_step"):
        against = decisive[decisive["rewind_step"] == rewind_step]
        for _, cell in group[group["contrast"] == "ticket - dense"].iterrows():
            here = against["level"] == cell["level"]
            undecided = why_undecided(cell)
            matching = cell["ci_high"] < settings.margin
            worse = cell["ci_low"] > settings.margin
            beats = bool(here.any() and (adjusted[here.index[here]] < settings.alpha).all())
            if undecided:
                decision, reason = INCONCLUSIVE, undecided
            else:
                if matching:
                    decision = WINNING if beats else MATCHING
                else:
                    decision = NEITHER if worse else INCONCLUSIVE
                reason = _reason(matching, worse, against[here], adjusted, settings)
                reason += _along_training(courses.get_group((rewind_step, cell["level"])))
            without = [undecided, *(why_undecided(row) for _, row in against[here].iterrows())]
            found.append(
                verdict_row(
                    T1,
                    kinds.TICKET,
                    cell,
                    settings.margin,
                    decision,
                    reason,
                    rewind_step=rewind_step,
                    density=cell["density"],
                )
                | {"undecided": max(without)}
            )
    return pd.DataFrame(found)


def _reason(matching: bool, worse: bool, against: pd.DataFrame, adjusted: pd.Series, settings: JudgingSettings) -> str:
    if matching:
        parts = [f"not worse than dense by {settings.margin:g}"]
    elif worse:
        parts = [f"worse than dense by more than {settings.margin:g}"]
    else:
        parts = [f"the interval of the difference to dense spans the margin {settings.margin:g}"]
    for index, row in against.iterrows():
        control = row["contrast"].removeprefix("ticket - ")
        word = "better than" if adjusted[index] < settings.alpha else "not shown better than"
        basis = f"by {-row['estimate']:.3f}, adjusted p {adjusted[index]:.2g}"
        parts.append(f"{word} {control} ({why_undecided(row) or basis})")
    return "; ".join(parts) if len(against) else parts[0] + "; no controls at this density"


def _along_training(course: pd.DataFrame) -> str:
    """The course of the loss in words: the number of recorded steps at which a ticket is better or worse than dense."""
    better, worse = (course["ci_high"] < 0).sum(), (course["ci_low"] > 0).sum()
    return f"; along training better at {better}, worse at {worse} of {len(course)} recorded steps"


def _sparse(cells: pd.DataFrame, settings: JudgingSettings) -> pd.DataFrame:
    return cells[cells["density"] <= settings.sparse]


def winning_cells(cells: pd.DataFrame, settings: JudgingSettings) -> pd.DataFrame:
    """The sparse winning tickets that also pass the sequence from the densest down, at α/2 split over rewind steps."""
    level = settings.alpha / 2 / max(cells["rewind_step"].nunique(), 1)
    ordered = cells.sort_values("density", ascending=False)
    passed = ordered["p"].lt(level).groupby(ordered["rewind_step"]).cummin()
    return _sparse(ordered[passed & ordered["decision"].eq(WINNING)], settings)


def winning_ticket(cells: pd.DataFrame, settings: JudgingSettings, licensed: tuple[str, bool] | None) -> Iterator[dict]:
    """The study's answer to test 1, and the smallest density that matches.

    Densities are tested from the densest down until the first that does not match, which keeps the family's error at
    α/2 without adjustment (fixed-sequence testing); a winning ticket must lie in that sequence. A negative answer is
    only given where the procedure is known to work: in a study licensed by another one in which it found winning
    tickets.
    """
    for rewind_step, group in cells.groupby("rewind_step"):
        ordered = group.sort_values("density", ascending=False)
        matches = ordered["decision"].isin([WINNING, MATCHING])
        passed = ordered[matches.cumprod().astype(bool)]
        if len(passed):
            last = passed.iloc[-1]
            yield verdict_row(
                T1,
                kinds.SMALLEST_MATCHING,
                {"estimate": last["density"], "n": last["n"]},
                settings.margin,
                MATCHING,
                f"every density down to {percent(last['density'])} matches, tested from the densest down",
                rewind_step=rewind_step,
            )
        else:
            first = ordered.iloc[0]
            yield verdict_row(
                T1,
                kinds.SMALLEST_MATCHING,
                {"n": first["n"]},
                settings.margin,
                first["decision"],
                f"the densest ticket, at {percent(first['density'])}, is not shown to match: {first['reason']}",
                rewind_step=rewind_step,
            )
    sparse = _sparse(cells, settings)
    winners = winning_cells(cells, settings)
    if len(winners):
        best = winners.sort_values(["density", "rewind_step"]).iloc[0]
        decision, basis = SUPPORTS, best
        reason = f"winning at {percent(best['density'])} kept from step {best['rewind_step']:.0f}"
    else:
        basis = sparse.sort_values("density").iloc[-1] if len(sparse) else {}
        negative = len(sparse) > 0 and (sparse["decision"] == NEITHER).all()
        if negative and licensed is not None and licensed[1]:
            decision, reason = REFUTES, f"no sparse ticket matches, while the procedure finds some in {licensed[0]}"
        elif negative:
            why = (
                "no study licenses a negative" if licensed is None else f"{licensed[0]} found no winning ticket either"
            )
            decision, reason = INCONCLUSIVE, f"no sparse ticket matches, but {why}"
        else:
            decision = INCONCLUSIVE
            reason = f"no ticket at or below {settings.sparse:.0%} kept is shown to win, nor all to fail"
            if sparse.empty:
                reason = f"no ticket at or below {settings.sparse:.0%} kept was trained"
            reason += f"; {sparse['undecided'].max()}" if len(sparse) and sparse["undecided"].any() else ""
    reason += f"; {_licence(licensed)}"
    yield verdict_row(T1, kinds.WINNING_TICKET, basis, settings.margin, decision, reason)


def _licence(licensed: tuple[str, bool] | None) -> str:
    """Whether the control study, in which IMP found winning tickets or did not, would license a negative answer."""
    if licensed is None:
        return "no control study is named that could license a negative here"
    study, won = licensed
    return f"a negative here is licensed by {study}" if won else f"{study} licenses no negative here"


def against_total(rows: pd.DataFrame, settings: JudgingSettings) -> Iterator[dict]:
    """Whether the search is worth its steps: tickets compared with the dense network that gets all the steps of IMP."""
    for _, row in rows[rows["contrast"] == "ticket - dense_total"].iterrows():
        if why_undecided(row):
            decision, reason = INCONCLUSIVE, why_undecided(row)
        elif row["ci_high"] < settings.margin:
            decision, reason = SUPPORTS, "the ticket is as good as dense training for as long as its search took"
        elif row["ci_low"] > settings.margin:
            decision, reason = REFUTES, "dense training for as long as the search took is better"
        else:
            decision, reason = INCONCLUSIVE, f"the interval spans the margin {settings.margin:g}"
        yield verdict_row(
            T1,
            kinds.DENSE_TOTAL,
            row,
            settings.margin,
            decision,
            reason,
            rewind_step=row["rewind_step"],
            density=row["density"],
        )


def sooner(rows: pd.DataFrame, settings: JudgingSettings) -> Iterator[dict]:
    """Whether tickets reach a validation loss that dense reaches too in fewer steps (early stopping, Frankle & Carbin).

    Holm's adjustment runs over all densities and rewind steps, and over both answers: p is two-sided.
    """
    mine = rows[rows["quantity"].eq("steps_to_worse_end") & rows["contrast"].eq("ticket - dense")]
    for (_, row), p in zip(mine.iterrows(), statistics.holm(mine["p"]), strict=True):
        there = f"at the loss that both reach (adjusted p {p:.2g})"
        if why_undecided(row):
            decision, reason = INCONCLUSIVE, why_undecided(row)
        elif p < settings.alpha and row["ci_high"] < 0:
            decision, reason = SUPPORTS, f"{-row['estimate']:.0f} steps sooner {there}"
        elif p < settings.alpha and row["ci_low"] > 0:
            decision, reason = REFUTES, f"{row['estimate']:.0f} steps later {there}"
        else:
            decision, reason = INCONCLUSIVE, f"not shown to be sooner or later {there}"
        at = {"rewind_step": row["rewind_step"], "density": row["density"]}
        yield verdict_row(T1, kinds.SOONER, row, 0.0, decision, reason, family=len(mine), **at)
