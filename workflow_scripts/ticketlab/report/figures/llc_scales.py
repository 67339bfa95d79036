"""The figure of the learning coefficient over scales: final networks, beside what needs no chain."""

from math import ceil
from typing import Any

import pandas as pd
from matplotlib.figure import Figure

from workflow_scripts.ticketlab.report.figures.style import BLUE, GREY, ORANGE, Look, style
from workflow_scripts.ticketlab.tables.schemas.llc import LLC_SCALES

READS = {"scales": LLC_SCALES}

CURVES = {
    "llc": Look("λ̂", BLUE, "o"),
    "hessian": Look("½ Σ nβh/(nβ|h| + γ), Hessian", ORANGE, "s"),
    "gaussian": Look("isotropic noise of size 1/√γ", GREY, "v"),
}
KINDS = {"dense": "-", "sparsest ticket": "--"}
COLUMNS = 3


def figure(scales: pd.DataFrame, settings: dict[str, dict]) -> Figure:
    """A panel per study: the mean over seeds of λ̂ and of both controls at each nβ, dense networks and tickets."""
    with style():
        rows = ceil(len(settings) / COLUMNS)
        drawn = Figure(figsize=(10.0, 3.4 * rows + 0.6), layout="constrained")
        panels = drawn.subplots(rows, COLUMNS, squeeze=False).ravel()
        for unused in panels[len(settings) :]:
            unused.remove()
        for (study, spec), axes in zip(settings.items(), panels, strict=False):
            axes.set_title(study.replace("_", " "))
            axes.set_xlabel("nβ")
            mine = scales[scales["study"].eq(study) & scales["step"].eq(spec["last_step"])]
            tickets = mine[mine["variant"].eq("ticket")]
            chosen = {
                "dense": mine[mine["variant"].eq("dense")],
                "sparsest ticket": tickets[tickets["level"].eq(tickets["level"].max())],
            }
            for kind, dash in KINDS.items():
                means = chosen[kind].groupby("nbeta")[list(CURVES)].mean()
                for quantity, look in CURVES.items():
                    values = means[quantity][means[quantity] > 0]
                    label = f"{look.label}, {kind}"
                    points = {"color": look.colour, "marker": look.marker, "linestyle": dash, "label": label}
                    axes.plot(values.index, values, **points)
            axes.set(xscale="log", yscale="log")
        drawn.supylabel("nβ × rise of the loss (no unit)", fontsize="medium")
        drawn.legend(*panels[0].get_legend_handles_labels(), loc="outside lower center", ncols=2)
    return drawn


def of_tables(tables: dict[str, pd.DataFrame], spec: dict[str, Any]) -> Figure:
    return figure(tables["scales"], spec["studies"])
