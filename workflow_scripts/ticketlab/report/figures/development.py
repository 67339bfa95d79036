"""The figure of transients in tickets: a row for each study, a panel for each transient structure.

Where learning coefficients of tickets were estimated along training, the row's last panel shows them.
"""

from typing import Any

import pandas as pd
from matplotlib.figure import Figure

from workflow_scripts.ticketlab.experiments.development import summary
from workflow_scripts.ticketlab.experiments.development.summary import DENSE, END, OWN, SHUFFLED
from workflow_scripts.ticketlab.report.figures.style import (
    BLACK,
    BLUE,
    GREEN,
    GREY,
    ORANGE,
    Look,
    legend,
    line,
    step_axis,
    style,
)
from workflow_scripts.ticketlab.report.words import in_hundredths
from workflow_scripts.ticketlab.settings.judging import JudgingSettings
from workflow_scripts.ticketlab.tables.schemas.development import DEVELOPMENT

READS = {"development": DEVELOPMENT}

PEAK = "peak"  # of the panel's structure
LOOKS = {
    DENSE: Look("dense", BLACK, "s"),
    END: Look("mask of the end", BLUE, "o"),
    PEAK: Look("mask of the peak", ORANGE, "D", "-."),
    END + SHUFFLED: Look("the end's, shuffled", GREEN, "v", "--"),
    PEAK + SHUFFLED: Look("the peak's, shuffled", GREY, "x", ":"),
}
WIDTH, HEIGHT = 13.0, 3.5


def figure(frame: pd.DataFrame, studies: dict[str, dict]) -> Figure:
    """frame: table `development`; studies: by name, `structures`, `judging` and `last_step`. `style.save` writes it."""
    rows = {study: frame[frame["study"] == study] for study in studies}
    with_llc = {study: bool(rows[study]["quantity"].eq("llc").any()) for study in studies}
    columns = max(len(spec["structures"]) + with_llc[study] for study, spec in studies.items())
    with style():
        width, height = WIDTH * columns / 2, HEIGHT * len(studies) + 0.5
        drawn = Figure(figsize=(width, height))
        title = "Transient structure in tickets from θ₀"
        drawn.suptitle(title, fontsize=12, fontweight="bold", x=0.01, y=1 - 0.1 / height, va="top", ha="left")
        drawn.subplots_adjust(
            left=0.65 / width,
            right=1 - 2.15 / width,
            bottom=0.55 / height,
            top=1 - 0.8 / height,
            wspace=0.78,
            hspace=0.5,
        )
        grid = drawn.subplots(len(studies), columns, squeeze=False)
        for (study, spec), panels in zip(studies.items(), grid, strict=True):
            settings = JudgingSettings(**spec["judging"])
            kept = rows[study].loc[rows[study]["network"] == END, "density"].iloc[0]
            for name, axes in zip(spec["structures"], panels, strict=False):
                axes.set_title(f"{study}: distance to {name.replace('_', ' ')}; tickets at {kept:.1%} kept")
                axes.set_ylabel("distance (nats)")
                for key, look in LOOKS.items():
                    network = key.replace(PEAK, f"peak_{name}")
                    line(
                        axes,
                        _of(rows[study], network, "distance", name),
                        "step",
                        look,
                        _label(rows[study], network, name, settings, look),
                    )
                axes.set_ylim(bottom=0)
                step_axis(axes, "training step", spec["last_step"])
                legend(axes)
            used = len(spec["structures"])
            if with_llc[study]:
                axes, used = panels[used], used + 1
                axes.set_title(f"{study}: learning coefficient along training")
                axes.set_ylabel("λ̂")
                for key, look in LOOKS.items():
                    if PEAK not in key:
                        line(axes, _of(rows[study], key, "llc"), "step", look, _ratio(rows[study], key, look))
                axes.set_ylim(bottom=min(0, axes.get_ylim()[0]))
                step_axis(axes, "training step", spec["last_step"])
                legend(axes)
            for axes in panels[used:]:
                axes.set_axis_off()
    return drawn


def _of(rows: pd.DataFrame, network: str, quantity: str, structure: str = "") -> pd.DataFrame:
    wanted = {"network": network, "quantity": quantity, "structure": structure, "contrast": OWN}
    for column, value in wanted.items():
        rows = rows[rows[column] == value]
    return rows.sort_values("step")


def _label(rows: pd.DataFrame, network: str, name: str, settings: JudgingSettings, look: Look) -> str:
    """The name with A, F and the network's final difference to dense."""
    numbers = [
        f"{letter} {row['estimate']:.2f}"
        for letter, quantity in (("A", "acquired"), ("F", "forgotten"))
        for _, row in _of(rows, network, quantity, name).iterrows()
    ]
    gap = summary.gap(rows, network, settings)
    if gap is not None:
        numbers.append(f"{settings.metric} {gap['estimate']:+.3f}")
    return f"{look.label}\n{', '.join(numbers)}"


def _ratio(rows: pd.DataFrame, network: str, look: Look) -> str:
    ratio = rows[rows["network"].eq(network) & rows["quantity"].eq(summary.EQUAL_LOSS)]
    return look.label + "".join(f"\n{in_hundredths(row)} of\ndense's at equal loss" for _, row in ratio.iterrows())


def of_tables(tables: dict[str, pd.DataFrame], spec: dict[str, Any]) -> Figure:
    return figure(tables["development"], spec["studies"])
