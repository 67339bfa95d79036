"""The figure of the role scores' calibration: heads set by hand, agreements that are known, and coverage."""

from typing import Any

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from workflow_scripts.ticketlab.report.figures.style import BLACK, BLUE, GREY, RED, style
from workflow_scripts.ticketlab.tables.schemas.calibration import CALIBRATION

READS = {"calibration": CALIBRATION}

PANELS = {"set by hand": "Heads set by hand", "trained": "Trained networks", "simulated": "Simulated role vectors"}


def figure(frame: pd.DataFrame) -> Figure:
    """frame: rows of table `calibration` of instrument "roles", one line for each check, over panels by family."""
    with style():
        drawn = Figure(figsize=(13, 5.2))
        panels = drawn.subplots(1, len(PANELS))
        drawn.subplots_adjust(left=0.18, right=0.99, bottom=0.1, top=0.92, wspace=1.35)
        drawn.supxlabel("value (line: known value or bound, dot: measured, bar: its interval)", fontsize=9)
        for axes, (family, title) in zip(panels, PANELS.items(), strict=True):
            _lines(axes, frame[frame["family"] == family])
            axes.set_title(title)
    return drawn


def _lines(axes: Axes, rows: pd.DataFrame) -> None:
    """Each check on its own line: truth or bound, estimate and interval; red where a required one failed."""
    for line, (_, row) in enumerate(rows.iterrows()):
        colour = RED if row["required"] and not row["passed"] else BLUE if row["required"] else GREY
        axes.plot([row["ci_low"], row["ci_high"]], [line, line], color=colour)
        axes.plot(row["truth"], line, "|", color=BLACK, markersize=9)
        axes.plot(row["estimate"], line, "o", color=colour, markersize=3.5)
    axes.set_yticks(range(len(rows)), (rows["case"] + ": " + rows["quantity"]).tolist(), fontsize=6.5)
    axes.set_ylim(len(rows) - 0.5, -0.5)


def of_tables(tables: dict[str, pd.DataFrame], spec: dict[str, Any]) -> Figure:
    del spec
    checks = tables["calibration"]
    return figure(checks[checks["instrument"] == "roles"].reset_index(drop=True))
