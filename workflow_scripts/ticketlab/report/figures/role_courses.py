"""The figure of roles along training: each head's score by step, and a map of which head holds the role in the end."""

from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from workflow_scripts.ticketlab.report.figures.style import (
    BLACK,
    GREY,
    SERIES,
    Look,
    draw,
    not_measured,
    step_axis,
    study_rows,
)
from workflow_scripts.ticketlab.tables.schemas.role_courses import HELD_FROM, ROLE_COURSES
from workflow_scripts.ticketlab.tables.schemas.roles import ROLE_HOLDERS

READS = {"courses": ROLE_COURSES, "held": HELD_FROM, "holders": ROLE_HOLDERS}

MOST_SEEDS = 12  # in a map
PLACE = ["layer", "component"]


def figure(courses: pd.DataFrame, held: pd.DataFrame, holders: pd.DataFrame, settings: dict[str, dict]) -> Figure:
    """For each study and role the courses of all heads, and below them the map of heads by seed."""
    title = "Roles along training: when a head takes its role, and whether siblings give it to the same head"
    drawn, rows = study_rows(title, settings, (12.5, 5.6))
    for (study, spec), row in zip(settings.items(), rows, strict=True):
        mine, ends, siblings = (table[table["study"] == study] for table in (courses, held, holders))
        roles = list(dict.fromkeys(mine["role"]))
        panels = row.subplots(2, max(len(roles), 1), squeeze=False, height_ratios=[1.1, 1])
        if not roles:
            not_measured(panels[0, 0], "no role of heads is scored")
            panels[1, 0].set_axis_off()
        looks = dict(zip(sorted(mine["init_seed"].unique()), SERIES * len(mine), strict=False))
        for role, (above, below) in zip(roles, panels.T, strict=False):
            scores, final, found = (table[table["role"] == role] for table in (mine, ends, siblings))
            _courses(above, scores, final, looks, spec["last_step"])
            _map(below, scores, final, found, looks)
            above.set_title(role.replace("attention:", "attention: ").replace("_", " "))
        panels[0, 0].set_ylabel("score of each head")
    return drawn


def _courses(axes: Axes, rows: pd.DataFrame, held: pd.DataFrame, looks: dict[int, Look], last: int) -> None:
    """Score by step: the final holder of each seed in the seed's colour, all other heads grey, chance as a band."""
    chance, spread = rows[["chance", "spread"]].iloc[0]
    axes.axhspan(chance - 2 * spread, chance + 2 * spread, color=BLACK, alpha=0.08, linewidth=0)
    holder = set(held[["init_seed", *PLACE]].itertuples(index=False, name=None))
    for key, course in rows.groupby(["init_seed", *PLACE]):
        course = course.sort_values("step")
        if key not in holder:
            axes.plot(course["step"], course["value"], color=GREY, alpha=0.35, linewidth=0.7)
    for seed, layer, component in sorted(holder):
        course = rows[rows["init_seed"].eq(seed) & rows["layer"].eq(layer) & rows["component"].eq(component)]
        course, look = course.sort_values("step"), looks[seed]
        axes.plot(course["step"], course["value"], color=look.colour, linestyle=look.dash, marker=look.marker)
    step_axis(axes, "training step", last)


def _map(axes: Axes, rows: pd.DataFrame, held: pd.DataFrame, holders: pd.DataFrame, looks: dict[int, Look]) -> None:
    """Seeds by heads: the final score as a shade, the holder's step, and a circle for each sibling's holder."""
    end = rows[rows["step"] == rows["step"].max()]
    shown = end.pivot_table(index="init_seed", columns=PLACE, values="value").sort_index(axis=1).iloc[:MOST_SEEDS]
    places = {place: column for column, place in enumerate(shown.columns)}
    low, high = np.nanmin(shown.to_numpy()), np.nanmax(shown.to_numpy())
    axes.imshow(shown, cmap="Greys", vmin=low, vmax=2 * high - low, aspect="auto")
    for line, seed in enumerate(shown.index):
        found = holders[holders["init_seed"].eq(seed) & holders["rewind_step"].eq(0)]
        others = found[found["variant"].eq("spawned") & found["data_seed"].ne(seed)].sort_values("data_seed")
        for offset, place in enumerate(others[PLACE].itertuples(index=False, name=None)):
            across = places[place] - 0.3 + 0.6 * offset / max(len(others) - 1, 1)
            axes.plot(across, line + 0.3, "o", color=looks[seed].colour, markerfacecolor="white", markersize=4)
        for _, row in held[held["init_seed"] == seed].iterrows():
            column = places[row["layer"], row["component"]]
            axes.text(column, line - 0.12, f"{row['step']}", ha="center", va="center", fontsize=7, fontweight="bold")
    axes.set_xticks(range(len(places)), [f"{layer}.{component}" for layer, component in places], fontsize=7)
    axes.set_yticks(range(len(shown)), [f"seed {seed}" for seed in shown.index], fontsize=8)
    for label, seed in zip(axes.get_yticklabels(), shown.index, strict=True):
        label.set_color(looks[seed].colour)
    for column, (before, after) in enumerate(zip(shown.columns, shown.columns[1:], strict=False)):
        if before[0] != after[0]:
            axes.axvline(column + 0.5, color=BLACK, linewidth=1.2)
    axes.grid(visible=False)
    axes.set_xlabel("layer.head")


def of_tables(tables: dict[str, pd.DataFrame], spec: dict[str, Any]) -> Figure:
    return draw(figure, tables["courses"], tables["held"], tables["holders"], spec["studies"])
