"""The verdicts on T1: winning tickets from θ₀ and after rewinding, and what they cost."""

from collections.abc import Iterator
from dataclasses import dataclass

import pandas as pd

from workflow_scripts.ticketlab.core import statistics
from workflow_scripts.ticketlab.core.readings import INCONCLUSIVE
from workflow_scripts.ticketlab.settings.judging import JudgingSettings
from workflow_scripts.ticketlab.verdicts import kinds
from workflow_scripts.ticketlab.verdicts.best_rates import VALIDATION_LOSS
from workflow_scripts.ticketlab.verdicts.comparisons import (
    BEST_RATES,
    DECISIVE_CONTROLS,
    EARLY_STOP,
    OTHER_ORDER,
    TICKETS,
    at_the_end,
)
from workflow_scripts.ticketlab.verdicts.rows import (
    NO_SIDE,
    REFUTES,
    SUPPORTS,
    T1,
    percent,
    verdict_row,
    why_undecided,
)

WINNING, MATCHING, NEITHER = "winning", "matching", "neither"
WORSE = "worse"  # a control that is worse than dense by more than δ
NAN = float("nan")
PROCEDURES = "procedure"  # the family of the pruning calibration's rows that can license a negative
CLAIMS = {kinds.WINNING_TICKET: "from θ₀", kinds.REWOUND_TICKET: "after rewinding"}


@dataclass(frozen=True)
class Licence:
    """What licenses a negative answer to a claim, and the procedure in words; `by` is empty if nothing does.

    A study does, or the pruning calibration, in which the same procedure finds winning tickets of the same claim.
    """

    procedure: str
    by: str = ""
    why_not: str = "no control study is named"


def ticket_cells(rows: pd.DataFrame, settings: JudgingSettings, last_step: int) -> pd.DataFrame:
    """Each ticket (density × rewind step) at equal steps: winning, matching, neither or inconclusive.

    Matching: non-inferior to dense, so the whole two-sided interval lies below the margin, which is a test at α/2
    (Piaggio et al. 2012); the same interval decides what is worse. Winning: matching, and better than the
    re-initialised and the shuffled control by more than the margin, where Holm's adjustment runs over both controls,
    all controlled densities and all rewind steps of a claim. Only a density with both controls is `controlled`: a
    ticket at another one cannot be called winning.
    """
    end = at_the_end(rows, settings, last_step)
    found = []
    for kind in CLAIMS:
        of_claim = end[_is_of(end, kind)]
        decisive = of_claim[of_claim["contrast"].isin([f"ticket - {control}" for control in DECISIVE_CONTROLS])]
        adjusted = pd.Series(statistics.holm(decisive["p"]), index=decisive.index)
        for _, cell in of_claim[of_claim["contrast"] == "ticket - dense"].iterrows():
            against = decisive[_same_ticket(decisive, cell)]
            matching, worse = cell["ci_high"] < settings.margin, cell["ci_low"] > settings.margin
            controlled = len(against) == len(DECISIVE_CONTROLS)
            beats = controlled and bool((adjusted[against.index] < settings.alpha).all())
            if undecided := why_undecided(cell):
                decision, reason = INCONCLUSIVE, undecided
            else:
                if matching:
                    decision = WINNING if beats else MATCHING
                else:
                    decision = NEITHER if worse else INCONCLUSIVE
                parts = [_against_dense(cell, settings)]
                parts += [_beaten(row, adjusted[index], settings) for index, row in against.iterrows()]
                parts += [] if controlled else ["not all controls at this density"]
                reason = "; ".join([*parts, *_rates(rows, cell, against)])
            without = [undecided, *(why_undecided(row) for _, row in against.iterrows())]
            at = {"rewind_step": cell["rewind_step"], "density": cell["density"]}
            row = verdict_row(T1, kinds.TICKET, cell, settings.margin, decision, reason, **at)
            found.append(row | {"undecided": max(without), "controlled": controlled})
    return pd.DataFrame(found)


def controls(rows: pd.DataFrame, settings: JudgingSettings, last_step: int) -> Iterator[dict]:
    """Whether a decisive control is as good as dense at equal steps; then its ticket's win would say little."""
    end = at_the_end(rows, settings, last_step)
    for control in DECISIVE_CONTROLS:
        for _, row in end[end["contrast"] == f"{control} - dense"].iterrows():
            reason = why_undecided(row)
            if reason:
                decision = INCONCLUSIVE
            else:
                matching, worse = row["ci_high"] < settings.margin, row["ci_low"] > settings.margin
                decision = MATCHING if matching else WORSE if worse else INCONCLUSIVE
                reason = _against_dense(row, settings)
            at = {"rewind_step": row["rewind_step"], "density": row["density"], "variant": control}
            yield verdict_row(T1, kinds.CONTROL, row, settings.margin, decision, reason, **at)


def _is_of(rows: pd.DataFrame, kind: str) -> pd.Series:
    """Which rows are about tickets of this claim."""
    return rows["rewind_step"].eq(0) == (kind == kinds.WINNING_TICKET)


def _same_ticket(rows: pd.DataFrame, cell: pd.Series) -> pd.Series:
    return rows["rewind_step"].eq(cell["rewind_step"]) & rows["level"].eq(cell["level"])


def _against_dense(row: pd.Series, settings: JudgingSettings) -> str:
    if row["ci_high"] < settings.margin:
        return f"not worse than dense by {settings.margin:g}"
    if row["ci_low"] > settings.margin:
        return f"worse than dense by more than {settings.margin:g}"
    return f"the interval of the difference to dense spans the margin {settings.margin:g}"


def _beaten(row: pd.Series, adjusted: float, settings: JudgingSettings) -> str:
    """The comparison with one control in words; its p is of "not better by more than δ"."""
    control = row["contrast"].removeprefix("ticket - ")
    word = "better than" if adjusted < settings.alpha else "not shown better than"
    basis = f"by {-row['estimate']:.3f}, adjusted p {adjusted:.2g}"
    return f"{word} {control} by more than {settings.margin:g} ({why_undecided(row) or basis})"


def _rates(rows: pd.DataFrame, cell: pd.Series, against: pd.DataFrame) -> Iterator[str]:
    """The learning rates behind a ticket's comparisons, where each network has its own best; and all that were tried.

    A best one at either end of these says that a better one may lie beyond.
    """
    if cell["test"] == BEST_RATES:
        ticket = rows[rows["contrast"].eq("ticket") & _same_ticket(rows, cell)]
        tried = ticket.loc[ticket["quantity"] == VALIDATION_LOSS, "rate"].sort_values()
        others = {row["contrast"].removeprefix("ticket - "): row["other_rate"] for _, row in against.iterrows()}
        factors = {"ticket": cell["rate"], "dense": cell["other_rate"], **others}
        words = ", ".join(f"{name} {factor:g}" for name, factor in factors.items())
        of = ", ".join(f"{factor:g}" for factor in tried)
        yield f"each at its best rate on validation, of {of} times the recipe's: {words}"


def _sparse(cells: pd.DataFrame, settings: JudgingSettings) -> pd.DataFrame:
    return cells[cells["density"] <= settings.sparse]


def winning_cells(cells: pd.DataFrame, settings: JudgingSettings, kind: str) -> pd.DataFrame:
    """The sparse winning tickets of a claim that also pass the sequence from the densest down.

    Its level is α/2, split over the rewind steps of the claim.
    """
    mine = cells[_is_of(cells, kind)]
    level = settings.alpha / 2 / max(mine["rewind_step"].nunique(), 1)
    ordered = mine.sort_values("density", ascending=False)
    passed = ordered["p"].lt(level).groupby(ordered["rewind_step"]).cummin()
    return _sparse(ordered[passed & ordered["decision"].eq(WINNING)], settings)


def smallest_matching(cells: pd.DataFrame, settings: JudgingSettings) -> Iterator[dict]:
    """For each rewind step the smallest density that matches.

    Densities are tested from the densest down until the first that does not match, which keeps the family's error at
    α/2 without adjustment (fixed-sequence testing).
    """
    for rewind_step, group in cells.groupby("rewind_step"):
        ordered = group.sort_values("density", ascending=False)
        matches = ordered["decision"].isin([WINNING, MATCHING])
        passed = ordered[matches.cumprod().astype(bool)]
        if len(passed):
            last = passed.iloc[-1]
            basis, decision = {"estimate": last["density"], "n": last["n"]}, MATCHING
            reason = f"every density down to {percent(last['density'])} matches, tested from the densest down"
        else:
            first = ordered.iloc[0]
            basis, decision = {"n": first["n"]}, first["decision"]
            reason = f"the densest ticket, at {percent(first['density'])}, is not shown to match: {first['reason']}"
        yield verdict_row(
            T1, kinds.SMALLEST_MATCHING, basis, settings.margin, decision, reason, rewind_step=rewind_step
        )


def winning_ticket(cells: pd.DataFrame, settings: JudgingSettings, kind: str, licence: Licence) -> Iterator[dict]:
    """The study's answer to one of T1's claims: from θ₀, or after rewinding; none where no such ticket was trained.

    A winner is sought at the controlled densities, and must lie in the sequence that matches. The row is about the
    sparsest winner, or the densest sparse ticket with controls. A negative answer is only given where the procedure is
    known to work: where the same procedure finds winning tickets of this claim.
    """
    mine = cells[_is_of(cells, kind)]
    if mine.empty:
        return
    sparse = _sparse(mine, settings)
    sought = sparse[sparse["controlled"]].sort_values("density", ascending=False)
    winners = winning_cells(cells, settings, kind)
    if len(winners):
        basis = winners.sort_values(["density", "rewind_step"]).iloc[0]
        decision = SUPPORTS
        reason = f"winning at {percent(basis['density'])} kept from step {basis['rewind_step']:.0f}"
    else:
        basis = next((rows.iloc[0] for rows in (sought, sparse.sort_values("density")[::-1]) if len(rows)), {})
        if sparse.empty:
            decision, reason = INCONCLUSIVE, f"no ticket at or below {percent(settings.sparse)} kept was trained"
        elif (sparse["decision"] == NEITHER).all():
            decision = REFUTES if licence.by else INCONCLUSIVE
            reason = "no sparse ticket matches"
        else:
            decision = INCONCLUSIVE
            reason = f"no ticket at or below {percent(settings.sparse)} kept is shown to win, nor all to fail"
            reason += f"; {sparse['undecided'].max()}" if sparse["undecided"].any() else ""
    where = ", ".join(dict.fromkeys(percent(density) for density in sought["density"])) or "no density"
    reason += f"; sought at {where}, with controls; procedure: {licence.procedure}"
    reason += "" if decision == SUPPORTS else f"; {_of_licence(licence, kind)}"
    at = {key: basis[key] for key in ("rewind_step", "density") if key in basis}
    yield verdict_row(T1, kind, basis, settings.margin, decision, reason, **at)


def _of_licence(licence: Licence, kind: str) -> str:
    """What licenses a negative answer, or why nothing does."""
    if licence.by:
        return f"a negative here is licensed by {licence.by}, where the same procedure wins {CLAIMS[kind]}"
    return f"a negative here has no licence: {licence.why_not}"


def equal_totals(rows: pd.DataFrame, settings: JudgingSettings, last_step: int) -> Iterator[dict]:
    """What the search costs: the ticket, as it is and trained for all of the search's steps, against dense with these.

    The hypothesis claims nothing of the cost, so no side is taken.
    """
    contrasts = {"ticket - dense_total": kinds.DENSE_TOTAL, "ticket_total - dense_total": kinds.TICKET_TOTAL}
    trained = rows[rows["contrast"] == "dense_total"].groupby(["rewind_step", "level"])["step"].max()
    for contrast, kind in contrasts.items():
        for _, row in rows[rows["contrast"] == contrast].iterrows():
            total = trained[row["rewind_step"], row["level"]]
            cost = f"the search took {total} steps, {total / last_step:.3g} times one training"
            reason = "; ".join(filter(None, [cost, why_undecided(row) or _against_dense(row, settings)]))
            at = {"rewind_step": row["rewind_step"], "density": row["density"]}
            yield verdict_row(T1, kind, row, settings.margin, NO_SIDE, reason, **at)


def masks_of_another_order(rows: pd.DataFrame, settings: JudgingSettings, last_step: int) -> Iterator[dict]:
    """The ticket less the mask that the same search finds on another data order, both trained on the ticket's order.

    It tells whether what wins is in θ₀ and the task, or in the order that found the mask. The hypothesis does not say,
    so no side is taken. All train at the recipe's rate.
    """
    end = rows[rows["test"].eq(TICKETS) & rows["quantity"].eq(settings.metric) & rows["step"].eq(last_step)]
    for _, row in end[end["contrast"] == f"ticket - {OTHER_ORDER}"].iterrows():
        here = end[_same_ticket(end, row)].set_index("contrast")
        parts = [why_undecided(row) or _whose_mask(row, settings)]
        for other in ("dense", "shuffled"):
            if f"{OTHER_ORDER} - {other}" in here.index:
                found = here.loc[f"{OTHER_ORDER} - {other}"]
                between = "" if why_undecided(found) else f" [{found['ci_low']:+.3f}, {found['ci_high']:+.3f}]"
                parts.append(f"that mask is {found['estimate']:+.3f}{between} of {other}")
        at = {"rewind_step": row["rewind_step"], "density": row["density"]}
        yield verdict_row(T1, kinds.OTHER_ORDER, row, settings.margin, NO_SIDE, "; ".join(parts), **at)


def _whose_mask(row: pd.Series, settings: JudgingSettings) -> str:
    if row["ci_high"] < -settings.margin:
        return f"the ticket is better by more than {settings.margin:g}: its mask remembers the order that found it"
    if row["ci_low"] > -settings.margin:
        return f"a mask of another order is not worse by {settings.margin:g}: the order that finds it does not matter"
    return f"the interval spans −{settings.margin:g}"


def early_stopping(rows: pd.DataFrame) -> Iterator[dict]:
    """The early-stopping step of each ticket less dense's: the recorded step of the least validation loss.

    Frankle & Carbin (2019) describe winning tickets by it as well; the verdict is on what they reach. No side is taken.
    """
    mine = rows[rows["quantity"] == EARLY_STOP]
    differences = mine[mine["contrast"].str.endswith(" - dense")]
    for _, row in differences[differences["contrast"] == "ticket - dense"].iterrows():
        parts = [why_undecided(row)]
        for control in DECISIVE_CONTROLS:
            other = differences[_same_ticket(differences, row) & differences["contrast"].eq(f"{control} - dense")]
            parts += [f"{control} {_steps(number)}" for _, number in other.iterrows()]
        alone = mine[_same_ticket(mine, row) & mine["contrast"].eq("ticket")].iloc[0]
        reason = f"the ticket's is step {alone['estimate']:.0f} on average, to within recorded steps"
        at = {"rewind_step": row["rewind_step"], "density": row["density"]}
        yield verdict_row(T1, kinds.EARLY_STOP, row, NAN, NO_SIDE, "; ".join(filter(None, [reason, *parts])), **at)


def _steps(row: pd.Series) -> str:
    between = "" if why_undecided(row) else f" [{row['ci_low']:+.0f}, {row['ci_high']:+.0f}]"
    return f"{row['estimate']:+.0f}{between} of dense's"
