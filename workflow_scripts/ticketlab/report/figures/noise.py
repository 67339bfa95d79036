"""The figure of the doses of noise: determinacy of roles and masks against the batch size, a row for each study.

The right panel shows the final error: a dose at which networks do not learn the task carries no information on roles.
"""

from typing import Any

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, FuncFormatter, NullLocator

from workflow_scripts.ticketlab.report.figures.style import (
    BLACK,
    BLUE,
    GREEN,
    GREY,
    ORANGE,
    Look,
    bars,
    legend,
    line,
    style,
)
from workflow_scripts.ticketlab.tables.schemas.noise import NOISE

READS = {"noise": NOISE}

# By contrast and quantity of the table.
DETERMINACY = {
    ("same_init", "determinacy, identity"): Look("roles, same index", BLUE, "o"),
    ("same_init", "determinacy, hungarian"): Look("roles, best matching", ORANGE, "s", "--"),
    ("same_init", "determinacy, mask"): Look("largest final weights", GREEN, "v", "-."),
    ("other_init", "determinacy, identity"): Look("roles, other initialisation (control)", GREY, "x", ":"),
}
ERRORS = {
    ("dense", "train error"): Look("train", BLACK, "s", "--"),
    ("dense", "test error"): Look("test", BLUE, "o"),
}


def figure(frame: pd.DataFrame, batch_sizes: dict[str, int]) -> Figure:
    """frame: rows of table `noise`; batch_sizes: by study, that of its own recipe. `style.save` writes it."""
    with style():
        height = 3.6 * len(batch_sizes) + 0.6
        drawn = Figure(figsize=(12.5, height))
        title = "T2 against the dose of noise: how far the initialisation decides"
        drawn.suptitle(title, fontsize=12, fontweight="bold", x=0.01, y=1 - 0.1 / height, va="top", ha="left")
        drawn.subplots_adjust(
            left=0.055, right=0.945, bottom=0.55 / height, top=1 - 0.75 / height, wspace=0.68, hspace=0.45
        )
        panels = drawn.subplots(len(batch_sizes), 2, width_ratios=[1.5, 1], squeeze=False)
        for (study, own), (left, right) in zip(batch_sizes.items(), panels, strict=True):
            rows = frame[frame["study"].eq(study)]
            doses = rows[rows["batch_size"] > 0]
            left.set_title(f"{study}: determinacy when data orders split at step 0")
            left.set_ylabel("determinacy D")
            _panel(left, doses, DETERMINACY, own)
            for _, slope in rows[rows["batch_size"].eq(0) & rows["quantity"].eq("determinacy, identity")].iterrows():
                words = "same index: {estimate:+.3f} [{ci_low:+.3f}, {ci_high:+.3f}] per doubling of the batch"
                left.annotate(words.format(**slope), (0, 0), (4, 4), "axes fraction", textcoords="offset points")
            left.text(own, 0.98, "the study's own ", ha="right", va="top", fontsize=8, color="0.4")
            left.set_ylim(min(-0.15, left.get_ylim()[0]), max(1.0, left.get_ylim()[1]))
            right.set_title("error at the end")
            right.set_ylabel("share wrong")
            _panel(right, doses, ERRORS, own)
            right.set_ylim(bottom=0)
    return drawn


def _panel(axes: Axes, rows: pd.DataFrame, looks: dict[tuple[str, str], Look], own: int) -> None:
    for (contrast, quantity), look in looks.items():
        mine = rows[rows["contrast"].eq(contrast) & rows["quantity"].eq(quantity)]
        bars(axes, line(axes, mine, "batch_size", look, look.label, band=False), "batch_size", look)
    axes.axvline(own, color=GREY, linewidth=0.8, linestyle=":")
    axes.set_xscale("log", base=2)
    axes.xaxis.set_major_locator(FixedLocator(sorted(rows["batch_size"].unique())))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda size, _: f"{size:g}"))
    axes.xaxis.set_minor_locator(NullLocator())
    axes.set_xlabel("batch size: the larger, the less noise")
    legend(axes)


def of_tables(tables: dict[str, pd.DataFrame], spec: dict[str, Any]) -> Figure:
    return figure(tables["noise"], spec["studies"])
