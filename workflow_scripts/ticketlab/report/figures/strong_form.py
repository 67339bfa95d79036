"""The figure of the strong form: masked, untrained networks against the dense one, by their width."""

from typing import Any

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, FuncFormatter, NullLocator

from workflow_scripts.ticketlab.report.figures.style import (
    BLACK,
    METRICS,
    bars,
    draw,
    legend,
    not_measured,
    of_test,
    series,
    study_rows,
)
from workflow_scripts.ticketlab.report.words import spaced
from workflow_scripts.ticketlab.settings.supermask import init_and_width
from workflow_scripts.ticketlab.tables.schemas.comparisons import COMPARISONS
from workflow_scripts.ticketlab.tables.schemas.verdicts import VERDICTS
from workflow_scripts.ticketlab.verdicts.comparisons import SUPERMASKS
from workflow_scripts.ticketlab.verdicts.kinds import SUPERMASK
from workflow_scripts.ticketlab.verdicts.rows import percent
from workflow_scripts.ticketlab.verdicts.tickets import MATCHING

READS = {"comparisons": COMPARISONS, "verdicts": VERDICTS}


def figure(comparisons: pd.DataFrame, verdicts: pd.DataFrame, settings: dict[str, dict]) -> Figure:
    """The strong form: masked networks at the end of the search against dense ones, by width; filled: matching."""
    drawn, rows = study_rows("T1, strong form: masked, untrained networks", settings, (7.5, 3.1))
    for (study, spec), row in zip(settings.items(), rows, strict=True):
        mine = of_test(comparisons, study, SUPERMASKS)
        judged = verdicts[verdicts["study"].eq(study) & verdicts["kind"].eq(SUPERMASK)]
        _difference_by_width(row.subplots(), mine, judged, spec["judging"])
    return drawn


def _difference_by_width(axes: Axes, mine: pd.DataFrame, judged: pd.DataFrame, judging: dict) -> None:
    margin = judging["margin"]
    axes.set_title("masked − dense (dense always at its own width); below the line at δ: matching")
    axes.set_ylabel(f"difference in {METRICS[judging['metric']]}")
    mine = mine[mine["contrast"].str.endswith(" - dense")]
    if mine.empty:
        return not_measured(axes)
    axes.axhline(0, color=BLACK, linewidth=0.8)
    axes.axhline(margin, color=BLACK, linewidth=1, linestyle="--")
    axes.annotate(f"δ = {margin:g}", (0, margin), (3, 2), ("axes fraction", "data"), "offset points")
    decisions = judged.set_index(["variant", "density"])["decision"]
    variant = mine["contrast"].str.removesuffix(" - dense")
    parts = variant.map(init_and_width)
    mine = mine.assign(variant=variant, init=parts.str[0], width=parts.str[1])
    curves = list(mine.groupby(["init", "level"]))
    for place, ((init, _), curve), look in zip(range(len(curves)), curves, series(), strict=False):
        # Curves side by side: at one width their intervals would hide one another.
        at = curve.assign(x=curve["width"] * 2 ** (0.06 * (place - (len(curves) - 1) / 2))).sort_values("x")
        label = f"{spaced(init)}, {percent(curve['density'].iloc[0])} kept"
        axes.plot(at["x"], at["estimate"], color=look.colour, linestyle=look.dash)
        axes.plot([], [], color=look.colour, linestyle=look.dash, marker=look.marker, label=label)
        bars(axes, at, "x", look)
        for _, row in at.iterrows():
            filled = decisions.loc[row["variant"], row["density"]] == MATCHING
            face = look.colour if filled else "white"
            axes.plot(row["x"], row["estimate"], look.marker, color=look.colour, markerfacecolor=face)
    widths = sorted(mine["width"].unique())
    axes.set_xscale("log", base=2)
    axes.set_xlim(widths[0] / 1.2, widths[-1] * 1.2)
    axes.xaxis.set_major_locator(FixedLocator(widths))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda width, _: f"×{width:g}"))
    axes.xaxis.set_minor_locator(NullLocator())
    axes.set_xlabel("width of the masked network (filled: the mask matches)")
    legend(axes)
    return None


def of_tables(tables: dict[str, pd.DataFrame], spec: dict[str, Any]) -> Figure:
    return draw(figure, tables["comparisons"], tables["verdicts"], spec["studies"])
