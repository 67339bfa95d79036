"""The figure of P3: the share of roles and of the places of the largest final weights that each part of θ₀ keeps."""

from typing import Any

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from workflow_scripts.ticketlab.experiments.resampling.summary import MASKS, ROLES
from workflow_scripts.ticketlab.report.figures.style import (
    BLACK,
    BLUE,
    GREY,
    ORANGE,
    PURPLE,
    Look,
    figure_of_rows,
    style,
)
from workflow_scripts.ticketlab.tables.schemas.resampling import RESAMPLING

READS = {"resampling": RESAMPLING}

# By the part of θ₀ that is kept, in the order of drawing.
PARTS = {
    "ticket": Look("ticket", BLUE, "o"),
    "random": Look("as many\nat random", GREY, "X"),
    "largest": Look("as many,\nthe largest", PURPLE, "D"),
    "rest": Look("the rest", ORANGE, "s"),
}
TITLES = {ROLES: "roles", MASKS: "largest final weights"}


def parts(frame: pd.DataFrame, judging: dict[str, dict]) -> Figure:
    """P3. frame: table `resampling`; judging: by study, its section of the config. `style.save` writes it."""
    with style():
        drawn = figure_of_rows(
            "P3: share of θ₀'s decisions kept with a part of θ₀", len(judging), right=0.93, wspace=0.3
        )
        panels = drawn.subplots(len(judging), 2, squeeze=False, sharey=True)
        for (study, section), row in zip(judging.items(), panels, strict=True):
            for axes, quantity in zip(row, (ROLES, MASKS), strict=True):
                mine = frame[frame["study"].eq(study) & frame["quantity"].eq(f"{quantity}: share")]
                axes.set_title(f"{study}: {TITLES[quantity]}")
                _shares(axes, mine.set_index("contrast"), section)
            row[0].set_ylabel("share kept")
        drawable = frame[frame["study"].isin(judging) & frame["quantity"].isin([f"{q}: share" for q in TITLES])]
        shown = drawable[drawable["contrast"].isin(PARTS)]
        panels[0, 0].set_ylim(min(-0.15, shown["ci_low"].min() - 0.05), max(1.1, shown["ci_high"].max() + 0.05))
    return drawn


def _shares(axes: Axes, shares: pd.DataFrame, section: dict) -> None:
    axes.axhline(1, color=BLACK, linewidth=0.8)
    axes.axhline(0, color=BLACK, linewidth=0.8)
    for bound in (section["undetermined"], section["determined"]):
        axes.axhline(bound, color=GREY, linewidth=0.8, linestyle="--")
    shown = [part for part in PARTS if part in shares.index]
    for place, part in enumerate(shown):
        row, look = shares.loc[part], PARTS[part]
        if pd.isna(row["estimate"]):
            continue
        axes.plot(place, row["estimate"], color=look.colour, marker=look.marker, markersize=6)
        axes.vlines(place, row["ci_low"], row["ci_high"], color=look.colour, linewidth=1.6)
        axes.annotate(
            f"{row['estimate']:.2f}".replace("-", "−"), (place, row["estimate"]), (7, 3), textcoords="offset points"
        )
    if shares.loc["ticket", "reason"]:
        axes.text(0.5, 0.5, "nothing to keep:\nno determinacy", transform=axes.transAxes, ha="center", va="center")
    axes.set_xticks(range(len(shown)), [PARTS[part].label for part in shown])
    axes.set_xlim(-0.5, len(shown) - 0.3)
    axes.tick_params(labelleft=True)
    axes.grid(visible=False, axis="x")
    end = axes.get_yaxis_transform()
    axes.text(1.01, 1, "all of θ₀", transform=end, va="center", fontsize=8)
    axes.text(1.01, 0, "another θ₀", transform=end, va="center", fontsize=8)
    axes.text(1.01, section["determined"], "above: kept", transform=end, va="center", fontsize=8, color=GREY)
    axes.text(1.01, section["undetermined"], "below: lost", transform=end, va="center", fontsize=8, color=GREY)


def of_tables(tables: dict[str, pd.DataFrame], spec: dict[str, Any]) -> Figure:
    return parts(tables["resampling"], spec["judging"])
