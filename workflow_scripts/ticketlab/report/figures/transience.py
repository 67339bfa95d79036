"""The figure of test 3: whether structure is acquired and then lost again."""

from typing import Any

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from workflow_scripts.ticketlab.report.figures.style import (
    BLACK,
    BLUE,
    GREY,
    RED,
    Look,
    draw,
    line,
    not_measured,
    of_test,
    step_axis,
    study_rows,
)
from workflow_scripts.ticketlab.report.words import in_hundredths, spaced
from workflow_scripts.ticketlab.tables.schemas.comparisons import COMPARISONS
from workflow_scripts.ticketlab.tables.schemas.verdicts import VERDICTS
from workflow_scripts.ticketlab.verdicts.comparisons import OF_CONTEXT, OF_PART, STRUCTURE

READS = {"comparisons": COMPARISONS, "verdicts": VERDICTS}
COURSES = {
    "distance": Look("the network", BLACK, "o"),
    OF_PART: Look("its nearest part", BLUE, "s", "--"),
    OF_CONTEXT: Look("with the context cut", RED, "^", "-."),
}
PATH = Look("least on the straight path", GREY, "", ":")
SHARES = {"acquired": "A", "beyond path": "beyond path", "forgotten": "F", "retained": "R"}


def figure(comparisons: pd.DataFrame, verdicts: pd.DataFrame, settings: dict[str, dict]) -> Figure:
    """T3: distance to each reference predictor over training: of the network, of what is left, of the straight path."""
    del verdicts
    measured = {study: of_test(comparisons, study, STRUCTURE) for study in settings}
    columns = 1 + max(rows["quantity"].nunique() for rows in measured.values())
    drawn, rows = study_rows("T3 transience: structure that is acquired and then lost again", settings, (11, 3.2))
    for (study, spec), row in zip(settings.items(), rows, strict=True):
        first, *others = row.subplots(1, columns)
        structures = list(measured[study].groupby("quantity", sort=False))
        if not structures:
            row.clear()
            not_measured(row.subplots())
            continue
        for (name, mine), axes in zip(structures, [first, *others], strict=False):
            _structure(axes, name, mine, spec["last_step"])
        for axes in others[len(structures) - 1 :]:
            axes.remove()
        first.set_ylabel(f"distance to the predictor\non {spaced(spec['structure_split'])} examples")
        handles = [handle for axes in row.axes for handle in axes.get_legend_handles_labels()[0]]
        by_label = {str(handle.get_label()): handle for handle in handles}
        row.legend(by_label.values(), by_label.keys(), loc="center right")
    return drawn


def _structure(axes: Axes, name: str, mine: pd.DataFrame, last: int) -> None:
    """One structure's panel; where there is no part of a network to look for, it is a component's own distance."""
    contrasts = mine.groupby("contrast")
    words = [spaced(name)]
    for contrast, letter in SHARES.items():
        if contrast in contrasts.groups:
            words.append(f"{letter} {in_hundredths(contrasts.get_group(contrast).iloc[0])}")
    axes.set_title("\n".join(words), fontsize=8)
    step_axis(axes, "training step", last)
    of_component = OF_PART not in contrasts.groups
    for contrast, look in COURSES.items():
        if contrast in contrasts.groups:
            label = "distance of a component" if of_component else look.label
            line(axes, contrasts.get_group(contrast), "step", look, label)
    if {"acquired", "beyond path"} <= set(contrasts.groups):
        acquired, beyond = (contrasts.get_group(of).iloc[0] for of in ("acquired", "beyond path"))
        at_first = contrasts.get_group("distance").query("step == 0")["estimate"].item()
        least = (1 - (acquired["estimate"] - beyond["estimate"])) * at_first
        axes.axhline(least, color=PATH.colour, linestyle=PATH.dash, label=PATH.label)
    axes.set_ylim(bottom=0)


def of_tables(tables: dict[str, pd.DataFrame], spec: dict[str, Any]) -> Figure:
    return draw(figure, tables["comparisons"], tables["verdicts"], spec["studies"])
