"""The figure of pruning's calibration: the share of a planted support that each mask holds, compared with chance."""

from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import NullLocator

from workflow_scripts.ticketlab.report.figures.style import BLACK, BLUE, GREY, RED, VARIANTS, Look, line, style
from workflow_scripts.ticketlab.tables.schemas.calibration import CALIBRATION
from workflow_scripts.ticketlab.verdicts.tickets import PROCEDURES

READS = {"calibration": CALIBRATION}

FAMILIES = {"linear": "linear teacher: recovery is provable", "relu": "ReLU teacher: aligned signs, nothing else known"}
MASKS = {
    "imp": Look("iterative magnitude pruning", BLUE, "o"),
    **{name: VARIANTS[name] for name in ("random", "shuffled", "initial_magnitude")},
    "other_initial_magnitude": Look("by magnitude of another initialisation", RED, "d", ":"),
}

STEP, ERROR = "early-stopping step less dense's", "test error at early stopping less dense's"


def figure(frame: pd.DataFrame) -> Figure:
    """frame: rows of table `calibration` of instrument "pruning"."""
    with style():
        signature = frame[frame["family"] == "classic"]
        counts = frame[frame["family"].isin(["digits", "ticket", PROCEDURES])]
        mosaic: list[Any] = [["linear recall", "linear precision"], ["relu recall", "relu precision"]]
        if len(signature):
            mosaic.append([STEP, ERROR])
        heights = [3.2 * len(mosaic) + 0.4, 0.19 * len(counts) + 0.8]
        drawn = Figure(figsize=(10.5, sum(heights)), layout="constrained")
        # Apart, so that the long labels below do not push the panels above aside.
        above, below = drawn.subfigures(2, 1, squeeze=False, height_ratios=heights).ravel()
        grid = above.subplot_mosaic(mosaic)
        for family, title in FAMILIES.items():
            for quantity in ("recall", "precision"):
                axes = grid[f"{family} {quantity}"]
                _recovery(axes, frame[frame["family"].eq(family) & frame["quantity"].eq(quantity)])
                axes.set_title(title if quantity == "recall" else "")
                axes.set_ylabel(f"{quantity} of the planted support")
        handles, labels = grid["relu recall"].get_legend_handles_labels()
        above.legend(handles, labels, loc="outside lower left", ncols=4)
        for quantity in (STEP, ERROR) if len(signature) else ():
            _signature(grid[quantity], signature[signature["quantity"] == quantity])
        _counts(below.subplots(), counts)
    return drawn


def _recovery(axes: Axes, rows: pd.DataFrame) -> None:
    """Each mask against density; grey: chance and, above it, the required margin."""
    rows = rows.sort_values("x", ascending=False)
    for case, look in MASKS.items():
        line(axes, rows[rows["case"] == case], "x", look, look.label)
    chance, found = rows[rows["case"] == "shuffled"], rows[rows["case"] == "imp"]
    axes.plot(chance["x"], chance["truth"], color=BLACK, linewidth=0.8, label="chance")
    asked = found["truth"] - found["tolerance"]
    axes.plot(found["x"], asked, color=GREY, linestyle=(0, (1, 1)), label="required margin (checked at the bar)")
    axes.axvline(found.loc[found["required"], "x"].iloc[0], color=GREY, linewidth=0.8)
    axes.set_xscale("log")
    axes.set_xticks(found["x"].to_list(), [f"{100 * x:.0f}" for x in found["x"]], minor=False)
    axes.set_xticks([], minor=True)
    axes.invert_xaxis()
    axes.set_xlabel("weights kept (%); bar: as many as planted")


def _signature(axes: Axes, rows: pd.DataFrame) -> None:
    """Tickets and re-initialised controls less dense, which is at 0, against density."""
    for case in ("ticket", "reinitialised"):
        line(axes, rows[rows["case"] == case].sort_values("x"), "x", VARIANTS[case], VARIANTS[case].label)
    axes.axhline(0, color=BLACK, linewidth=0.8)
    axes.set_xscale("log")
    kept = sorted(rows["x"].unique())
    axes.set_xticks(kept, [f"{100 * x:.0f}" for x in kept], minor=False)
    axes.set_xticks([], minor=True)
    axes.invert_xaxis()
    axes.set_xlabel("weights kept (%)")
    axes.set_ylabel(rows["quantity"].iloc[0].replace(" less", ",\nless"))
    axes.legend()
    if rows["quantity"].iloc[0] == STEP:
        axes.set_title("the classic signature: LeNet-300-100 on MNIST")


def _counts(axes: Axes, rows: pd.DataFrame) -> None:
    """One line for each count: the known value, its tolerance, and the measured value."""
    for place, (_, row) in enumerate(rows.iterrows()):
        colour = RED if row["required"] and not row["passed"] else BLUE if row["required"] else GREY
        axes.plot([row["truth"] - row["tolerance"], row["truth"] + row["tolerance"]], [place, place], color=GREY)
        axes.plot(row["truth"], place, "|", color=BLACK, markersize=9)
        axes.plot(row["estimate"], place, "o", color=colour)
    at = ["" if np.isnan(share) else f" at {100 * share:.0f}%" for share in rows["x"]]
    axes.set_yticks(range(len(rows)), (rows["case"] + at + ": " + rows["quantity"]).tolist(), fontsize=7)
    axes.set_ylim(len(rows) - 0.5, -0.5)
    axes.set_xscale("symlog", linthresh=3, linscale=2)  # from none or a few tickets to thousands of weights
    ticks = (0, 1, 2, 3, 10, 100, 1000)
    axes.set_xticks(ticks, [str(tick) for tick in ticks])
    axes.set_xlim(-0.4, 20000)
    axes.xaxis.set_minor_locator(NullLocator())
    axes.set_title("counts (line: allowed, dot: found)")


def of_tables(tables: dict[str, pd.DataFrame], spec: dict[str, Any]) -> Figure:
    del spec
    checks = tables["calibration"]
    return figure(checks[checks["instrument"] == "pruning"].reset_index(drop=True))
