"""The figure of test 3: whether structure is acquired and then lost again."""

from typing import Any

import pandas as pd
from matplotlib.figure import Figure

from workflow_scripts.ticketlab.report.figures.style import (
    draw,
    legend,
    line,
    not_measured,
    of_test,
    series,
    step_axis,
    study_rows,
)
from workflow_scripts.ticketlab.report.words import in_hundredths, spaced
from workflow_scripts.ticketlab.tables.schemas.comparisons import COMPARISONS
from workflow_scripts.ticketlab.tables.schemas.verdicts import VERDICTS
from workflow_scripts.ticketlab.verdicts.comparisons import STRUCTURE

READS = {"comparisons": COMPARISONS, "verdicts": VERDICTS}


def figure(comparisons: pd.DataFrame, verdicts: pd.DataFrame, settings: dict[str, dict]) -> Figure:
    """T3: distance to each reference predictor over training, with A and F."""
    del verdicts
    drawn, rows = study_rows("T3 transience: structure that is acquired and then lost again", settings, (10.5, 3.9))
    for (study, spec), row in zip(settings.items(), rows, strict=True):
        mine, axes = of_test(comparisons, study, STRUCTURE), row.subplots()
        examples = spaced(spec["structure_split"])
        axes.set_title(f"distance of the dense network to reference predictors on {examples} examples; rings: nearest")
        axes.set_ylabel("KL(predictor ‖ network) (nats)")
        step_axis(axes, "training step", spec["last_step"])
        distances = mine[mine["contrast"] == "distance"]
        if distances.empty:
            not_measured(axes)
            continue
        for (name, course), look in zip(distances.groupby("quantity", sort=False), series(), strict=False):
            course = line(axes, course, "step", look, f"{spaced(name)}\n{_acquired_and_forgotten(mine, name)}")
            turning = mine.loc[mine["quantity"].eq(name) & mine["contrast"].eq("acquired"), "step"]
            nearest = course[course["step"].isin(turning)]
            axes.plot(nearest["step"], nearest["estimate"], "o", markersize=11, fillstyle="none", color=look.colour)
        axes.set_ylim(bottom=0)
        legend(axes)
    return drawn


def _acquired_and_forgotten(mine: pd.DataFrame, name: str) -> str:
    parts = []
    for contrast, letter in (("acquired", "A"), ("forgotten", "F")):
        for _, row in mine[mine["quantity"].eq(name) & mine["contrast"].eq(contrast)].iterrows():
            parts.append(f"{letter} {in_hundredths(row)}")
    return "\n".join(parts) or "never approached"


def of_tables(tables: dict[str, pd.DataFrame], spec: dict[str, Any]) -> Figure:
    return draw(figure, tables["comparisons"], tables["verdicts"], spec["studies"])
