"""The figure of README's answer: the estimate of each test in each study, with its interval, in one row of panels."""

from collections.abc import Iterable, Mapping
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import FuncFormatter

from workflow_scripts.ticketlab.report.figures.style import BLACK, GREY, PLAIN, PURPLE, VARIANTS, Look, style
from workflow_scripts.ticketlab.verdicts.rows import REFUTES, SUPPORTS

STRUCTURE, SUPERMASK = Look("a structure", PURPLE, "D"), Look("mask", BLACK, "P")
Row = Mapping[str, Any]


def figure(facts: Mapping[str, Any]) -> Figure:
    """facts: of results_page. The smallest winning ticket from θ₀ is drawn, where there is none that of a rewound one.

    Differences to dense are in units of the study's margin δ, on an axis that is straight up to ±δ.
    """
    judging, studies = facts["judging"], facts["studies"]
    won = {row["study"]: row for row in reversed(facts["tickets"]) if row["won"]}
    tickets = [
        (name, look, row, row["margin"])
        for row in won.values()
        for name, look in VARIANTS.items()
        if name == "ticket" or name in row["controls"]
    ]
    with style():
        drawn = Figure(figsize=(12.5, 0.42 * len(studies) + 1.4), layout="constrained")
        left, masks, roles, structures = drawn.subplots(1, 4, sharey=True, width_ratios=[1.5, 1, 1, 1])
        left.set_title("T1: smallest winning ticket, and its controls")
        offsets = {"ticket": -0.2, "shuffled": 0.2}
        for name, look, row, margin in tickets:
            measured = row if name == "ticket" else row["controls"][name]
            place = studies.index(row["study"]) + offsets.get(name, 0)
            _point(left, place, measured, look, margin, filled=row["rewind_step"] == 0)
        for study in set(studies) - won.keys():
            left.text(0, studies.index(study), " none is shown to win", va="center", fontsize=8, color=GREY, bbox=PLAIN)
        masks.set_title("T1, strong form: masked, untrained")
        for row in facts["strong_form"]:
            decided = row["decision"] in (SUPPORTS, REFUTES)
            _point(masks, studies.index(row["study"]), row, SUPERMASK, row["margin"], filled=decided)
            place = (row["estimate"] / row["margin"], studies.index(row["study"]))
            masks.annotate(f"×{row['width']}", place, (0, 5), textcoords="offset points", ha="center", fontsize=7)
        for axes, hollow in ((left, "rewound"), (masks, "inconclusive")):
            axes.set_xscale("symlog", linthresh=1)
            axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}".replace("-", "−")))
            axes.set_xlabel(f"minus dense, in δ (hollow: {hollow})")
            axes.margins(x=0.1)
            _bounds(axes, (0, 1))
        roles.set_title("T2: roles that change holder")
        for row in facts["changing"]:
            decided = row["decision"] in (SUPPORTS, REFUTES)
            _point(roles, studies.index(row["study"]), row, Look("roles", BLACK), 1.0, filled=decided)
        roles.set_xlabel("share of starts (hollow: open)")
        roles.set_xlim(-0.03, 1.03)
        _bounds(roles, (0,))
        structures.set_title("T3: structure retained")
        for row in facts["structures"]:
            if row["R"] is not None:
                _point(structures, studies.index(row["study"]), row["R"], STRUCTURE, 1.0, filled=row["lost"])
        structures.set_xlabel("R, in the end network (filled: lost)")
        _bounds(structures, (0, judging.retained))
        left.set_yticks(range(len(studies)), studies)
        left.set_ylim(len(studies) - 0.5, -0.5)
        shown = [VARIANTS[name] for name in dict.fromkeys(name for name, *_ in tickets)]
        handles = [Line2D([], [], color=look.colour, marker=look.marker, ls="none", label=look.label) for look in shown]
        if handles:
            drawn.legend(handles=handles, loc="outside lower left", ncols=len(handles))
    return drawn


def _point(axes: Axes, place: float, row: Row, look: Look, unit: float, *, filled: bool = True) -> None:
    axes.hlines(place, row["ci_low"] / unit, row["ci_high"] / unit, color=look.colour, linewidth=1.2)
    face = look.colour if filled else "white"
    axes.plot(row["estimate"] / unit, place, look.marker, color=look.colour, markerfacecolor=face, label=look.label)


def _bounds(axes: Axes, places: Iterable[float]) -> None:
    for place in places:
        axes.axvline(place, color=GREY, linewidth=0.8, linestyle="--" if place else "-")
