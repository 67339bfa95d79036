"""The figure of the role scores' calibration: heads set by hand, agreements that are known, and coverage."""

from typing import Any

import pandas as pd
from matplotlib.figure import Figure

from workflow_scripts.ticketlab.report.figures.calibration.lines import lines
from workflow_scripts.ticketlab.report.figures.style import style
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
            rows = frame[frame["family"] == family]
            lines(axes, rows, (rows["case"] + ": " + rows["quantity"]).tolist())
            axes.set_title(title)
    return drawn


def of_tables(tables: dict[str, pd.DataFrame], spec: dict[str, Any]) -> Figure:
    del spec
    checks = tables["calibration"]
    return figure(checks[checks["instrument"] == "roles"].reset_index(drop=True))
