"""The figure of P8: how well each step predicts the final roles, and which components supermasks choose."""

from typing import Any

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from workflow_scripts.ticketlab.report.figures.style import (
    BLACK,
    BLUE,
    GREEN,
    GREY,
    PLAIN,
    Look,
    bars,
    figure_of_rows,
    line,
    step_axis,
    style,
)
from workflow_scripts.ticketlab.tables.schemas.forecast import FORECAST

READS = {"forecast": FORECAST}

PREDICTED = {
    "roles": Look("roles, by components at step k", BLUE, "o"),
    "permuted": Look("the same, roles permuted (control)", GREY, "x", ":"),
}

CHOSEN = {"all": Look("", GREEN, "o"), "all, other init": Look("", GREY, "x")}


def roles(frame: pd.DataFrame, forecast: dict[str, dict]) -> Figure:
    """P8. frame: table `forecast`; forecast: by study, its section of the config. `style.save` writes it."""
    with style():
        drawn = figure_of_rows("P8: prediction of the final roles", len(forecast), right=0.98, wspace=0.55)
        panels = drawn.subplots(len(forecast), 2, width_ratios=[1.7, 1], squeeze=False)
        for (study, section), (left, right) in zip(forecast.items(), panels, strict=True):
            mine = frame[frame["study"].eq(study) & frame["score"].eq("all")]
            left.set_title(f"{study}: roles at the end")
            left.set_ylabel("AUC, networks left out")
            _curves(left, mine[mine["quantity"] == "AUC"], section)
            right.set_title("components that supermasks over θ₀ keep")
            right.set_xlabel("rank correlation with the ablation effect")
            _chosen(right, mine[mine["quantity"] == "supermask"], section)
        panels[0, 0].legend(loc="upper left", bbox_to_anchor=(0.0, 1.0))
    return drawn


def _curves(axes: Axes, rows: pd.DataFrame, section: dict) -> None:
    axes.axhspan(section["chance"], section["predicted"], color=BLACK, alpha=0.08, linewidth=0)
    for contrast, look in PREDICTED.items():
        bars(axes, line(axes, rows[rows["contrast"] == contrast], "step", look, look.label, band=False), "step", look)
    step_axis(axes, "training step k", int(rows["step"].max()))
    axes.set_ylim(0.3, 1.03)
    end = axes.get_yaxis_transform()
    axes.text(0.99, section["chance"] + 0.015, "not predicted", transform=end, ha="right", fontsize=8, color=GREY)


def _chosen(axes: Axes, rows: pd.DataFrame, section: dict) -> None:
    axes.axvspan(-section["overlap"], section["overlap"], color=BLACK, alpha=0.08, linewidth=0)
    axes.axvline(0, color=BLACK, linewidth=0.8)
    single = sorted(set(rows["contrast"]) - set(CHOSEN))
    names = [*single, *(name for name in CHOSEN if name in set(rows["contrast"]))]
    for place, name in enumerate(reversed(names)):
        row, look = rows[rows["contrast"] == name].iloc[0], CHOSEN.get(name, Look("", BLACK, "v"))
        axes.plot(row["estimate"], place, color=look.colour, marker=look.marker)
        axes.hlines(place, row["ci_low"], row["ci_high"], color=look.colour, linewidth=1.4)
    words = {"all": "mean of these", "all, other init": "other networks' ends (control)"}
    labels = [words.get(name, name.removeprefix("supermask_").replace("_", " ")) for name in names]
    axes.set_yticks(range(len(names)), reversed(labels))
    axes.set_ylim(-0.6, len(names) - 0.4)
    axes.text(0, len(names) - 0.5, "no choice", ha="center", va="top", fontsize=8, color=GREY, bbox=PLAIN)
    axes.set_xlim(min(-0.6, axes.get_xlim()[0]), max(0.6, axes.get_xlim()[1]))
    axes.grid(visible=False, axis="y")


def of_tables(tables: dict[str, pd.DataFrame], spec: dict[str, Any]) -> Figure:
    return roles(tables["forecast"], spec["forecast"])
