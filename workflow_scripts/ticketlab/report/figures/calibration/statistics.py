"""The figure of the calibration of intervals and tests: simulated shares with their nominal values, and effects."""

from typing import Any

import pandas as pd
from matplotlib.figure import Figure

from workflow_scripts.ticketlab.report.figures.calibration.lines import lines
from workflow_scripts.ticketlab.report.figures.style import style
from workflow_scripts.ticketlab.tables.schemas.calibration import CALIBRATION
from workflow_scripts.ticketlab.verdicts.rows import REFUTES, SUPPORTS

READS = {"calibration": CALIBRATION}

ERRORS = (
    "size",
    "family error",
    "false winning",
    "false matching",
    "false refutation",
    f"false: {REFUTES}",
    f"false: {SUPPORTS}",
    "false loss",
    "false detour",
    "false reading",
)
PANELS = {
    "coverage of 95% intervals": ["coverage"],
    "errors of tests and verdicts": [*ERRORS],
    "power": ["power"],
    "detectable effect (SD between seeds; T2: determinacy)": ["detectable_effect"],
}


def figure(frame: pd.DataFrame) -> Figure:
    """frame: rows of table `calibration` of instrument "statistics", one line for each, over panels by quantity."""
    with style():
        drawn = Figure(figsize=(13, 14), layout="constrained")
        for axes, (title, quantities) in zip(drawn.subplots(2, 2).flat, PANELS.items(), strict=True):
            rows = frame[frame["quantity"].isin(quantities)]
            at = rows["x"].map(lambda x: "" if pd.isna(x) else f" at {x:.3g}")
            lines(axes, rows, (rows["family"] + ", " + rows["case"] + at).tolist())
            axes.set_title(title)
        drawn.supxlabel("bar: nominal value; dot and line: simulated share with its binomial interval", fontsize=9)
    return drawn


def of_tables(tables: dict[str, pd.DataFrame], spec: dict[str, Any]) -> Figure:
    del spec
    checks = tables["calibration"]
    return figure(checks[checks["instrument"] == "statistics"].reset_index(drop=True))
