"""The figure of the learning coefficient, over training and by ticket size."""

from typing import Any

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from workflow_scripts.ticketlab.report.figures.style import (
    BLACK,
    VARIANTS,
    Look,
    bars,
    density_axis,
    draw,
    legend_below,
    not_measured,
    of_test,
    step_axis,
    study_rows,
)
from workflow_scripts.ticketlab.tables.schemas.comparisons import COMPARISONS
from workflow_scripts.ticketlab.tables.schemas.verdicts import VERDICTS
from workflow_scripts.ticketlab.verdicts.comparisons import LLC

READS = {"comparisons": COMPARISONS, "verdicts": VERDICTS}


def figure(comparisons: pd.DataFrame, verdicts: pd.DataFrame, settings: dict[str, dict]) -> Figure:
    """The learning coefficient over training and by ticket size; below, the share of estimates that are flagged."""
    del verdicts
    drawn, rows = study_rows("Local learning coefficient (LLC)", settings, (12.0, 4.8))
    for (study, spec), row in zip(settings.items(), rows, strict=True):
        mine = of_test(comparisons, study, LLC)
        (over_steps, by_size), (flags_over_steps, flags_by_size) = row.subplots(
            2, 2, sharex="col", height_ratios=[3, 1]
        )
        dense, sparse = (mine[mine["contrast"] == variant] for variant in ("dense", "ticket"))
        over_steps.set_title("dense network over training")
        by_size.set_title(f"tickets at the end of training (step {spec['last_step']}) by size")
        final = dense[dense["quantity"].eq("llc") & dense["step"].eq(spec["last_step"])]
        for _, reference in final.iterrows():
            by_size.axhline(reference["estimate"], color=BLACK, linestyle="--", label="dense at the same step")
            by_size.axhspan(reference["ci_low"], reference["ci_high"], color=BLACK, alpha=0.12, linewidth=0)
        for axes, flags, rows_of, place in (
            (over_steps, flags_over_steps, dense, "step"),
            (by_size, flags_by_size, sparse, "density"),
        ):
            axes.set_ylabel("LLC estimate (dimensionless)")
            _coefficients(axes, flags, rows_of, place, VARIANTS["dense" if place == "step" else "ticket"])
            drawn_there = rows_of[rows_of["quantity"].isin(["llc", "complexity"])]
            _crop(axes, pd.concat([drawn_there, final])["estimate"])
        step_axis(flags_over_steps, "training step", spec["last_step"])
        if len(sparse):
            density_axis(flags_by_size, sparse["density"], sparsest_last=False)
        for axes, flags in ((over_steps, flags_over_steps), (by_size, flags_by_size)):
            legend_below(flags, axes)
    return drawn


def _coefficients(axes: Axes, flags: Axes, rows: pd.DataFrame, place: str, look: Look) -> None:
    """LLC where estimates are sound; hollow: the complexity at this scale, with the estimates away from a minimum."""
    flags.set_ylabel("flagged")
    if rows.empty:
        not_measured(axes)
        not_measured(flags)
        return
    complexity = rows[rows["quantity"] == "complexity"].sort_values(place)
    bars(axes, complexity, place, look)
    axes.plot(
        complexity[place],
        complexity["estimate"],
        color=look.colour,
        linestyle=":",
        marker=look.marker,
        markerfacecolor="white",
        markersize=6,
        label="complexity: with estimates not at a minimum",
    )
    sound = rows[rows["quantity"] == "llc"].sort_values(place)
    bars(axes, sound, place, look)
    axes.plot(sound[place], sound["estimate"], look.marker, color=look.colour, label="LLC: estimates without a flag")
    flagged = rows[rows["quantity"] == "flagged"].sort_values(place)
    flags.vlines(flagged[place], 0, flagged["estimate"], color=look.colour, linewidth=4)
    flags.plot(flagged[place], flagged["estimate"], look.marker, color=look.colour, markersize=3)
    flags.set_ylim(-0.08, 1.08)
    flags.set_yticks([0, 0.5, 1], ["0 %", "50 %", "100 %"])


def _crop(axes: Axes, estimates: pd.Series) -> None:
    """Start the axis at 0, and give no interval more of it than all estimates: few sound seeds make a wide interval."""
    if estimates.empty:
        return
    low, high = min(0.0, estimates.min()), estimates.max()
    bottom, top = axes.get_ylim()
    axes.set_ylim(max(min(bottom, 0.0), low - (high - low) / 2), min(top, high + (high - low) / 2))


def of_tables(tables: dict[str, pd.DataFrame], spec: dict[str, Any]) -> Figure:
    return draw(figure, tables["comparisons"], tables["verdicts"], spec["studies"])
