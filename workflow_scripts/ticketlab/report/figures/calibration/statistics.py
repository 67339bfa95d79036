"""The figure of the calibration of intervals and tests: simulated shares with their nominal values, and effects."""

from typing import Any

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from workflow_scripts.ticketlab.report.figures.style import BLACK, BLUE, GREY, RED, style
from workflow_scripts.ticketlab.tables.schemas.calibration import CALIBRATION

READS = {"calibration": CALIBRATION}

PANELS = {
    "coverage of 95% intervals": ["coverage"],
    "errors of tests and verdicts": ["size", "family error", "false winning"],
    "power": ["power"],
    "detectable effect (SD between seeds; T2: determinacy)": ["detectable_effect"],
}


def figure(frame: pd.DataFrame) -> Figure:
    """frame: rows of table `calibration` of instrument "statistics", one line for each, over panels by quantity."""
    with style():
        drawn = Figure(figsize=(13, 6.4), layout="constrained")
        for axes, (title, quantities) in zip(drawn.subplots(2, 2).flat, PANELS.items(), strict=True):
            _lines(axes, frame[frame["quantity"].isin(quantities)])
            axes.set_title(title)
        drawn.supxlabel("bar: nominal value; dot and line: simulated share with its binomial interval", fontsize=9)
    return drawn


def _lines(axes: Axes, rows: pd.DataFrame) -> None:
    for line, (_, row) in enumerate(rows.iterrows()):
        colour = RED if row["required"] and not row["passed"] else BLUE if row["required"] else GREY
        axes.plot([row["ci_low"], row["ci_high"]], [line, line], color=colour)
        axes.plot(row["truth"], line, "|", color=BLACK, markersize=10)
        axes.plot(row["estimate"], line, "o", color=colour)
    at = rows["x"].map(lambda x: "" if pd.isna(x) else f" at {x:.3g}")
    axes.set_yticks(range(len(rows)), (rows["family"] + ", " + rows["case"] + at).tolist(), fontsize=7)
    axes.set_ylim(len(rows) - 0.5, -0.5)


def of_tables(tables: dict[str, pd.DataFrame], spec: dict[str, Any]) -> Figure:
    del spec
    checks = tables["calibration"]
    return figure(checks[checks["instrument"] == "statistics"].reset_index(drop=True))
