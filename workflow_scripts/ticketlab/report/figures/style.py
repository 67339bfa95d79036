"""The parts that all figures share: one style, the look of each kind of network, axes and legends, and saving.

A figure draws the tables and decides nothing. Each has a module here with READS, a table for each named input of its
rule, and `of_tables(tables, spec)`, which draws them; registry.py names it, draw.py calls it. Each study is one row of
panels; a panel says so if the study did not measure its quantity.

The colours are those of Okabe & Ito (2008), which the colour-blind can distinguish; each line also has its own marker
and dash, so that a grey print is readable. Bands and bars are the intervals of the tables. The same tables give the
same bytes (`save`).
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from itertools import cycle
from pathlib import Path
from typing import Any

import matplotlib
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.figure import Figure, SubFigure
from matplotlib.ticker import FixedLocator, FuncFormatter, NullFormatter, NullLocator
from matplotlib.transforms import ScaledTranslation

STYLE: dict[Any, Any] = {
    "backend": "agg",
    "font.family": "DejaVu Sans",  # comes with matplotlib
    "font.size": 9,
    "axes.titlesize": 9,
    "axes.titlelocation": "left",
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "grid.color": "0.9",
    "grid.linewidth": 0.6,
    "legend.fontsize": 8,
    "legend.frameon": False,
    "lines.linewidth": 1.4,
    "lines.markersize": 4.5,
    "figure.facecolor": "white",
    "svg.fonttype": "path",  # the reader's machine need not have the font
    "svg.hashsalt": "ticketlab",
}
DPI = 200  # of a PNG
METRICS = {"loss": "test loss (nats)", "error": "test error"}
SHORT_METRICS = {"loss": "loss, nats", "error": "error"}

BLACK, ORANGE, SKY, GREEN, BLUE, RED, PURPLE = (
    "#000000",
    "#E69F00",
    "#56B4E9",
    "#009E73",
    "#0072B2",
    "#D55E00",
    "#CC79A7",
)
GREY, INDIGO = "#777777", "#332288"
MIXED_DASH, LONG_DASH, FINE_DASH = (0, (5, 1, 1, 1, 1, 1)), (0, (6, 2)), (0, (1, 1))
Dash = str | tuple


@dataclass(frozen=True)
class Look:
    """The label, colour, marker and dash of one kind of network or quantity in every figure."""

    label: str
    colour: str
    marker: str = "o"
    dash: Dash = "-"


VARIANTS = {
    "dense": Look("dense", BLACK, "s"),
    "ticket": Look("ticket", BLUE, "o"),
    "reinitialised": Look("re-initialised", RED, "^", "--"),
    "shuffled": Look("shuffled mask", GREEN, "v", "-."),
    "other_order": Look("mask of another data order", ORANGE, "h", LONG_DASH),
    "random": Look("random mask", GREY, "X", ":"),
    "initial_magnitude": Look("mask by initial magnitude", PURPLE, "D", MIXED_DASH),
    "signed_constant": Look("signed constant", SKY, "P", LONG_DASH),
    "one_shot": Look("one-shot", ORANGE, "*", FINE_DASH),
    "dense_total": Look("dense, IMP's total steps", BLACK, "d", ":"),
    "ticket_total": Look("ticket, IMP's total steps", BLUE, "p", ":"),
}
# What has no look of its own takes these in turn.
SERIES = [
    Look("", BLUE, "o"),
    Look("", RED, "^", "--"),
    Look("", GREEN, "v", "-."),
    Look("", PURPLE, "D", ":"),
    Look("", ORANGE, "s", MIXED_DASH),
    Look("", SKY, "P", LONG_DASH),
]
# Behind words that a curve may cross.
PLAIN: dict[str, Any] = {"facecolor": "white", "edgecolor": "none", "alpha": 0.8, "pad": 0.5}


def draw(figure: Callable[..., Figure], *tables: Any) -> Figure:
    """The figure that a module's `figure` draws from these tables and settings, in the one style."""
    with style():
        drawn = figure(*tables)
        settle(drawn)
        return drawn


def save(figure: Figure, paths: Iterable[str | Path]) -> None:
    """Write the figure to each path, PNG or SVG by its suffix, without date or version: same figure, same bytes."""
    with style():
        figure.set_dpi(DPI)
        # Figure.savefig draws everything twice, the first time without effect.
        for path in map(Path, paths):
            if path.suffix == ".svg":
                FigureCanvasSVG(figure).print_svg(path, metadata={"Date": None, "Creator": None})
            else:
                FigureCanvasAgg(figure).print_png(path, metadata={"Software": None})


def settle(figure: Figure) -> None:
    """Lay the figure out and round the positions: the solver's last bits differ from one time to the next."""
    engine = figure.get_layout_engine()
    if engine is not None:
        engine.execute(figure)
    figure.set_layout_engine("none")
    for row in figure.subfigs:
        row.bbox_relative.set_points(row.bbox_relative.get_points().round(6))
        for axes in row.axes:
            left, bottom, width, height = (round(value, 6) for value in axes.get_position().bounds)
            axes.set_position((left, bottom, width, height))


def style() -> AbstractContextManager:
    """The one style, independent of the user's own matplotlib settings."""
    return matplotlib.rc_context({**matplotlib.rcParamsDefault, **STYLE})


def study_rows(title: str, settings: dict[str, dict], size: tuple[float, float]) -> tuple[Figure, list[SubFigure]]:
    """A figure with one row for each study; size: (width, height) of a row in inches."""
    width, height = size
    figure = Figure(figsize=(width, height * len(settings) + 0.4), layout="constrained")
    figure.suptitle(title, fontsize=12, fontweight="bold", x=0.01, ha="left")
    rows = list(figure.subfigures(len(settings), 1, squeeze=False)[:, 0])
    for study, row in zip(settings, rows, strict=True):
        row.suptitle(f"study: {study}", fontsize=10, fontweight="bold", x=0.01, ha="left")
    return figure, rows


def of_test(comparisons: pd.DataFrame, study: str, test: str) -> pd.DataFrame:
    return comparisons[comparisons["study"].eq(study) & comparisons["test"].eq(test)]


def line(
    axes: Axes, rows: pd.DataFrame, x: str, look: Look, label: str, *, band: bool = True, hollow: bool = False
) -> pd.DataFrame:
    """Estimates along `x` with their intervals, as a band or, for one point, a bar; returns the rows in that order."""
    rows = rows.sort_values(x)
    axes.plot(
        rows[x],
        rows["estimate"],
        color=look.colour,
        marker=look.marker,
        linestyle=look.dash,
        label=label,
        markerfacecolor="white" if hollow else look.colour,
    )
    if band and len(rows) == 1:  # a band would have no width
        bars(axes, rows, x, look)
    elif band:
        axes.fill_between(rows[x], rows["ci_low"], rows["ci_high"], color=look.colour, alpha=0.15, linewidth=0)
    return rows


def bars(axes: Axes, rows: pd.DataFrame, x: str, look: Look) -> None:
    """Intervals as bars: where points are few, a band would show more than was measured."""
    axes.vlines(rows[x], rows["ci_low"], rows["ci_high"], color=look.colour, linewidth=1.2)


def series() -> Iterator[Look]:
    return cycle(SERIES)


def step_axis(axes: Axes, label: str, last: int) -> None:
    """Training steps, logarithmic from 1 on, with step 0 on the axis."""
    axes.set_xscale("symlog", linthresh=1, linscale=0.4)
    axes.set_xlim(-0.3, last * 1.25)
    firsts = (1, 3) if last <= 1000 else (1,)  # more labels would touch each other
    ticks = [0, *(first * 10**power for power in range(len(str(last))) for first in firsts)]
    axes.xaxis.set_major_locator(FixedLocator(ticks))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda step, _: f"{step:g}"))
    axes.xaxis.set_minor_locator(NullLocator())
    axes.set_xlabel(f"{label} (log scale)")


def density_axis(axes: Axes, densities: pd.Series, *, sparsest_last: bool = True) -> None:
    """Share of weights kept, logarithmic; pruning proceeds from left to right."""
    axes.set_xscale("log")
    sparsest = densities.min()
    ticks = [
        tick for tick in (1, 0.7, 0.5, 0.3, 0.2, 0.1, 0.05, 0.02, 0.01, 0.005, 0.002, 0.001) if tick >= sparsest * 0.9
    ]
    axes.xaxis.set_major_locator(FixedLocator(ticks))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda share, _: f"{100 * share:g}"))
    axes.xaxis.set_minor_formatter(NullFormatter())
    axes.xaxis.set_minor_locator(NullLocator())
    ends = (1.05, sparsest * 0.92)
    axes.set_xlim(ends if sparsest_last else ends[::-1])
    axes.set_xlabel("prunable weights kept (%, log scale)")


def legend(axes: Axes, *entries: Sequence) -> None:
    """A legend outside the axes, to the right."""
    axes.legend(*entries, loc="upper left", bbox_to_anchor=(1.01, 1.0), borderaxespad=0.0)


def legend_below(axes: Axes, entries_of: Axes) -> None:
    """A legend below `axes` and its label: inside, it would hide intervals."""
    entries = entries_of.get_legend_handles_labels()
    figure = axes.get_figure(root=True)
    if figure is None or not entries[0]:
        return
    below_label = ScaledTranslation(0, -34 / 72, figure.dpi_scale_trans)
    axes.legend(
        *entries,
        loc="upper left",
        bbox_to_anchor=(0, 0),
        bbox_transform=axes.transAxes + below_label,
        borderaxespad=0,
    )


def not_measured(axes: Axes, words: str = "not measured") -> None:
    axes.text(0.5, 0.5, words, transform=axes.transAxes, ha="center", va="center", color="0.4")
    axes.grid(visible=False)
    axes.tick_params(left=False, labelleft=False, bottom=False, labelbottom=False)


def figure_of_rows(title: str, rows: int, right: float, wspace: float) -> Figure:
    """A figure with fixed places: a layout from the solver differs in its last bits from one time to the next."""
    height = 2.9 * rows + 0.6
    drawn = Figure(figsize=(11.0, height))
    drawn.suptitle(title, fontsize=12, fontweight="bold", x=0.01, y=1 - 0.1 / height, va="top", ha="left")
    drawn.subplots_adjust(left=0.07, right=right, bottom=0.6 / height, top=1 - 0.7 / height, wspace=wspace, hspace=0.45)
    return drawn
