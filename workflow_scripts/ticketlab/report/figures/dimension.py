"""The figure of effective dimension: sizes against 2λ on logarithmic axes, and the effect of rotating the heads."""

from collections.abc import Sequence
from typing import Any

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, FuncFormatter, NullLocator

from workflow_scripts.ticketlab.experiments.dimension.summary import CHANGE, LEVEL, SIZE, SLOPE, TICKET
from workflow_scripts.ticketlab.report.figures.style import (
    BLACK,
    BLUE,
    GREEN,
    GREY,
    METRICS,
    ORANGE,
    RED,
    SKY,
    Look,
    legend,
    style,
)
from workflow_scripts.ticketlab.report.words import in_hundredths
from workflow_scripts.ticketlab.tables.schemas.dimension import (
    COMPLEXITY,
    DIMENSION,
    EXACT,
    FROZEN,
    LINEAR,
    MATCHED,
    NONE,
    PRINCIPAL,
    PRUNED,
    RANDOM,
    RANDOM_ROTATION,
    ROUGHLY,
    TRAINED,
    TURNED,
    WEIGHTS,
    ZEROED,
)

READS = {"dimension": DIMENSION}

SIZES = {
    RANDOM: Look("D*, random subspace", BLUE, "o"),
    FROZEN: Look("D*, random weights, others frozen at θ₀", GREEN, "s"),
    RANDOM + ROUGHLY: Look("D*, random subspace, at 1/100 of the loss", SKY, "v"),
    ZEROED: Look("ticket, others zero", ORANGE, "D"),
    ZEROED + TURNED: Look("ticket, others zero, target turned", RED, "^"),
    WEIGHTS: Look("all weights", GREY, "_"),
}
ROTATIONS = {
    NONE: Look("as trained", BLACK, "s"),
    RANDOM_ROTATION: Look("rotated at random", RED, "^", "--"),
    PRINCIPAL: Look("rotated to principal axes", BLUE, "o", "-."),
}


def figure(frame: pd.DataFrame, judging: dict[str, dict], change_tolerance: float) -> Figure:
    """frame: table `dimension`; judging: metric and margin by study. `style.save` writes the figure."""
    studies = frame["study"].unique().tolist()
    sized = [study for study in studies if frame.loc[frame["study"].eq(study), "contrast"].eq(SIZE).any()]
    rotated = [study for study in studies if frame.loc[frame["study"].eq(study), "contrast"].eq(LEVEL).any()]
    rows = -(-len(sized) // 2) + len(rotated)
    with style():
        drawn = Figure(figsize=(13.5, 4.3 * rows + 0.5), layout="constrained")
        title = "Effective dimension, ticket size and the learning coefficient (bars: intervals over seeds)"
        drawn.suptitle(title, fontsize=12, fontweight="bold", x=0.01, ha="left")
        panels = iter(drawn.subplots(rows, 2, squeeze=False).ravel())
        for study, axes in zip(sized, panels, strict=False):
            _sizes(axes, frame[frame["study"] == study], study)
        if len(sized) % 2:
            next(panels).set_axis_off()
        for study in rotated:
            mine = frame[frame["study"] == study]
            _pruned(next(panels), mine, study, judging[study])
            _changes(next(panels), mine, change_tolerance)
    return drawn


def _sizes(axes: Axes, rows: pd.DataFrame, study: str) -> None:
    exact = study == LINEAR
    cells = rows[rows["contrast"] == SIZE].set_index("cell")
    x = cells[cells["quantity"].eq(EXACT if exact else MATCHED) & cells["estimate"].gt(0)]
    axes.set_title("deep linear networks, loss 0" if exact else f"{study}: as good as dense within δ, by model size")
    axes.set_xlabel("2λ, exact" if exact else "2λ̂ of the dense network, at matched loss")
    axes.set_ylabel("number of free weights or dimensions")
    if x.empty:
        axes.text(0.5, 0.5, "no 2λ̂ above 0 at the matched loss", ha="center", transform=axes.transAxes)
        return
    slopes = rows[rows["contrast"] == SLOPE].set_index("quantity")
    for quantity, look in SIZES.items():
        mine = cells[cells["quantity"].eq(quantity) & cells["estimate"].gt(0)]
        mine = mine[mine.index.isin(x.index)]
        if mine.empty:
            continue
        at = x.loc[mine.index]
        label = look.label
        if quantity in slopes.index:
            label += f"\n  slope {in_hundredths(slopes.loc[quantity])}"
        axes.plot(
            at["estimate"], mine["estimate"], color=look.colour, marker=look.marker, linestyle="none", label=label
        )
        axes.vlines(at["estimate"], mine["ci_low"], mine["ci_high"], color=look.colour, linewidth=1.2)
        axes.hlines(mine["estimate"], at["ci_low"], at["ci_high"], color=look.colour, linewidth=0.6)
    ends = [x["estimate"].min() / 1.15, x["estimate"].max() * 1.15]
    axes.plot(ends, ends, color=BLACK, linewidth=1.0, linestyle="--", label="size = 2λ (slope 1)", zorder=0)
    axes.set_xscale("log")
    axes.set_yscale("log")
    axes.xaxis.set_major_locator(FixedLocator(_ticks(ends, 1.25)))
    axes.xaxis.set_minor_locator(NullLocator())
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:.3g}"))
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    legend(axes)


def _ticks(ends: Sequence[float], apart: float) -> list[float]:
    """Round numbers within `ends`, each at least `apart` times the previous one."""
    round_ = [digit * 10.0**power for power in range(-2, 7) for digit in (1, 1.5, 2, 3, 4, 5, 6, 8)]
    chosen: list[float] = []
    for value in round_:
        if ends[0] <= value <= ends[1] and (not chosen or value >= apart * chosen[-1]):
            chosen.append(value)
    return chosen


def _pruned(axes: Axes, rows: pd.DataFrame, study: str, judging: dict) -> None:
    levels = rows[rows["contrast"] == LEVEL]
    for rotation, look in ROTATIONS.items():
        mine = levels[levels["cell"] == rotation]
        for quantity, filled in ((PRUNED, True), (TRAINED, False)):
            points = mine[mine["quantity"].str.startswith(quantity + " to ")]
            density = points["quantity"].str.rsplit(" ", n=1).str[-1].astype(float)
            order = density.sort_values().index
            points, density = points.loc[order], density.loc[order]
            if points.empty:
                continue
            axes.plot(
                density,
                points["estimate"],
                color=look.colour,
                marker=look.marker if filled else "*",
                markersize=4.5 if filled else 9,
                linestyle=look.dash if filled else "none",
                label=look.label + ("" if filled else ":\n  one-shot ticket, trained from θ₀"),
            )
            axes.vlines(density, points["ci_low"], points["ci_high"], color=look.colour, linewidth=1.2)
    whole = levels[levels["cell"].eq(NONE) & levels["quantity"].eq(f"{PRUNED} to 1")]["estimate"].iloc[0]
    axes.axhspan(
        whole, whole + judging["margin"], color=BLACK, alpha=0.12, linewidth=0, label="dense, and up to δ worse"
    )
    axes.set_title(f"{study}: pruned by magnitude, queries and keys rotated inside heads")
    axes.set_xlabel("share of weights kept")
    axes.set_ylabel(METRICS[judging["metric"]])
    legend(axes)


def _changes(axes: Axes, rows: pd.DataFrame, tolerance: float) -> None:
    changes = rows[rows["contrast"].eq(CHANGE) & rows["quantity"].isin([COMPLEXITY, TICKET])]
    words = {COMPLEXITY: "λ̂", TICKET: "smallest density\npruned to within δ"}
    axes.axvspan(-tolerance, tolerance, color=BLACK, alpha=0.12, linewidth=0, label=f"unchanged: ±{tolerance:g}")
    axes.axvline(0, color=BLACK, linewidth=0.8)
    for place, quantity in enumerate(words):
        for shift, (rotation, look) in enumerate(list(ROTATIONS.items())[1:]):
            mine = changes[changes["quantity"].eq(quantity) & changes["cell"].eq(rotation)]
            y = [-place - 0.2 * shift] * len(mine)
            label = look.label if place == 0 else None
            axes.plot(mine["estimate"], y, color=look.colour, marker=look.marker, linestyle="none", label=label)
            axes.hlines(y, mine["ci_low"], mine["ci_high"], color=look.colour, linewidth=1.4)
    axes.set_yticks([-place - 0.1 for place in range(len(words))], list(words.values()))
    axes.set_ylim(-len(words) + 0.4, 0.5)
    axes.set_title("changes under the rotation")
    axes.set_xlabel("relative change, paired by seed")
    legend(axes)


def of_tables(tables: dict[str, pd.DataFrame], spec: dict[str, Any]) -> Figure:
    return figure(tables["dimension"], spec["judging"], spec["change_tolerance"])
