"""The figure of compression: critical bits and critical density of the dense networks against λ̂ along training."""

from typing import Any

import pandas as pd
from matplotlib.figure import Figure

from workflow_scripts.ticketlab.experiments.compression.predictions import SHOWN
from workflow_scripts.ticketlab.report.figures.style import BLACK, series, style
from workflow_scripts.ticketlab.tables.schemas.compression import COMPRESSION

READS = {"compression": COMPRESSION}

LABELS = {"bits": "critical bits", "density": "critical density"}


def figure(frame: pd.DataFrame) -> Figure:
    """frame: table `compression`. A column per study: thin lines are initialisations, the thick one their means."""
    studies = list(frame["study"].unique())
    shown = frame[frame["flag"].isin(SHOWN)]
    with style():
        drawn = Figure(figsize=(3.2 * len(studies), 5.4), layout="constrained")
        panels = drawn.subplots(len(LABELS), len(studies), squeeze=False)
        for row, (quantity, label), look in zip(panels, LABELS.items(), series(), strict=False):
            row[0].set_ylabel(label)
            for study, axes in zip(studies, row, strict=True):
                mine = shown[shown["study"] == study].sort_values("step")
                for _, seed in mine.groupby("init_seed"):
                    axes.plot(seed["llc"], seed[quantity], color=look.colour, linewidth=0.6, marker=".", alpha=0.5)
                means = mine.groupby("step")[["llc", quantity]].mean()
                axes.plot(means["llc"], means[quantity], color=BLACK, marker=look.marker)
                axes.set(title=study.replace("_", " "), xlabel="λ̂")
    return drawn


def of_tables(tables: dict[str, pd.DataFrame], spec: dict[str, Any]) -> Figure:
    del spec
    return figure(tables["compression"])
