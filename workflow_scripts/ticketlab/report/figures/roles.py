"""The figure of test 2: whether networks put the same roles at the same places."""

from typing import Any

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from workflow_scripts.ticketlab.core.random_streams import CHAOS, REORDERED
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
    legend_below,
    line,
    not_measured,
    of_test,
    step_axis,
    study_rows,
)
from workflow_scripts.ticketlab.settings.judging import JudgingSettings
from workflow_scripts.ticketlab.tables.schemas.comparisons import COMPARISONS
from workflow_scripts.ticketlab.tables.schemas.roles import ROLE_HOLDERS
from workflow_scripts.ticketlab.tables.schemas.verdicts import VERDICTS
from workflow_scripts.ticketlab.verdicts.comparisons import (
    AGREEMENT,
    CHANGES,
    DETERMINACY,
    ROLES,
    changed_holders,
    of_roles,
)

READS = {"comparisons": COMPARISONS, "verdicts": VERDICTS, "holders": ROLE_HOLDERS}

PAIRS = {
    "replicate": "exact replicate",
    CHAOS: "θ₀ a millionth off",
    REORDERED: "batches reordered",
    "same_init": "same initialisation",
    "other_init": "other initialisation",
}


CONTROLS = {
    "same_init": Look("another data order", BLUE, "o"),
    REORDERED: Look("same batches, reordered", ORANGE, "s"),
    CHAOS: Look("θ₀ a millionth off", GREY, "x"),
}


def figure(
    comparisons: pd.DataFrame, verdicts: pd.DataFrame, settings: dict[str, dict], holders: pd.DataFrame
) -> Figure:
    """T2: who changes a role, determinacy by the step at which data orders split, and agreement by kind of pair."""
    del verdicts
    drawn, rows = study_rows("T2 roles: agreement on which component takes which role", settings, (12.5, 4.4))
    for (study, spec), row in zip(settings.items(), rows, strict=True):
        mine = of_test(comparisons, study, ROLES)
        change, determinacy, agreement = row.subplots(1, 3)
        judging = JudgingSettings(**spec["judging"])
        _change(change, mine, changed_holders(holders[holders["study"] == study], judging))
        _determinacy(determinacy, mine, spec)
        _agreement(agreement, mine)
    return drawn


def _change(axes: Axes, mine: pd.DataFrame, found: pd.DataFrame) -> None:
    axes.set_title("another part holds the role (before → after)")
    axes.set_xlabel("share of initialisations")
    rows = mine[mine["quantity"].eq(CHANGES) & mine["step"].eq(0)]
    if rows.empty:
        return not_measured(axes, "not measured" if mine.empty else "no part holds a role clearly")
    roles = sorted(rows["score"].unique())
    for offset, (pair, look) in zip((-0.2, 0, 0.2), CONTROLS.items(), strict=True):
        points = rows[rows["contrast"] == pair]
        places = [roles.index(role) + offset for role in points["score"]]
        axes.hlines(places, points["ci_low"], points["ci_high"], color=look.colour, linewidth=1.2)
        axes.plot(points["estimate"], places, look.marker, color=look.colour, label=look.label)
    here = found[found["split_step"].eq(0) & found["pair"].eq("same_init") & found["changed"].eq(True)]
    for place, role in enumerate(roles):
        moved = (here["before"] + " → " + here["after"])[here["role"] == role].value_counts().index[:4]
        axes.text(0.02, place - 0.3, ", ".join(moved), fontsize=8, bbox=PLAIN)
    axes.set_yticks(range(len(roles)), [role.replace("attention:", "") for role in roles])
    axes.set_ylim(len(roles) - 0.5, -0.5)
    axes.set_xlim(-0.03, 1.03)
    legend_below(axes, axes)
    return None


def _determinacy(axes: Axes, mine: pd.DataFrame, spec: dict) -> None:
    axes.set_title("determinacy: 1 replicate, 0 chance")
    axes.set_ylabel("determinacy D (mean over scores)")
    step_axis(axes, "step at which data orders split", spec["last_step"])
    looks = {
        ("same_init", "identity"): Look("same θ₀, same index", BLUE, "o"),
        ("same_init", "hungarian"): Look("same θ₀, best matching", ORANGE, "s", "--"),
        ("other_init", "identity"): Look("other θ₀ (control)", GREY, "x", ":"),
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
    axes.set_ylim(-0.6, 1.2)
    legend_below(axes, axes)
    return None


def _agreement(axes: Axes, mine: pd.DataFrame) -> None:
    axes.set_title("agreement by kind of pair")
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
    labels = [f"{PAIRS[pair]}, {step}" if pair.endswith("_init") else PAIRS[pair] for pair, step in places]
    axes.set_yticks(range(len(places)), labels)
    axes.invert_yaxis()
    axes.axvline(0, color=BLACK, linewidth=0.8)
    axes.set_xlim(-0.6, 1.05)
    legend_below(axes, axes)
    return None


def _at(rows: pd.DataFrame, pair: str, step: int) -> pd.Series:
    return rows["contrast"].eq(pair) & rows["step"].eq(step)


def of_tables(tables: dict[str, pd.DataFrame], spec: dict[str, Any]) -> Figure:
    return draw(figure, tables["comparisons"], tables["verdicts"], spec["studies"], tables["holders"])
