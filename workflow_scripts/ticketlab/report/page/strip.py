"""The strip of a study: small panels over one axis of training steps, with the rows that each panel draws.

`panels` returns them in order; a panel without rows says so. The rows are those of `comparisons` and `clock`.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import pandas as pd

from workflow_scripts.ticketlab.report.page.clock import QUANTITY_WORDS
from workflow_scripts.ticketlab.report.words import spaced
from workflow_scripts.ticketlab.verdicts import clock
from workflow_scripts.ticketlab.verdicts.comparisons import (
    DECISIVE_CONTROLS,
    DETERMINACY,
    LLC,
    STRUCTURE,
    TICKETS,
    of_roles,
)
from workflow_scripts.ticketlab.verdicts.kinds import REWOUND_TICKET, WINNING_TICKET
from workflow_scripts.ticketlab.verdicts.rows import percent

NUMBERS = ["step", "estimate", "ci_low", "ci_high", "n"]
UNITS = {"loss": "test loss (nats)", "error": "test error"}
STRUCTURES = 6  # looks in the style sheet
CLOCK_WORDS = QUANTITY_WORDS | {
    clock.LLC: "λ̂, {}",
    clock.MASK: "mask, {}",
    clock.TICKET: "ticket's {}",
    clock.ROLES: "roles",
    clock.SPLIT_MASK: "updates",
    clock.BARRIER: "barrier, {}",
}


@dataclass(frozen=True)
class Series:
    """One line of a panel. look: a class of the style sheet; rows: NUMBERS, by step; hollow: steps of hollow points."""

    name: str
    look: str
    rows: pd.DataFrame
    hollow: frozenset[int] = frozenset()


@dataclass(frozen=True)
class Panel:
    """key: of links; unit: of the vertical axis; marks: half-way steps, each a line of its own, instead of curves."""

    key: str
    title: str
    unit: str
    series: list[Series] = field(default_factory=list)
    marks: bool = False

    def csv(self) -> str:
        """The rows behind the panel; densities and the like are in the series' names."""
        if not self.series:
            return ""
        frame = pd.concat([one.rows[NUMBERS].assign(series=one.name) for one in self.series])
        return frame[["series", *NUMBERS]].to_csv(index=False, float_format="%.6g", lineterminator="\n")


def panels(
    comparisons: pd.DataFrame, verdicts: pd.DataFrame, clock_rows: pd.DataFrame, spec: Mapping[str, Any]
) -> list[Panel]:
    """All five panels of a study. The tables: its own rows; spec: the study's, as rule_params.figures gives it."""
    metric = spec["judging"]["metric"]
    return [
        Panel("tickets", "Tickets", UNITS[metric], list(_tickets(comparisons, verdicts, metric, spec))),
        Panel("roles", "Roles", "determinacy, data orders split at step", list(_roles(comparisons))),
        Panel("transience", "Transience", "distance, share of step 0", list(_structures(comparisons))),
        Panel("llc", "λ̂", "learning coefficient (hollow: flagged)", list(_llc(comparisons))),
        Panel("clock", "Clock", "half-way steps", list(_clock(clock_rows)), marks=True),
    ]


def looks(shown: Iterable[Panel]) -> list[Series]:
    """The strip's one legend: each line of its curves once."""
    found = {one.look: one for panel in shown if not panel.marks for one in reversed(panel.series)}
    order = [one.look for panel in shown for one in panel.series]
    return sorted(found.values(), key=lambda one: order.index(one.look))


def _of(name: str, look: str, rows: pd.DataFrame, hollow: Iterable[int] = ()) -> Iterator[Series]:
    found = rows.dropna(subset=["estimate"]).sort_values("step")
    if len(found):
        yield Series(name, look, found[NUMBERS], frozenset(hollow))


def _tickets(rows: pd.DataFrame, verdicts: pd.DataFrame, metric: str, spec: Mapping[str, Any]) -> Iterator[Series]:
    """Dense, and the ticket that the answer of T1 is about with its controls; without an answer that of the clock."""
    mine = rows[rows["test"].eq(TICKETS) & rows["quantity"].eq(metric)]
    yield from _of("dense", "dense", mine[mine["contrast"] == "dense"])
    claims = verdicts[verdicts["kind"].isin([WINNING_TICKET, REWOUND_TICKET])].dropna(subset=["density"])
    claims = claims.sort_values("kind", ascending=False)  # from θ₀ first
    if len(claims):
        about = claims.iloc[0]
        here = mine[mine["density"].eq(about["density"]) & mine["rewind_step"].eq(about["rewind_step"])]
    else:
        here = mine[mine["level"].eq(spec["clock_level"]) & mine["rewind_step"].eq(spec["rewind_steps"][0])]
    names = {"ticket": "ticket", "reinitialised": "re-initialised", "shuffled": "shuffled mask"}
    for contrast in ("ticket", *DECISIVE_CONTROLS):
        found = here[here["contrast"] == contrast]
        if len(found):
            first = found.iloc[0]
            at = f" at {percent(first['density'])} kept, from step {first['rewind_step']}"
            yield from _of(names[contrast] + at * (contrast == "ticket"), contrast, found)


def _roles(rows: pd.DataFrame) -> Iterator[Series]:
    found = of_roles(rows, DETERMINACY)
    for contrast, words in (
        ("same_init", "same initialisation"),
        ("other_init", "other initialisation"),
        ("chaos", "θ₀ a millionth off"),
    ):
        yield from _of(f"roles: {words}", f"roles-{contrast}", found[found["contrast"] == contrast])


def _structures(rows: pd.DataFrame) -> Iterator[Series]:
    mine = rows[rows["test"].eq(STRUCTURE) & rows["contrast"].eq("distance")]
    for place, (name, course) in enumerate(mine.groupby("quantity", sort=True)):
        start = course.loc[course["step"].idxmin(), "estimate"]
        shares = course.assign(**{key: course[key] / start for key in ("estimate", "ci_low", "ci_high")})
        yield from _of(f"to {spaced(str(name))}", f"structure{place % STRUCTURES}", shares)


def _llc(rows: pd.DataFrame) -> Iterator[Series]:
    mine = rows[rows["test"].eq(LLC) & rows["contrast"].eq("dense")]
    flagged = mine[mine["quantity"].eq("flagged") & mine["estimate"].gt(0)]
    yield from _of("λ̂ of dense", "llc", mine[mine["quantity"] == "complexity"], flagged["step"])


def _clock(rows: pd.DataFrame) -> Iterator[Series]:
    """One line each, in their order; the look is that of the same quantity in the other panels."""
    structures = sorted(rows.loc[rows["quantity"] == clock.ACQUIRED, "of"].unique())
    fixed = {clock.LLC: "llc", clock.ROLES: "roles-same_init", clock.TICKET: "ticket", clock.BARRIER: "barrier"}
    placed = rows[rows["rank"] > 0].sort_values("rank")
    for _, row in placed.iterrows():
        look = fixed.get(row["quantity"], "weights")
        if row["of"] in structures:
            look = f"structure{structures.index(row['of']) % STRUCTURES}"
        of = spaced(row["of"]).removeprefix("dense, ")
        name = CLOCK_WORDS[row["quantity"]].format(of)
        at = pd.DataFrame([{"step": row["step"], "estimate": row["step"], **row[["ci_low", "ci_high", "n"]]}])
        yield Series(name, look, at)
