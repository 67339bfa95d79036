"""The figure of the LLC's calibration: the checks in table `calibration` and the margins by which they passed.

Above, the estimates at each step size ε relative to the truth, for models with an exact law, for deep linear networks
with their tolerance, and on noisy mini-batches. Below, the sweep: where levels deviate from the closed form, and
where the networks keep its order. A red cross is a required check that failed.
"""

from itertools import cycle
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import NullFormatter

from workflow_scripts.ticketlab.report.figures.style import BLACK, GREY, RED, SERIES, legend, style
from workflow_scripts.ticketlab.tables.schemas.calibration import CALIBRATION

READS = {"calibration": CALIBRATION}

EXACT = ("regular", "normal_crossing", "zero_map")
SWEPT = {"learning_rate": "ε, step size", "nbeta": "nβ, inverse temperature", "localization": "γ, localisation"}
FLAGGED = "flagged"


def figure(frame: pd.DataFrame) -> Figure:
    """The figure in the project's one style; `style.save` writes it."""
    with style():
        drawn = Figure(figsize=(13.5, 8.2), layout="constrained")
        required = frame[frame["required"]]
        failed = int((~required["passed"]).sum())
        drawn.suptitle(
            f"LLC against ground truth: {len(required) - failed} of {len(required)} required checks passed",
            fontsize=12,
            fontweight="bold",
            x=0.01,
            ha="left",
        )
        above, below = drawn.subfigures(2, 1, squeeze=False)[:, 0]
        exact, networks = above.subplots(1, 2)
        _errors(exact, frame[frame["family"].isin(EXACT) & frame["quantity"].eq("llc")])
        exact.set_title("exact law at the same nβ and γ: relative error")
        wanted = ["deep_linear", "deep_linear, hard", "noisy_batches"]
        _errors(networks, frame[frame["family"].isin(wanted) & frame["quantity"].eq("llc")])
        networks.set_title("deep linear networks and noisy mini-batches: relative error and tolerance")
        for axes, (varied, label) in zip(below.subplots(1, 3, sharey=True), SWEPT.items(), strict=True):
            _sweep(axes, frame[frame["family"] == f"sweep {varied}"])
            axes.set_xlabel(label)
        below.axes[0].set_ylabel("λ̂ / λ; above, τ: do λ̂ and λ\norder these networks alike?")
        entries_of = [zip(*axes.get_legend_handles_labels(), strict=True) for axes in below.axes]
        entries = {label: handle for pairs in entries_of for handle, label in pairs}
        names = sorted(entries, key=lambda name: name == FLAGGED)
        legend(below.axes[-1], [entries[name] for name in names], names)
        drawn.draw_without_rendering()
        return drawn


def _errors(axes: Axes, rows: pd.DataFrame) -> None:
    """One line per model, with a point and interval per step size."""
    cases = list(dict.fromkeys(rows["case"]))
    steps = sorted(rows["x"].unique(), reverse=True)
    for step, look in zip(steps, cycle(SERIES), strict=False):
        chosen = rows[rows["x"] == step]
        y = np.array([cases.index(case) for case in chosen["case"]]) + 0.6 * (steps.index(step) / len(steps) - 0.3)
        error, low, high = ((chosen[name] / chosen["truth"] - 1) for name in ("estimate", "ci_low", "ci_high"))
        axes.hlines(y, low, high, color=look.colour, linewidth=1.2)
        axes.plot(error, y, marker=look.marker, linestyle="none", color=look.colour, label=f"ε = {step:g}")
        wrong = (chosen["required"] & ~chosen["passed"]).to_numpy()
        axes.plot(error[wrong], y[wrong], marker="x", markersize=9, linestyle="none", color=RED)
    tolerance = (rows["tolerance"] / rows["truth"]).max()
    if np.isfinite(tolerance):
        axes.axvspan(-tolerance, tolerance, color=BLACK, alpha=0.08, linewidth=0)
    axes.axvline(0, color=BLACK, linewidth=0.8)
    axes.set_yticks(range(len(cases)), cases)
    axes.invert_yaxis()
    axes.xaxis.set_major_formatter(lambda value, _: f"{100 * value:+g} %" if value else "0")
    legend(axes)


def _sweep(axes: Axes, rows: pd.DataFrame) -> None:
    """λ̂/λ of each network along the varied value, and Kendall's τ between λ̂ and λ above each value."""
    levels = rows[rows["quantity"] == "llc"]
    for case, look in zip(dict.fromkeys(levels["case"]), cycle(SERIES), strict=False):
        mine = levels[levels["case"] == case].sort_values("x")
        share = mine["estimate"] / mine["truth"]
        axes.plot(mine["x"], share, color=look.colour, marker=look.marker, linestyle=look.dash, label=case)
        flagged = (mine["flag"] != "").to_numpy()
        cross: dict[str, Any] = {"color": GREY, "marker": "x", "markersize": 8, "linestyle": "none", "zorder": 5}
        if flagged.any():
            axes.plot(mine["x"][flagged], share[flagged], **cross, label=FLAGGED)
    axes.axhline(1, color=BLACK, linewidth=0.8)
    axes.set_xscale("log")
    axes.xaxis.set_minor_formatter(NullFormatter())
    for row in rows[rows["quantity"] == "kendall_tau"].itertuples():
        text = "τ = ?" if np.isnan(row.estimate) else f"τ = {row.estimate:.2f}"
        axes.text(row.x, 1.01, text, transform=axes.get_xaxis_transform(), ha="center", va="bottom", fontsize=8)


def of_tables(tables: dict[str, pd.DataFrame], spec: dict[str, Any]) -> Figure:
    del spec
    checks = tables["calibration"]
    return figure(checks[checks["instrument"] == "llc"].reset_index(drop=True))
