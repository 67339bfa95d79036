"""The figure of a study's learning rates: validation loss of its dense networks at each, and the recipe's own rate."""

from typing import Any

import pandas as pd
from matplotlib.figure import Figure
from matplotlib.ticker import NullFormatter, NullLocator

from workflow_scripts.ticketlab.report.figures.style import BLACK, BLUE, GREY, figure_of_rows, style
from workflow_scripts.ticketlab.tables.schemas.rates import RATES

READS = {"sweep": RATES}


def figure(frame: pd.DataFrame, own: float, study: str) -> Figure:
    """frame: table `rates`, dense networks alone. own: the recipe's learning rate, dashed."""
    losses = frame[frame["split"].eq("validation") & frame["metric"].eq("loss")]
    curves = losses.pivot(index="rate", columns=["init_seed", "data_seed"], values="value")
    rates = curves.index * own
    mean = curves.mean(axis=1, skipna=False)
    print(mean.to_string())
    with style():
        drawn = figure_of_rows(f"study: {study}, dense networks at other learning rates", 1, right=0.8, wspace=0.3)
        axes = drawn.subplots()
        axes.plot(rates, curves.to_numpy(), color=GREY, linewidth=0.8, zorder=1)
        axes.plot([], [], color=GREY, linewidth=0.8, label="each seed")
        axes.plot(rates, mean, color=BLUE, marker="o", label="mean over seeds")
        axes.axvline(own, color=BLACK, linewidth=0.8, linestyle="--", label="the recipe's rate")
        axes.set_xscale("log")
        axes.set_xticks(rates, [f"{rate:g}" for rate in rates])
        axes.xaxis.set_minor_locator(NullLocator())
        axes.xaxis.set_minor_formatter(NullFormatter())
        axes.set_xlabel("learning rate (log scale)")
        axes.set_ylabel("validation loss at the end (nats)")
        axes.legend(loc="upper left", bbox_to_anchor=(1.01, 1.0), borderaxespad=0.0)
    return drawn


def of_tables(tables: dict[str, pd.DataFrame], spec: dict[str, Any]) -> Figure:
    return figure(tables["sweep"], spec["learning_rate"], spec["study"])
