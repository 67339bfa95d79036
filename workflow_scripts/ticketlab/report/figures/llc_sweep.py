"""The figure of a study's LLC sweep: levels against ε, nβ and γ, and the agreement of the networks' orders."""

from itertools import cycle
from typing import Any

import pandas as pd
from matplotlib.figure import Figure
from matplotlib.ticker import NullFormatter
from scipy import stats

from workflow_scripts.ticketlab.report.figures.style import BLACK, GREY, SERIES, style
from workflow_scripts.ticketlab.settings.llc import LLCSettings
from workflow_scripts.ticketlab.tables.schemas.llc import LLC_SWEEP

READS = {"sweep": LLC_SWEEP}

NETWORK = ["init_seed", "data_seed", "variant", "rewind_step", "level", "step"]

LABELS = {"learning_rate": "ε, step size", "nbeta": "nβ, inverse temperature", "localization": "γ, localisation"}


def figure(frame: pd.DataFrame, orders: pd.DataFrame, own: LLCSettings, study: str) -> Figure:
    """frame: table `llc_sweep`; orders: llc_sweep.orderings of it; own: the study's settings, dashed in each panel."""
    with style():
        drawn = Figure(figsize=(13.5, 4.6), layout="constrained")
        drawn.suptitle(
            f"study: {study}, LLC at other settings (one line per checkpoint: mean over seeds; crosses: some flagged)",
            fontsize=12,
            fontweight="bold",
            x=0.01,
            ha="left",
        )
        panels = drawn.subplots(1, len(LABELS), sharey=True)
        for axes, (varied, label) in zip(panels, LABELS.items(), strict=True):
            mine = frame[frame["varied"] == varied]
            for (step, rows), look in zip(mine.groupby("step"), cycle(SERIES), strict=False):
                mean = rows.groupby("value").agg(
                    llc=("llc", "mean"), flagged=("flag", lambda flags: flags.ne("").any())
                )
                line = {"color": look.colour, "marker": look.marker, "linestyle": look.dash}
                axes.plot(mean.index, mean["llc"], label=f"step {step}", **line)
                flagged = mean[mean["flagged"]]
                axes.plot(
                    flagged.index, flagged["llc"], color=GREY, marker="x", markersize=8, linestyle="none", zorder=5
                )
            axes.axvline(getattr(own, varied), color=BLACK, linewidth=0.8, linestyle="--")
            axes.set_xscale("log")
            axes.set_xticks(sorted(mine["value"].unique()), [f"{value:g}" for value in sorted(mine["value"].unique())])
            axes.xaxis.set_minor_formatter(NullFormatter())
            axes.set_xlabel(label)
            for row in orders[orders["varied"] == varied].itertuples():
                text = "τ = ?" if pd.isna(row.tau) else f"τ = {row.tau:.2f}"
                place = axes.get_xaxis_transform()
                axes.text(row.value, 1.01, text, transform=place, ha="center", va="bottom", fontsize=8)
        panels[0].set_ylabel("LLC estimate (dimensionless)")
        panels[-1].legend(loc="upper left", bbox_to_anchor=(1.01, 1.0), borderaxespad=0.0)
        drawn.draw_without_rendering()
        return drawn


def orderings(frame: pd.DataFrame, own: LLCSettings) -> pd.DataFrame:
    """The agreement of the networks' order at each varied value with that at the study's own settings.

    frame: table `llc_sweep`. Columns: varied, value, tau (Kendall's τ of λ̂ with λ̂ at the own settings, over networks
    flagged at neither; NaN for fewer than two), level (the mean ratio of the two), n (such networks), flagged (others).
    """
    rows = []
    for varied, group in frame.groupby("varied"):
        values = group.pivot(index=NETWORK, columns="value", values="llc")
        flags = group.pivot(index=NETWORK, columns="value", values="flag")
        reference = min(values.columns, key=lambda value: abs(value - getattr(own, str(varied))))
        for value in values.columns:
            kept = flags[value].eq("") & flags[reference].eq("")
            here, there = values.loc[kept, value], values.loc[kept, reference]
            rows.append(
                {
                    "varied": varied,
                    "value": value,
                    "tau": stats.kendalltau(here, there).statistic if len(here) > 1 else float("nan"),
                    "level": (here / there).mean(),
                    "n": int(kept.sum()),
                    "flagged": int((~kept).sum()),
                }
            )
    return pd.DataFrame(rows)


def of_tables(tables: dict[str, pd.DataFrame], spec: dict[str, Any]) -> Figure:
    own = LLCSettings(**spec["llc"])
    orders = orderings(tables["sweep"], own)
    print(orders.to_string())
    return figure(tables["sweep"], orders, own, spec["study"])
