"""Every figure: rows of `comparisons` and `verdicts` in, one matplotlib figure out, drawn in one style.

A figure draws what the tables say and decides nothing. Each function takes `comparisons` and `verdicts` of all studies
and `settings`, by study the section that specs.figures gives: `judging`, `last_step`, `clock_level`, `rewind_steps`,
`control_levels`. Each study is one row of panels; what a study did not measure is said in its panel.

The colours are those of Okabe & Ito (2008), told apart by the colour-blind; each line also has a marker and a dash of
its own, so that a grey print can be read. Bands and bars are the intervals of the tables. The same tables give the same
bytes (`save`).
"""

from collections.abc import Callable
from dataclasses import dataclass

import pandas as pd
from matplotlib.figure import Figure

from workflow_scripts.ticketlab.comparisons import LLC, ROLES, STRUCTURE, TICKETS
from workflow_scripts.ticketlab.verdicts import INCONCLUSIVE, MATCHING, NEITHER, WINNING

Draw = Callable[[pd.DataFrame, pd.DataFrame, dict[str, dict]], Figure]

STYLE = {
    "font.family": "DejaVu Sans",  # comes with matplotlib
    "font.size": 9,
    "axes.titlesize": 9,
    "axes.titlelocation": "left",
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "grid.color": "0.9",
    "grid.linewidth": 0.6,
    "legend.fontsize": 8,
    "legend.frameon": False,
    "lines.linewidth": 1.4,
    "lines.markersize": 4.5,
    "figure.facecolor": "white",
    "savefig.dpi": 200,
    "svg.fonttype": "path",  # the reader's machine need not have the font
    "svg.hashsalt": "ticketlab",
}
METRICS = {"loss": "test loss (nats)", "error": "test error (share wrong)"}
SHORT_METRICS = {"loss": "loss, nats", "error": "error, share"}

BLACK, ORANGE, SKY, GREEN, BLUE, RED, PURPLE, GREY = (
    "#000000",
    "#E69F00",
    "#56B4E9",
    "#009E73",
    "#0072B2",
    "#D55E00",
    "#CC79A7",
    "#777777",
)


@dataclass(frozen=True)
class Look:
    """How one thing is drawn wherever it appears."""

    label: str
    colour: str
    marker: str = "o"
    dash: str | tuple = "-"


VARIANTS = {
    "dense": Look("dense", BLACK, "s"),
    "ticket": Look("ticket", BLUE, "o"),
    "reinitialised": Look("re-initialised", RED, "^", "--"),
    "shuffled": Look("shuffled mask", GREEN, "v", "-."),
    "random": Look("random mask", GREY, "x", ":"),
    "initial_magnitude": Look("by initial magnitude", PURPLE, "D", (0, (5, 1, 1, 1, 1, 1))),
    "signed_constant": Look("signed constant", SKY, "P", (0, (3, 1))),
    "one_shot": Look("one-shot", ORANGE, "*", (0, (1, 1))),
    "dense_total": Look("dense, IMP's total steps", BLACK, "d", ":"),
}
# A ticket's verdict is the filling of its marker.
FILLINGS = {WINNING: "full", MATCHING: "bottom", NEITHER: "none", INCONCLUSIVE: "none"}
LINES = [
    Look("", BLUE, "o", "-"),
    Look("", RED, "^", "--"),
    Look("", GREEN, "v", "-."),
    Look("", PURPLE, "D", ":"),
    Look("", ORANGE, "s", (0, (5, 1, 1, 1, 1, 1))),
    Look("", SKY, "P", (0, (3, 1))),
]


def tickets(comparisons: pd.DataFrame, verdicts: pd.DataFrame, settings: dict[str, dict]) -> Figure:
    """T1: the end against density, the course of training at one density, and differences to dense."""
    figure, rows = _study_rows("T1 tickets: sparse networks against the dense one", settings, width=14.5, height=4.4)
    for (study, spec), row in zip(settings.items(), rows, strict=True):
        mine = _of(comparisons, study, TICKETS)
        end, course, difference = row.subplots(1, 3)
        _end_by_density(end, mine, verdicts[verdicts["study"] == study], spec)
        _course(course, mine, spec)
        _difference_by_density(difference, mine, spec)
    return figure


def roles(comparisons: pd.DataFrame, verdicts: pd.DataFrame, settings: dict[str, dict]) -> Figure:
    """T2: determinacy by the step at which data orders split, and agreement by kind of pair."""
    del verdicts
    figure, rows = _study_rows("T2 roles: do networks put the same roles at the same places?", settings, 12.5, 4.2)
    for (study, spec), row in zip(settings.items(), rows, strict=True):
        mine = _of(comparisons, study, ROLES)
        determinacy, agreement = row.subplots(1, 2)
        _determinacy(determinacy, mine, spec)
        _agreement(agreement, mine, spec)
    return figure


def transience(comparisons: pd.DataFrame, verdicts: pd.DataFrame, settings: dict[str, dict]) -> Figure:
    """T3: distance to each reference predictor over training; A and F beside it."""
    del verdicts
    figure, rows = _study_rows("T3 transience: is structure acquired and then left again?", settings, 10.5, 3.9)
    for (study, spec), row in zip(settings.items(), rows, strict=True):
        mine, axes = _of(comparisons, study, STRUCTURE), row.subplots()
        distances = mine[mine["contrast"] == "distance"]
        axes.set_title("Distance of the dense network to reference predictors; ring: the turning point")
        _step_axis(axes, "training step", spec["last_step"])
        axes.set_ylabel("KL(predictor ‖ network) (nats)")
        if distances.empty:
            _not_measured(axes)
            continue
        for (name, rows_of), look in zip(distances.groupby("quantity", sort=False), _looks(), strict=False):
            course = _line(
                axes, rows_of, "step", look, f"{name.replace('_', ' ')}\n{_acquired_and_forgotten(mine, name)}"
            )
            turning = mine[mine["quantity"].eq(name) & mine["contrast"].eq("acquired")]
            here = course[course["step"].isin(turning["step"])]
            axes.plot(here["step"], here["estimate"], "o", markersize=11, fillstyle="none", color=look.colour)
        axes.set_ylim(bottom=0)
        _legend(axes)
    return figure


def llc(comparisons: pd.DataFrame, verdicts: pd.DataFrame, settings: dict[str, dict]) -> Figure:
    """The learning coefficient over training and by ticket size, with the share of flagged estimates below."""
    del verdicts
    figure, rows = _study_rows("Local learning coefficient: over training, and against ticket size", settings, 12, 4.6)
    for (study, spec), row in zip(settings.items(), rows, strict=True):
        mine = _of(comparisons, study, LLC)
        grid = row.subplots(2, 2, sharex="col", height_ratios=[3.2, 1])
        last = mine[mine["variant"].eq("dense") & mine["step"].eq(mine["step"].max())] if len(mine) else mine
        dense = mine[mine["contrast"] == "dense"]
        tickets_of = mine[mine["contrast"] == "ticket"]
        del last, dense, tickets_of
        raise NotImplementedError
    return figure
