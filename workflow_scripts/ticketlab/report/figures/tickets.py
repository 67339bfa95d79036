"""The figure of test 1: sparse networks and the dense one, by density and over training."""

from collections.abc import Iterator
from itertools import cycle
from typing import Any

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from workflow_scripts.ticketlab.core.readings import INCONCLUSIVE
from workflow_scripts.ticketlab.report.figures.style import (
    BLACK,
    BLUE,
    GREEN,
    INDIGO,
    METRICS,
    PLAIN,
    RED,
    VARIANTS,
    Look,
    bars,
    density_axis,
    draw,
    legend,
    legend_below,
    line,
    not_measured,
    of_test,
    step_axis,
    study_rows,
)
from workflow_scripts.ticketlab.settings.judging import JudgingSettings
from workflow_scripts.ticketlab.tables.schemas.comparisons import COMPARISONS
from workflow_scripts.ticketlab.tables.schemas.verdicts import VERDICTS
from workflow_scripts.ticketlab.verdicts.comparisons import BEST_RATES, DECISIVE_CONTROLS, TICKETS, TOTALS, at_the_end
from workflow_scripts.ticketlab.verdicts.kinds import TICKET
from workflow_scripts.ticketlab.verdicts.rows import SUPPORTS, WITHHELD, percent
from workflow_scripts.ticketlab.verdicts.tickets import CLAIMS, MATCHING, NEITHER, WINNING

READS = {"comparisons": COMPARISONS, "verdicts": VERDICTS}

# A ticket's verdict is the filling of its marker.
BESIDE = 1.013  # the factor of density from one place to the next, of markers that would hide each other
FILLINGS: dict[str, Any] = {WINNING: "full", MATCHING: "bottom", INCONCLUSIVE: "none", NEITHER: "none"}


def figure(comparisons: pd.DataFrame, verdicts: pd.DataFrame, settings: dict[str, dict]) -> Figure:
    """T1: the final metric against density, its course for the verdict's ticket, and the differences to dense."""
    drawn, rows = study_rows("T1 tickets: sparse networks against the dense one", settings, (14.0, 4.7))
    for (study, spec), row in zip(settings.items(), rows, strict=True):
        mine = of_test(comparisons, study, TICKETS)
        mine = mine[mine["quantity"] == spec["judging"]["metric"]]
        own = verdicts[verdicts["study"] == study]
        end, course, difference = row.subplots(1, 3, width_ratios=[1.25, 1, 1])
        _end_by_density(end, mine, _decisions(own), spec)
        _course(course, mine, _verdict(own), spec)
        end_rows = at_the_end(
            comparisons[comparisons["study"] == study], JudgingSettings(**spec["judging"]), spec["last_step"]
        )
        _difference_by_density(difference, end_rows, own, spec)
    return drawn


def _end_by_density(axes: Axes, mine: pd.DataFrame, decisions: pd.Series, spec: dict) -> None:
    last, margin = spec["last_step"], spec["judging"]["margin"]
    axes.set_title(f"at the recipe's rate, step {last}")
    axes.set_ylabel(METRICS[spec["judging"]["metric"]])
    end = mine[mine["step"] == last]
    if end.empty:
        return not_measured(axes)
    dense = end[end["contrast"] == "dense"].iloc[0]
    axes.axhline(dense["estimate"], color=BLACK, linewidth=1.2, label="dense, and up to δ worse")
    axes.axhspan(dense["estimate"], dense["estimate"] + margin, color=BLACK, alpha=0.12, linewidth=0)
    sparse = end[end["contrast"] == "ticket"]
    drawn = [name for name in VARIANTS if name not in ("dense", *TOTALS, "ticket") and end["contrast"].eq(name).any()]
    for place, variant in enumerate(drawn):
        rows = end[end["contrast"].eq(variant) & end["rewind_step"].eq(spec["rewind_steps"][0])]
        look = VARIANTS[variant]
        line(axes, _beside(rows, place - (len(drawn) - 1) / 2), "density", look, look.label)
    for rewind_step, look in zip(spec["rewind_steps"], _ticket_looks(), strict=False):
        rows = sparse[sparse["rewind_step"] == rewind_step]
        _tickets_line(axes, rows, decisions, look, f"ticket from step {rewind_step}")
    for side, name in zip((1, -1), TOTALS, strict=True):
        total = mine[mine["contrast"] == name]
        total = total[total["step"] == total.groupby("level")["step"].transform("max")]
        if len(total):
            # Dense is drawn at the ticket whose search took as many steps.
            placed = total.assign(density=total["level"].map(sparse.groupby("level")["density"].first()))
            line(axes, _beside(placed, side * 4), "density", VARIANTS[name], VARIANTS[name].label)
    density_axis(axes, end["density"])
    handles, labels = axes.get_legend_handles_labels()
    legend(axes, [*handles, *_filling_handles()], [*labels, *(f"verdict: {word}" for word in FILLINGS)])
    return None


def _beside(rows: pd.DataFrame, places: float) -> pd.DataFrame:
    """The rows this many places to the right of their density, so that equal values do not hide each other."""
    return rows.assign(density=rows["density"] * BESIDE**-places)


def _verdict(verdicts: pd.DataFrame) -> pd.Series | None:
    """The claim of T1 whose ticket is drawn over training: the first that is supported, or from θ₀."""
    mine = verdicts[verdicts["kind"].isin(CLAIMS)].dropna(subset=["density"])
    rows = (row for _, row in mine.iterrows())
    return min(rows, key=lambda row: (row["decision"] != SUPPORTS, row["rewind_step"]), default=None)


def _course(axes: Axes, mine: pd.DataFrame, verdict: pd.Series | None, spec: dict) -> None:
    if verdict is None:
        return not_measured(axes, "no sparse ticket")
    rewind_step, density = verdict["rewind_step"], verdict["density"]
    cell = mine[mine["rewind_step"].eq(rewind_step) & mine["density"].eq(density)]
    at = f"{percent(density)} kept, from step {rewind_step:.0f}"
    axes.set_title(f"over training, {at}\n(T1 {CLAIMS[verdict['kind']]}: {verdict['decision']})")
    axes.set_ylabel(METRICS[spec["judging"]["metric"]])
    step_axis(axes, "training step", spec["last_step"])
    if mine.empty:
        return not_measured(axes)
    for variant in ("dense", "ticket", "reinitialised", "shuffled"):
        rows = (mine if variant == "dense" else cell)[lambda rows, name=variant: rows["contrast"] == name]
        if len(rows):
            line(axes, rows, "step", VARIANTS[variant], VARIANTS[variant].label)
    legend_below(axes, axes)
    return None


def _difference_by_density(axes: Axes, mine: pd.DataFrame, verdicts: pd.DataFrame, spec: dict) -> None:
    """mine: the rows of T1 at the end, at best rates where they exist."""
    margin = spec["judging"]["margin"]
    rated = ", each at its best rate" if mine["test"].eq(BEST_RATES).any() else ""
    axes.set_title(f"end, less dense{rated}\n(below δ: matching)")
    axes.set_ylabel(f"difference in {METRICS[spec['judging']['metric']]}")
    equal = mine[mine["contrast"] == "ticket - dense"]
    if equal.empty:
        return not_measured(axes)
    axes.axhline(0, color=BLACK, linewidth=0.8)
    axes.axhline(margin, color=BLACK, linewidth=1, linestyle="--")
    words: dict[str, Any] = {"textcoords": "offset points", "ha": "right", "bbox": PLAIN}
    axes.annotate(f"δ = {margin:g}", (0.99, margin), (0, 5), ("axes fraction", "data"), **words)
    for rewind_step, look in zip(spec["rewind_steps"], _ticket_looks(), strict=False):
        rows = equal[equal["rewind_step"] == rewind_step]
        _tickets_line(axes, rows, _decisions(verdicts), look, f"ticket from step {rewind_step}")
    verdict = _verdict(verdicts)
    start = spec["rewind_steps"][0] if verdict is None else verdict["rewind_step"]
    for side, control in zip((-1, 1), DECISIVE_CONTROLS, strict=True):
        rows = mine[mine["contrast"].eq(f"{control} - dense") & mine["rewind_step"].eq(start)]
        if len(rows):
            look = VARIANTS[control]
            line(
                axes,
                _beside(rows, side),
                "density",
                Look("", look.colour, look.marker, ""),
                f"{look.label} from step {start:.0f}",
                band=False,
            )
            bars(axes, _beside(rows, side), "density", look)
    low, high = axes.get_ylim()
    axes.set_ylim(low, max(high, margin + 0.15 * (margin - low)))  # δ and its label off the frame
    density_axis(axes, mine["density"])
    legend_below(axes, axes)
    return None


def _decisions(verdicts: pd.DataFrame) -> pd.Series:
    """The verdict words on a study's tickets, by rewind step and density."""
    mine = verdicts[verdicts["kind"] == TICKET]
    return mine.set_index(["rewind_step", "density"])["decision"]


def _tickets_line(axes: Axes, rows: pd.DataFrame, decisions: pd.Series, look: Look, label: str) -> None:
    """Tickets along density, each marker filled by its verdict."""
    rows = line(axes, rows, "density", Look("", look.colour, "", look.dash), "")
    axes.plot([], [], color=look.colour, linestyle=look.dash, marker=look.marker, label=label)
    for _, row in rows.iterrows():
        decision = decisions.loc[row["rewind_step"], row["density"]]
        _verdict_marker(axes, row["density"], row["estimate"], look, decision)


def _verdict_marker(axes: Axes, x: float, y: float, look: Look, decision: str) -> None:
    shared: dict[str, Any] = {"color": look.colour, "linestyle": "none", "zorder": 5}
    filling = FILLINGS[INCONCLUSIVE if decision == WITHHELD else decision]
    axes.plot(x, y, marker=look.marker, markersize=7, fillstyle=filling, markerfacecoloralt="white", **shared)
    if decision == NEITHER:
        axes.plot(x, y, marker="x", markersize=4.5, **shared)


def _filling_handles() -> list[tuple[Line2D, ...]]:
    """Legend entries of the verdict words, in the order of FILLINGS."""
    shared: dict[str, Any] = {"color": BLUE, "linestyle": "none", "markerfacecoloralt": "white"}
    handles: list[tuple[Line2D, ...]] = []
    for decision, filling in FILLINGS.items():
        circle = Line2D([], [], marker="o", markersize=7, fillstyle=filling, **shared)
        cross = Line2D([], [], marker="x", markersize=4.5, **shared)
        handles.append((circle, cross) if decision == NEITHER else (circle,))
    return handles


def _ticket_looks() -> Iterator[Look]:
    """A look for each rewind step."""
    return cycle([VARIANTS["ticket"], Look("", INDIGO, "D", "--"), Look("", RED, "s", "-."), Look("", GREEN, "^", ":")])


def of_tables(tables: dict[str, pd.DataFrame], spec: dict[str, Any]) -> Figure:
    return draw(figure, tables["comparisons"], tables["verdicts"], spec["studies"])
