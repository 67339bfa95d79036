"""The figure of effective dimension: sizes in deep linear networks against 2λ, on logarithmic axes."""

from typing import Any

import pandas as pd
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, NullLocator, StrMethodFormatter

from workflow_scripts.ticketlab.experiments.dimension.summary import SIZE, SLOPE
from workflow_scripts.ticketlab.report.figures.style import (
    BLACK,
    BLUE,
    GREEN,
    GREY,
    ORANGE,
    RED,
    SKY,
    Look,
    legend,
    style,
)
from workflow_scripts.ticketlab.report.words import in_hundredths
from workflow_scripts.ticketlab.tables.schemas.dimension import (
    DIMENSION,
    EXACT,
    FROZEN,
    RANDOM,
    ROUGHLY,
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
TICKS = [digit * 10**power for power in range(4) for digit in (1, 1.5, 2, 3, 4, 6, 8)]


def figure(frame: pd.DataFrame) -> Figure:
    """frame: table `dimension`. `style.save` writes the figure."""
    cells = frame[frame["contrast"] == SIZE].set_index("cell")
    slopes = frame[frame["contrast"] == SLOPE].set_index("quantity")
    exact = cells.loc[cells["quantity"] == EXACT, "estimate"]
    with style():
        drawn = Figure(figsize=(9.5, 5.2), layout="constrained")
        axes = drawn.subplots()
        axes.set_title("Effective dimension and ticket size of deep linear networks (bars: intervals over seeds)")
        for quantity, look in SIZES.items():
            mine = cells[cells["quantity"].eq(quantity) & cells["estimate"].gt(0)]
            x = exact[mine.index]
            slope = f"\n  slope {in_hundredths(slopes.loc[quantity])}" if quantity in slopes.index else ""
            points: dict[str, Any] = {
                "color": look.colour,
                "marker": look.marker,
                "linestyle": "none",
                "label": look.label + slope,
            }
            axes.plot(x, mine["estimate"], **points)
            axes.vlines(x, mine["ci_low"], mine["ci_high"], color=look.colour, linewidth=1.2)
        ends = [exact.min() / 1.15, exact.max() * 1.15]
        axes.plot(ends, ends, color=BLACK, linewidth=1.0, linestyle="--", label="size = 2λ (slope 1)", zorder=0)
        axes.set(xscale="log", yscale="log", xlabel="2λ, exact", ylabel="number of free weights or dimensions")
        axes.xaxis.set_major_locator(FixedLocator([tick for tick in TICKS if ends[0] <= tick <= ends[1]]))
        axes.xaxis.set_minor_locator(NullLocator())
        for axis in (axes.xaxis, axes.yaxis):
            axis.set_major_formatter(StrMethodFormatter("{x:g}"))
        legend(axes)
    return drawn


def of_tables(tables: dict[str, pd.DataFrame], spec: dict[str, Any]) -> Figure:
    return figure(tables["dimension"])
