"""The figure of the structure distances' calibration: measured against known values, and the rates of "transient"."""

from typing import Any

import pandas as pd
from matplotlib.figure import Figure

from workflow_scripts.ticketlab.report.figures.style import BLACK, BLUE, GREEN, GREY, ORANGE, PURPLE, RED, style
from workflow_scripts.ticketlab.tables.schemas.calibration import CALIBRATION

READS = {"calibration": CALIBRATION}


def figure(frame: pd.DataFrame) -> Figure:
    """frame: rows of table `calibration` of instrument "structure"; red rings are required checks that failed."""
    with style():
        drawn = Figure(figsize=(10, 3.4))
        known, fractions, rates = drawn.subplots(1, 3)
        drawn.subplots_adjust(left=0.07, right=0.98, bottom=0.16, top=0.88, wspace=0.3)
        for axes, quantities, title, unit in (
            (known, ["distance", "reference floor"], "Distances of known predictors", "nats"),
            (fractions, ["acquired", "forgotten"], "Acquired A and forgotten F", "fraction"),
        ):
            rows = frame[frame["quantity"].isin(quantities)]
            axes.axline((0, 0), slope=1, color=GREY, linewidth=0.8)
            families = rows.groupby("family", sort=False)
            for (family, group), colour, marker in zip(
                families, (BLACK, ORANGE, GREEN, PURPLE), ("o", "s", "^", "D"), strict=False
            ):
                axes.plot(group["truth"], group["estimate"], marker, color=colour, label=family, fillstyle="none")
            failed = rows[rows["required"] & ~rows["passed"]]
            axes.plot(failed["truth"], failed["estimate"], "o", color=RED, markersize=11, fillstyle="none")
            axes.set(title=title, xlabel=f"known ({unit})", ylabel=f"measured ({unit})")
            axes.legend(loc="upper left")
        verdicts = frame[frame["family"] == "verdict"]
        for limit, group in verdicts.groupby("truth"):
            rates.axhline(limit, color=GREY, linewidth=0.8, linestyle="--")
            colours = [RED if bad else BLUE for bad in group["required"] & ~group["passed"]]
            for (_, row), colour in zip(group.iterrows(), colours, strict=True):
                spread = [[row["estimate"] - row["ci_low"]], [row["ci_high"] - row["estimate"]]]
                rates.errorbar(row["x"], row["estimate"], spread, marker="o", color=colour, capsize=2)
        rates.set(
            title='Reading "lost"',
            xlabel="true share retained, R",
            ylabel="share of simulated studies",
            ylim=(-0.03, 1.03),
        )
    return drawn


def of_tables(tables: dict[str, pd.DataFrame], spec: dict[str, Any]) -> Figure:
    del spec
    checks = tables["calibration"]
    return figure(checks[checks["instrument"] == "structure"].reset_index(drop=True))
