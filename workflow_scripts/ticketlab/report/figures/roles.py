"""The figure of test 2: whether networks put the same roles at the same places."""

from typing import Any

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from workflow_scripts.ticketlab.report.figures.style import (
    BLACK,
    BLUE,
    GREY,
    LONG_DASH,
    ORANGE,
    PLAIN,
    Look,
    bars,
    draw,
    legend,
    line,
    not_measured,
    of_test,
    step_axis,
    study_rows,
)
from workflow_scripts.ticketlab.tables.schemas.comparisons import COMPARISONS
from workflow_scripts.ticketlab.tables.schemas.verdicts import VERDICTS
from workflow_scripts.ticketlab.verdicts.comparisons import AGREEMENT, DETERMINACY, ROLES, of_roles

READS = {"comparisons": COMPARISONS, "verdicts": VERDICTS}

PAIRS = {
    "replicate": "exact replicate (ceiling)",
    "same_init": "same initialisation",
    "other_init": "other initialisation",
}


def figure(comparisons: pd.DataFrame, verdicts: pd.DataFrame, settings: dict[str, dict]) -> Figure:
    """T2: determinacy by the step at which data orders split, and agreement by kind of pair."""
    del verdicts
    drawn, rows = study_rows("T2 roles: agreement on which component takes which role", settings, (12.5, 4.1))
    for (study, spec), row in zip(settings.items(), rows, strict=True):
        mine = of_test(comparisons, study, ROLES)
        determinacy, agreement = row.subplots(1, 2, width_ratios=[1.3, 1])
        _determinacy(determinacy, mine, spec)
        _agreement(agreement, mine)
    return drawn


def _determinacy(axes: Axes, mine: pd.DataFrame, spec: dict) -> None:
    axes.set_title("determinacy: 1 the replicate's ceiling, 0 chance")
    axes.set_ylabel("determinacy D (mean over scores)")
    step_axis(axes, "training step at which data orders split", spec["last_step"])
    looks = {
        ("same_init", "identity"): Look("same initialisation, same index", BLUE, "o"),
        ("same_init", "hungarian"): Look("same initialisation, best matching", ORANGE, "s", "--"),
        ("other_init", "identity"): Look("other initialisation (control)", GREY, "x", ":"),
    }
    shown = False
    for (pair, matching), look in looks.items():
        rows = of_roles(mine[mine["contrast"] == pair], DETERMINACY, matching)
        rows = rows.dropna(subset="estimate")
        if len(rows):
            shown = True
            bars(axes, line(axes, rows, "step", look, look.label, band=False), "step", look)
    if not shown:
        return not_measured(axes, "not measured" if mine.empty else "replicates do not agree: not measurable")
    for name, words in (("determined", "fixed above"), ("undetermined", "free below")):
        limit = spec["judging"][name]
        axes.axhline(limit, color=BLACK, linewidth=0.8, linestyle=LONG_DASH)
        place = ((0, limit), (16, 2), ("axes fraction", "data"), "offset points")
        axes.annotate(f"{words} {limit:g}", *place, ha="left", bbox=PLAIN)
    axes.set_ylim(min(-0.1, axes.get_ylim()[0]), max(1.1, axes.get_ylim()[1]))
    legend(axes)
    return None


def _agreement(axes: Axes, mine: pd.DataFrame) -> None:
    axes.set_title("agreement by kind of pair, with its interval over initialisations")
    axes.set_xlabel("correlation of role vectors (mean over scores)")
    looks = {
        "identity": Look("same index", BLUE, "o"),
        "hungarian": Look("best matching", ORANGE, "s"),
        "hungarian_chance": Look("best matching of unrelated roles", ORANGE, "x"),
        "permuted": Look("permuted indices", GREY, "D"),
    }
    rows = pd.concat([of_roles(mine, AGREEMENT, matching) for matching in looks])
    rows = rows[rows["contrast"].isin(list(PAIRS))]
    if rows.empty:
        return not_measured(axes)
    steps = sorted(rows["step"].unique())
    places = [(pair, step) for pair in PAIRS for step in steps if _at(rows, pair, step).any()]
    for offset, (matching, look) in zip((-0.21, -0.07, 0.07, 0.21), looks.items(), strict=True):
        found = [
            rows[_at(rows, pair, step) & rows["matching"].eq(matching)].assign(place=place + offset)
            for place, (pair, step) in enumerate(places)
        ]
        points = pd.concat(found)
        axes.hlines(points["place"], points["ci_low"], points["ci_high"], color=look.colour, linewidth=1.5)
        axes.plot(points["estimate"], points["place"], look.marker, color=look.colour, label=look.label)
    labels = [PAIRS[pair] if pair == "replicate" else f"{PAIRS[pair]}, split at {step}" for pair, step in places]
    axes.set_yticks(range(len(places)), labels)
    axes.invert_yaxis()
    axes.axvline(0, color=BLACK, linewidth=0.8)
    legend(axes)
    return None


def _at(rows: pd.DataFrame, pair: str, step: int) -> pd.Series:
    return rows["contrast"].eq(pair) & rows["step"].eq(step)


def of_tables(tables: dict[str, pd.DataFrame], spec: dict[str, Any]) -> Figure:
    return draw(figure, tables["comparisons"], tables["verdicts"], spec["studies"])
