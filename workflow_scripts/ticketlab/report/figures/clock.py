"""The figures of the developmental clock: when each quantity is determined, over one axis of training steps.

The overview has the half-way steps of all studies on a page; each study has a figure of its own, in which the curves
behind them stand in strips.
Curves are rows of `comparisons` and comparisons.barriers; half-way steps with their intervals are rows of `clock`.
"""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from workflow_scripts.ticketlab.report.figures.style import (
    BLACK,
    BLUE,
    GREEN,
    GREY,
    ORANGE,
    RED,
    SHORT_METRICS,
    VARIANTS,
    Look,
    bars,
    draw,
    legend,
    line,
    not_measured,
    series,
    step_axis,
    study_rows,
)
from workflow_scripts.ticketlab.report.words import spaced
from workflow_scripts.ticketlab.tables.schemas.barriers import BARRIERS
from workflow_scripts.ticketlab.tables.schemas.clock import CLOCK
from workflow_scripts.ticketlab.tables.schemas.comparisons import COMPARISONS
from workflow_scripts.ticketlab.verdicts import clock, comparisons
from workflow_scripts.ticketlab.verdicts.comparisons import DETERMINACY, LLC, MASKS, STRUCTURE, TICKETS, of_roles
from workflow_scripts.ticketlab.verdicts.rows import percent

READS = {"comparisons": COMPARISONS, "barriers": BARRIERS, "clock": CLOCK}

# A half-way step: its row of `clock`, its look, and its height in the strip.
Mark = tuple[pd.Series, Look, float]


def figure(courses: pd.DataFrame, times: pd.DataFrame, settings: dict[str, dict]) -> Figure:
    """courses: of `comparisons` and comparisons.barriers; times: of `clock`; settings: as rule_params.draw_clock
    gives."""
    drawn, rows = study_rows("A developmental clock: one axis of training steps", settings, (10.0, 9.6))
    for (study, spec), row in zip(settings.items(), rows, strict=True):
        strips = row.subplots(len(STRIPS), 1, sharex=True)
        mine, read = courses[courses["study"] == study], times[times["study"] == study]
        for axes, strip in zip(strips, STRIPS, strict=True):
            marks = list(strip(axes, mine, read, spec))
            if axes.has_data():
                _mark(axes, marks)
                legend(axes)
            else:
                not_measured(axes)
        step_axis(strips[-1], "training step; large markers: half-way steps with their intervals", spec["last_step"])
    return drawn


def _mark(axes: Axes, marks: list[Mark]) -> None:
    """Half-way steps as large markers with their intervals; a drop line leads to the axis."""
    low, high = axes.get_ylim()
    for row, look, height in marks:
        if pd.isna(row["step"]):
            continue
        axes.vlines(row["step"], low, height, color=look.colour, linewidth=0.7, linestyle=":")
        axes.hlines(height, row["ci_low"], row["ci_high"], color=look.colour, linewidth=3, alpha=0.6)
        axes.plot(row["step"], height, look.marker, color=look.colour, markersize=9, markeredgecolor="white", zorder=5)
    axes.set_ylim(low, high)


def _half_way(times: pd.DataFrame, quantity: str, of: str, look: Look, scale: float = 1.0) -> Iterator[Mark]:
    """scale: the strip's values over the table's values."""
    for _, row in times[times["quantity"].eq(quantity) & times["of"].eq(of)].iterrows():
        yield row, look, (row["first"] + row["last"]) / 2 * scale


def _llc(axes: Axes, mine: pd.DataFrame, times: pd.DataFrame, spec: dict) -> Iterator[Mark]:
    axes.set_ylabel("LLC or\ncomplexity")
    rows = mine[mine["test"].eq(LLC) & mine["contrast"].eq("dense")]
    if rows.empty:
        return
    look, complexity = VARIANTS["dense"], rows[rows["quantity"] == "complexity"]
    course = line(axes, complexity, "step", look, "dense network, some seeds flagged", hollow=True)
    sound = course[course["step"].isin(rows.loc[rows["quantity"].eq("flagged") & rows["estimate"].eq(0), "step"])]
    if len(sound):
        axes.plot(sound["step"], sound["estimate"], look.marker, color=look.colour, label="no seed flagged")
    axes.set_ylim(bottom=min(0.0, axes.get_ylim()[0]))
    for of, marker in ((clock.RISES, "^"), (clock.FALLS, "v")):
        yield from _half_way(times, clock.LLC, of, replace(look, marker=marker))


def _structure(axes: Axes, mine: pd.DataFrame, times: pd.DataFrame, spec: dict) -> Iterator[Mark]:
    axes.set_ylabel("distance,\nshare of step 0")
    rows = mine[mine["test"].eq(STRUCTURE) & mine["contrast"].eq("distance")]
    for (name, course), look in zip(rows.groupby("quantity", sort=False), series(), strict=False):
        start = course.loc[course["step"].idxmin(), "estimate"]
        scaled = course.assign(**{column: course[column] / start for column in ("estimate", "ci_low", "ci_high")})
        line(axes, scaled, "step", look, f"to {spaced(name)}")
        for quantity in (clock.ACQUIRED, clock.FORGOTTEN):
            yield from _half_way(times, quantity, name, look, 1 / start)
    axes.set_ylim(bottom=0)


def _masks(axes: Axes, mine: pd.DataFrame, times: pd.DataFrame, spec: dict) -> Iterator[Mark]:
    """Overlap beyond what |θ₀| and the density of each layer explain."""
    axes.set_ylabel("mask overlap\nbeyond |θ₀|")
    looks = {
        "final_magnitude": Look("with the final magnitude mask", BLACK, "s"),
        "imp": Look("with IMP's mask", BLUE, "o", "--"),
        "imp_other_init": Look("with another init's IMP mask", GREY, "x", ":"),
    }
    rows = mine[mine["test"].eq(MASKS) & mine["contrast"].eq("beyond_initial")]
    for reference, look in looks.items():
        chosen = rows[rows["quantity"] == reference]
        if len(chosen):
            line(axes, chosen, "step", look, look.label)
            yield from _half_way(times, clock.MASK, reference, look)


def _tickets(axes: Axes, mine: pd.DataFrame, times: pd.DataFrame, spec: dict) -> Iterator[Mark]:
    """Networks trained from the initial weights under the magnitude mask of step t, which is the axis."""
    metric, last = spec["judging"]["metric"], spec["last_step"]
    axes.set_ylabel(f"mask of step t:\n{SHORT_METRICS[metric]} − dense")
    rows = mine[mine["test"].eq(TICKETS) & mine["quantity"].eq(metric) & mine["step"].eq(last)]
    rows = rows[rows["level"].eq(spec["clock_level"]) & rows["rewind_step"].eq(spec["rewind_steps"][0])]
    of_step = rows["contrast"].str.extract(r"^mask_at_step_(\d+) - dense$")[0].astype(float)
    # These two are also masks of a step: the first and the last.
    of_step = of_step.fillna(rows["contrast"].map({"initial_magnitude - dense": 0.0, "one_shot - dense": float(last)}))
    masked = rows.assign(step=of_step).dropna(subset="step")
    if masked.empty:
        return
    look = Look("", ORANGE, "D")
    line(axes, masked, "step", look, f"mask taken at step t, {percent(masked['density'].iloc[0])} kept")
    for _, ticket in rows[rows["contrast"] == "ticket - dense"].iterrows():
        axes.axhline(ticket["estimate"], color=BLUE, linestyle="--", label="IMP's ticket")
        axes.axhspan(ticket["ci_low"], ticket["ci_high"], color=BLUE, alpha=0.15, linewidth=0)
    axes.axhline(0, color=BLACK, linewidth=0.8)
    yield from _half_way(times, clock.TICKET, metric, look)


def _shared(axes: Axes, mine: pd.DataFrame, times: pd.DataFrame, spec: dict) -> Iterator[Mark]:
    """Roles and updates of the weights shared by networks whose data orders split at t, with their controls."""
    axes.set_ylabel("in common,\nsplit at step t")
    roles = of_roles(mine, DETERMINACY)
    masks = mine[mine["test"].eq(MASKS) & mine["contrast"].eq("update_correlation")]
    for rows, look, quantity, of in (
        (roles[roles["contrast"] == "same_init"], Look("roles (determinacy)", GREEN, "v"), clock.ROLES, "all"),
        (roles[roles["contrast"] == "other_init"], Look("roles, other init", GREEN, "1", ":"), "", ""),
        (
            masks[masks["quantity"] == "dense_final"],
            Look("weights (correlation of updates)", BLACK, "s", "--"),
            clock.SPLIT_MASK,
            "dense_final",
        ),
        (masks[masks["quantity"] == "dense_final_other_init"], Look("weights, other init", GREY, "x", ":"), "", ""),
    ):
        measured = rows.dropna(subset="estimate")
        if len(measured):
            _split_line(axes, measured, look, spec["last_step"] if quantity else None, 1.0)
            yield from _half_way(times, quantity, of, look)


def _barrier(axes: Axes, mine: pd.DataFrame, times: pd.DataFrame, spec: dict) -> Iterator[Mark]:
    """The barrier between networks whose data orders split at t; that of other initialisations is the ceiling."""
    metric = spec["judging"]["metric"]
    axes.set_ylabel(f"barrier, split at t:\n{SHORT_METRICS[metric]}")
    rows = mine[mine["test"].eq(comparisons.BARRIERS) & mine["quantity"].eq(metric)]
    for _, other in rows[rows["contrast"] == "other_init"].iterrows():
        axes.axhline(other["estimate"], color=GREY, linestyle=":", label="other initialisation")
        axes.axhspan(other["ci_low"], other["ci_high"], color=GREY, alpha=0.15, linewidth=0)
    same, look = rows[rows["contrast"] == "same_init"], Look("same initialisation", RED, "^")
    if len(same):
        _split_line(axes, same, look, spec["last_step"], 0.0)
        for _, replicate in rows[rows["contrast"] == "replicate"].iterrows():
            axes.plot(0, replicate["estimate"], "P", color=BLACK, linestyle="none", label="exact replicate")
        axes.set_ylim(bottom=min(0.0, axes.get_ylim()[0]))
        yield from _half_way(times, clock.BARRIER, metric, look)


def _split_line(axes: Axes, rows: pd.DataFrame, look: Look, last_step: int | None, known: float) -> None:
    """Estimates by split step; a hollow marker for a split at the end, whose value is known without measurement."""
    course = line(axes, rows, "step", look, look.label, band=False)
    bars(axes, course, "step", look)
    if last_step is not None:
        step, value = course.iloc[-1][["step", "estimate"]]
        axes.plot([step, last_step], [value, known], color=look.colour, linewidth=0.8, linestyle=look.dash)
        axes.plot(last_step, known, look.marker, color=look.colour, markerfacecolor="white")


STRIPS = (_llc, _structure, _masks, _tickets, _shared, _barrier)


# The names and looks of the quantities in the overview.
MARKS = {
    clock.LLC: ("λ̂, {}", VARIANTS["dense"]),
    clock.ACQUIRED: ("{} acquired", Look("", GREEN, "^")),
    clock.FORGOTTEN: ("{} forgotten", Look("", GREEN, "v")),
    clock.MASK: ("mask, {}", Look("", BLUE, "o")),
    clock.TICKET: ("ticket, {}", Look("", ORANGE, "D")),
    clock.ROLES: ("roles", Look("", RED, "v")),
    clock.SPLIT_MASK: ("updates", Look("", BLACK, "s")),
    clock.BARRIER: ("barrier, {}", Look("", RED, "^")),
}
PITCH = 0.15  # inches of height for a half-way step


def overview(times: pd.DataFrame, settings: dict[str, dict]) -> Figure:
    """All half-way steps, in their order: a panel for each study, a line for each step with its interval."""
    placed = {study: times[times["study"].eq(study) & times["rank"].gt(0)].sort_values("rank") for study in settings}
    heights = [PITCH * max(len(rows), 3) + 0.5 for rows in placed.values()]
    drawn = Figure(figsize=(8.0, sum(heights) + 0.5), layout="constrained")
    drawn.suptitle("When each quantity is half-way", fontsize=12, fontweight="bold", x=0.01, ha="left")
    for (study, rows), axes in zip(
        placed.items(), drawn.subplots(len(settings), 1, squeeze=False, height_ratios=heights)[:, 0], strict=True
    ):
        axes.set_title(study)
        names = []
        for height, (_, row) in enumerate(rows.iterrows()):
            words, look = MARKS[row["quantity"]]
            names.append(words.format(spaced(row["of"]).removeprefix("dense, ")))
            axes.hlines(height, row["ci_low"], row["ci_high"], color=look.colour, linewidth=3, alpha=0.5)
            axes.plot(row["step"], height, look.marker, color=look.colour)
        step_axis(axes, "training step", settings[study]["last_step"])
        axes.set_yticks(range(len(names)), names)
        axes.set_ylim(max(len(names), 1) - 0.4, -0.6)
        if not names:
            not_measured(axes, "no half-way step")
        if study != list(settings)[-1]:
            axes.set_xlabel("")
    return drawn


def of_tables(tables: dict[str, pd.DataFrame], spec: dict[str, Any]) -> Figure:
    return draw(overview, tables["clock"], spec["studies"])


def of_study(tables: dict[str, pd.DataFrame], spec: dict[str, Any], study: str) -> Figure:
    """The curves behind one study's half-way steps."""
    settings = {study: spec["studies"][study]}
    courses, times = (table[table["study"] == study] for table in (tables["comparisons"], tables["clock"]))
    barriers = tables["barriers"][tables["barriers"]["study"] == study]
    barred = pd.DataFrame(comparisons.barriers(barriers, settings[study]["judging"]["alpha"])).assign(study=study)
    return draw(figure, pd.concat([courses, barred], ignore_index=True), times, settings)
