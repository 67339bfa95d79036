"""Checks drawn one below the other."""

from collections.abc import Sequence

import pandas as pd
from matplotlib.axes import Axes

from workflow_scripts.ticketlab.report.figures.style import BLACK, BLUE, GREY, RED


def lines(axes: Axes, rows: pd.DataFrame, labels: Sequence[str]) -> None:
    """Each check on its own line: truth or bound, estimate and interval; red where a required one failed."""
    for line, (_, row) in enumerate(rows.iterrows()):
        colour = RED if row["required"] and not row["passed"] else BLUE if row["required"] else GREY
        axes.plot([row["ci_low"], row["ci_high"]], [line, line], color=colour)
        axes.plot(row["truth"], line, "|", color=BLACK, markersize=9)
        axes.plot(row["estimate"], line, "o", color=colour, markersize=3.5)
    axes.set_yticks(range(len(rows)), labels, fontsize=7)
    axes.set_ylim(len(rows) - 0.5, -0.5)
