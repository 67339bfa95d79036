"""Every figure: rows of `comparisons` and `verdicts` in, one matplotlib figure out, drawn in one style.

A figure draws what the tables say and decides nothing. Each function takes `comparisons` and `verdicts` of all studies
and `settings`, by study what specs.figures gives: `judging`, `last_step`, `clock_level`, `rewind_steps` and
`structure_split`. Each study is one row of panels; what a study did not measure is said in its panel.

The colours are those of Okabe & Ito (2008), told apart by the colour-blind; each line also has a marker and a dash of
its own, so that a grey print can be read. Bands and bars are the intervals of the tables. The same tables give the same
bytes (`save`).
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from itertools import cycle
from pathlib import Path
from typing import Any

import matplotlib
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure, SubFigure
from matplotlib.lines import Line2D
from matplotlib.ticker import FixedLocator, FuncFormatter, NullFormatter, NullLocator
from matplotlib.transforms import ScaledTranslation

from workflow_scripts.ticketlab.comparisons import LLC, MASKS, ROLES, STRUCTURE, TICKETS
from workflow_scripts.ticketlab.verdicts import INCONCLUSIVE, MATCHING, NEITHER, WINNING, WITHHELD, cell_claim

Draw = Callable[[pd.DataFrame, pd.DataFrame, dict[str, dict]], Figure]

STYLE: dict[Any, Any] = {
    "backend": "agg",
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
METRICS = {"loss": "test loss (nats)", "error": "test error"}
SHORT_METRICS = {"loss": "loss, nats", "error": "error"}

BLACK, ORANGE, SKY, GREEN, BLUE, RED, PURPLE = (
    "#000000",
    "#E69F00",
    "#56B4E9",
    "#009E73",
    "#0072B2",
    "#D55E00",
    "#CC79A7",
)
GREY, INDIGO = "#777777", "#332288"
MIXED_DASH, LONG_DASH, FINE_DASH = (0, (5, 1, 1, 1, 1, 1)), (0, (6, 2)), (0, (1, 1))
Dash = str | tuple


@dataclass(frozen=True)
class Look:
    """How one thing is drawn wherever it appears."""

    label: str
    colour: str
    marker: str = "o"
    dash: Dash = "-"


VARIANTS = {
    "dense": Look("dense", BLACK, "s"),
    "ticket": Look("ticket", BLUE, "o"),
    "reinitialised": Look("re-initialised", RED, "^", "--"),
    "shuffled": Look("shuffled mask", GREEN, "v", "-."),
    "random": Look("random mask", GREY, "X", ":"),
    "initial_magnitude": Look("mask by initial magnitude", PURPLE, "D", MIXED_DASH),
    "signed_constant": Look("signed constant", SKY, "P", LONG_DASH),
    "one_shot": Look("one-shot", ORANGE, "*", FINE_DASH),
    "dense_total": Look("dense, IMP's total steps", BLACK, "d", ":"),
}
# What has no look of its own takes these in turn.
SERIES = [
    Look("", BLUE, "o"),
    Look("", RED, "^", "--"),
    Look("", GREEN, "v", "-."),
    Look("", PURPLE, "D", ":"),
    Look("", ORANGE, "s", MIXED_DASH),
    Look("", SKY, "P", LONG_DASH),
]
# A ticket's verdict is the filling of its marker.
FILLINGS: dict[str, Any] = {WINNING: "full", MATCHING: "bottom", INCONCLUSIVE: "none", NEITHER: "none"}
# Behind words that a curve may cross.
PLAIN: dict[str, Any] = {"facecolor": "white", "edgecolor": "none", "alpha": 0.8, "pad": 0.5}
PAIRS = {
    "replicate": "exact replicate (ceiling)",
    "same_init": "same initialisation",
    "other_init": "other initialisation",
}


def tickets(comparisons: pd.DataFrame, verdicts: pd.DataFrame, settings: dict[str, dict]) -> Figure:
    """T1: the end against density, the course of training at one density, and the differences to dense."""
    figure, rows = _study_rows("T1 tickets: sparse networks against the dense one", settings, (14.0, 4.7))
    for (study, spec), row in zip(settings.items(), rows, strict=True):
        mine = _of(comparisons, study, TICKETS)
        mine = mine[mine["quantity"] == spec["judging"]["metric"]]
        end, course, difference = row.subplots(1, 3, width_ratios=[1.25, 1, 1])
        _end_by_density(end, mine, _decisions(verdicts, study), spec)
        _course(course, mine, spec)
        _difference_by_density(difference, mine, _decisions(verdicts, study), spec)
    return figure


def _end_by_density(axes: Axes, mine: pd.DataFrame, decisions: pd.Series, spec: dict) -> None:
    last, margin = spec["last_step"], spec["judging"]["margin"]
    axes.set_title(f"at the end of training (step {last})")
    axes.set_ylabel(METRICS[spec["judging"]["metric"]])
    end = mine[mine["step"] == last]
    if end.empty:
        return _not_measured(axes)
    dense = end[end["contrast"] == "dense"].iloc[0]
    axes.axhline(dense["estimate"], color=BLACK, linewidth=1.2, label="dense, and up to δ worse")
    axes.axhspan(dense["estimate"], dense["estimate"] + margin, color=BLACK, alpha=0.12, linewidth=0)
    sparse = end[end["contrast"] == "ticket"]
    for variant, look in VARIANTS.items():
        rows = end[end["contrast"].eq(variant) & end["rewind_step"].eq(spec["rewind_steps"][0])].sort_values(
            "density", ascending=False
        )
        if variant not in ("dense", "dense_total", "ticket") and len(rows):
            _line(axes, rows, "density", look, look.label)
    for rewind_step, look in zip(spec["rewind_steps"], _ticket_looks(), strict=False):
        rows = sparse[sparse["rewind_step"] == rewind_step]
        _tickets_line(axes, rows, decisions, look, f"ticket from step {rewind_step}")
    total = mine[mine["contrast"] == "dense_total"]
    total = total[total["step"] == total.groupby("level")["step"].transform("max")]
    if len(total):
        look = VARIANTS["dense_total"]
        # Its place on the axis is that of the ticket whose search took as many steps.
        placed = total.assign(density=total["level"].map(sparse.groupby("level")["density"].first()))
        _line(axes, placed.sort_values("density"), "density", look, look.label)
    _density_axis(axes, end["density"])
    handles, labels = axes.get_legend_handles_labels()
    _legend(axes, [*handles, *_filling_handles()], [*labels, *(f"verdict: {word}" for word in FILLINGS)])
    return None


def _course(axes: Axes, mine: pd.DataFrame, spec: dict) -> None:
    level, rewind_step = spec["clock_level"], spec["rewind_steps"][0]
    cell = mine[mine["rewind_step"].eq(rewind_step) & mine["level"].eq(level)]
    kept = "".join(f", {_percent(density)} kept" for density in cell.loc[cell["contrast"] == "ticket", "density"][:1])
    axes.set_title(f"over training, round {level}{kept}, from step {rewind_step}")
    axes.set_ylabel(METRICS[spec["judging"]["metric"]])
    _step_axis(axes, "training step", spec["last_step"])
    if mine.empty:
        return _not_measured(axes)
    for variant in ("dense", "ticket", "reinitialised", "shuffled"):
        rows = (mine if variant == "dense" else cell)[lambda rows, name=variant: rows["contrast"] == name]
        if len(rows):
            _line(axes, rows, "step", VARIANTS[variant], VARIANTS[variant].label)
    _legend_below(axes, axes)
    return None


def _difference_by_density(axes: Axes, mine: pd.DataFrame, decisions: pd.Series, spec: dict) -> None:
    margin, last = spec["judging"]["margin"], spec["last_step"]
    axes.set_title("ticket − dense (below the line at δ: matching)")
    axes.set_ylabel(f"difference in {METRICS[spec['judging']['metric']]}")
    end = mine[mine["step"] == last]
    equal, total = (end[end["contrast"] == f"ticket - {name}"] for name in ("dense", "dense_total"))
    if equal.empty:
        return _not_measured(axes)
    axes.axhline(0, color=BLACK, linewidth=0.8)
    axes.axhline(margin, color=BLACK, linewidth=1, linestyle="--")
    axes.annotate(f"δ = {margin:g}", (0, margin), (3, 2), ("axes fraction", "data"), "offset points")
    for rewind_step, look in zip(spec["rewind_steps"], _ticket_looks(), strict=False):
        rows = equal[equal["rewind_step"] == rewind_step]
        _tickets_line(axes, rows, decisions, look, f"equal steps, ticket from step {rewind_step}")
    if len(total):
        _line(axes, total.sort_values("density"), "density", VARIANTS["dense_total"], "dense with IMP's total steps")
    _density_axis(axes, end["density"])
    _legend_below(axes, axes)
    return None


def roles(comparisons: pd.DataFrame, verdicts: pd.DataFrame, settings: dict[str, dict]) -> Figure:
    """T2: determinacy by the step at which data orders split, and agreement by kind of pair."""
    del verdicts
    figure, rows = _study_rows("T2 roles: do networks put the same roles at the same places?", settings, (12.5, 4.1))
    for (study, spec), row in zip(settings.items(), rows, strict=True):
        mine = _of(comparisons, study, ROLES)
        determinacy, agreement = row.subplots(1, 2, width_ratios=[1.3, 1])
        _determinacy(determinacy, mine, spec)
        _agreement(agreement, mine)
    return figure


def _determinacy(axes: Axes, mine: pd.DataFrame, spec: dict) -> None:
    axes.set_title("determinacy: 1 the replicate's ceiling, 0 chance")
    axes.set_ylabel("determinacy D (mean over scores)")
    _step_axis(axes, "training step at which data orders split", spec["last_step"])
    looks = {
        ("same_init", "identity"): Look("same initialisation, same index", BLUE, "o"),
        ("same_init", "hungarian"): Look("same initialisation, best matching", ORANGE, "s", "--"),
        ("other_init", "identity"): Look("other initialisation (control)", GREY, "x", ":"),
    }
    shown = False
    for (pair, matching), look in looks.items():
        rows = mine[mine["contrast"].eq(pair) & mine["quantity"].eq(f"determinacy, {matching}, all")]
        rows = rows.dropna(subset="estimate")
        if len(rows):
            shown = True
            _bars(axes, _line(axes, rows, "step", look, look.label, band=False), "step", look)
    if not shown:
        return _not_measured(axes, "not measured" if mine.empty else "replicates do not agree: not measurable")
    for name, words in (("determined", "fixed above"), ("undetermined", "free below")):
        limit = spec["judging"][name]
        axes.axhline(limit, color=BLACK, linewidth=0.8, linestyle=LONG_DASH)
        place = ((0, limit), (16, 2), ("axes fraction", "data"), "offset points")
        axes.annotate(f"{words} {limit:g}", *place, ha="left", bbox=PLAIN)
    axes.set_ylim(min(-0.1, axes.get_ylim()[0]), max(1.1, axes.get_ylim()[1]))
    _legend(axes)
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
    quantities = {f"agreement, {matching}, all": look for matching, look in looks.items()}
    rows = mine[mine["quantity"].isin(list(quantities)) & mine["contrast"].isin(list(PAIRS))]
    if rows.empty:
        return _not_measured(axes)
    steps = sorted(rows["step"].unique())
    places = [(pair, step) for pair in PAIRS for step in steps if _at(rows, pair, step).any()]
    for offset, (quantity, look) in zip((-0.21, -0.07, 0.07, 0.21), quantities.items(), strict=True):
        found = [
            rows[_at(rows, pair, step) & rows["quantity"].eq(quantity)].assign(place=place + offset)
            for place, (pair, step) in enumerate(places)
        ]
        points = pd.concat(found)
        axes.hlines(points["place"], points["ci_low"], points["ci_high"], color=look.colour, linewidth=1.5)
        axes.plot(points["estimate"], points["place"], look.marker, color=look.colour, label=look.label)
    labels = [PAIRS[pair] if pair == "replicate" else f"{PAIRS[pair]}, split at {step}" for pair, step in places]
    axes.set_yticks(range(len(places)), labels)
    axes.invert_yaxis()
    axes.axvline(0, color=BLACK, linewidth=0.8)
    _legend(axes)
    return None


def _at(rows: pd.DataFrame, pair: str, step: int) -> pd.Series:
    return rows["contrast"].eq(pair) & rows["step"].eq(step)


def transience(comparisons: pd.DataFrame, verdicts: pd.DataFrame, settings: dict[str, dict]) -> Figure:
    """T3: distance to each reference predictor over training, with A and F beside it."""
    del verdicts
    figure, rows = _study_rows("T3 transience: is structure acquired and then left again?", settings, (10.5, 3.9))
    for (study, spec), row in zip(settings.items(), rows, strict=True):
        mine, axes = _of(comparisons, study, STRUCTURE), row.subplots()
        examples = _words(spec["structure_split"])
        axes.set_title(f"distance of the dense network to reference predictors on {examples} examples; rings: nearest")
        axes.set_ylabel("KL(predictor ‖ network) (nats)")
        _step_axis(axes, "training step", spec["last_step"])
        distances = mine[mine["contrast"] == "distance"]
        if distances.empty:
            _not_measured(axes)
            continue
        for (name, course), look in zip(distances.groupby("quantity", sort=False), _series(), strict=False):
            course = _line(axes, course, "step", look, f"{_words(name)}\n{_acquired_and_forgotten(mine, name)}")
            turning = mine.loc[mine["quantity"].eq(name) & mine["contrast"].eq("acquired"), "step"]
            nearest = course[course["step"].isin(turning)]
            axes.plot(nearest["step"], nearest["estimate"], "o", markersize=11, fillstyle="none", color=look.colour)
        axes.set_ylim(bottom=0)
        _legend(axes)
    return figure


def _acquired_and_forgotten(mine: pd.DataFrame, name: str) -> str:
    parts = []
    for contrast, letter in (("acquired", "A"), ("forgotten", "F")):
        for _, row in mine[mine["quantity"].eq(name) & mine["contrast"].eq(contrast)].iterrows():
            parts.append(f"{letter} {row['estimate']:.2f} [{row['ci_low']:.2f}, {row['ci_high']:.2f}]")
    return "\n".join(parts) or "never approached"


def llc(comparisons: pd.DataFrame, verdicts: pd.DataFrame, settings: dict[str, dict]) -> Figure:
    """The learning coefficient over training and by ticket size; below, the share of estimates that are flagged."""
    del verdicts
    figure, rows = _study_rows("Local learning coefficient (LLC)", settings, (12.0, 4.8))
    for (study, spec), row in zip(settings.items(), rows, strict=True):
        mine = _of(comparisons, study, LLC)
        (over_steps, by_size), (flags_over_steps, flags_by_size) = row.subplots(
            2, 2, sharex="col", height_ratios=[3, 1]
        )
        dense, sparse = (mine[mine["contrast"] == variant] for variant in ("dense", "ticket"))
        over_steps.set_title("dense network over training")
        by_size.set_title(f"tickets at the end of training (step {spec['last_step']}) by size")
        final = dense[dense["quantity"].eq("llc") & dense["step"].eq(spec["last_step"])]
        for _, reference in final.iterrows():
            by_size.axhline(reference["estimate"], color=BLACK, linestyle="--", label="dense at the same step")
            by_size.axhspan(reference["ci_low"], reference["ci_high"], color=BLACK, alpha=0.12, linewidth=0)
        for axes, flags, rows_of, place in (
            (over_steps, flags_over_steps, dense, "step"),
            (by_size, flags_by_size, sparse, "density"),
        ):
            axes.set_ylabel("LLC estimate (dimensionless)")
            _coefficients(axes, flags, rows_of, place, VARIANTS["dense" if place == "step" else "ticket"])
        _step_axis(flags_over_steps, "training step", spec["last_step"])
        if len(sparse):
            _density_axis(flags_by_size, sparse["density"], sparsest_last=False)
        for axes, flags in ((over_steps, flags_over_steps), (by_size, flags_by_size)):
            _legend_below(flags, axes)
    return figure


def _coefficients(axes: Axes, flags: Axes, rows: pd.DataFrame, place: str, look: Look) -> None:
    """LLC where estimates are sound; hollow, the complexity at this scale with the estimates away from a minimum."""
    flags.set_ylabel("flagged")
    if rows.empty:
        _not_measured(axes)
        _not_measured(flags)
        return
    complexity = rows[rows["quantity"] == "complexity"].sort_values(place)
    _bars(axes, complexity, place, look)
    axes.plot(
        complexity[place],
        complexity["estimate"],
        color=look.colour,
        linestyle=":",
        marker=look.marker,
        markerfacecolor="white",
        markersize=6,
        label="complexity: with estimates not at a minimum",
    )
    sound = rows[rows["quantity"] == "llc"].sort_values(place)
    _bars(axes, sound, place, look)
    axes.plot(sound[place], sound["estimate"], look.marker, color=look.colour, label="LLC: estimates without a flag")
    axes.set_ylim(bottom=min(0.0, axes.get_ylim()[0]))
    flagged = rows[rows["quantity"] == "flagged"].sort_values(place)
    flags.vlines(flagged[place], 0, flagged["estimate"], color=look.colour, linewidth=4)
    flags.plot(flagged[place], flagged["estimate"], look.marker, color=look.colour, markersize=3)
    flags.set_ylim(-0.08, 1.08)
    flags.set_yticks([0, 0.5, 1], ["0 %", "50 %", "100 %"])


def clock(comparisons: pd.DataFrame, verdicts: pd.DataFrame, settings: dict[str, dict]) -> Figure:
    """When things are determined: complexity, structure, mask and roles over one axis of training steps."""
    del verdicts
    figure, rows = _study_rows("A developmental clock: one axis of training steps", settings, (9.5, 8.2))
    for (study, spec), row in zip(settings.items(), rows, strict=True):
        strips = row.subplots(len(CLOCK), 1, sharex=True)
        mine = comparisons[comparisons["study"] == study]
        for axes, strip in zip(strips, CLOCK, strict=True):
            if strip(axes, mine, spec):
                _legend(axes)
            else:
                _not_measured(axes)
        _step_axis(strips[-1], "training step", spec["last_step"])
    return figure


def _clock_llc(axes: Axes, mine: pd.DataFrame, spec: dict) -> bool:
    axes.set_ylabel("LLC or\ncomplexity")
    rows = mine[mine["test"].eq(LLC) & mine["contrast"].eq("dense")]
    if rows.empty:
        return False
    look, complexity = VARIANTS["dense"], rows[rows["quantity"] == "complexity"]
    course = _line(axes, complexity, "step", look, "dense network, some seeds flagged", hollow=True)
    sound = course[course["step"].isin(rows.loc[rows["quantity"].eq("flagged") & rows["estimate"].eq(0), "step"])]
    if len(sound):
        axes.plot(sound["step"], sound["estimate"], look.marker, color=look.colour, label="no seed flagged")
    axes.set_ylim(bottom=min(0.0, axes.get_ylim()[0]))
    return True


def _clock_structure(axes: Axes, mine: pd.DataFrame, spec: dict) -> bool:
    axes.set_ylabel("distance,\nshare of step 0")
    rows = mine[mine["test"].eq(STRUCTURE) & mine["contrast"].eq("distance")]
    for (name, course), look in zip(rows.groupby("quantity", sort=False), _series(), strict=False):
        start = course.loc[course["step"].idxmin(), "estimate"]
        scaled = course.assign(**{column: course[column] / start for column in ("estimate", "ci_low", "ci_high")})
        _line(axes, scaled, "step", look, f"to {_words(name)}")
    axes.set_ylim(bottom=0)
    return len(rows) > 0


def _clock_masks(axes: Axes, mine: pd.DataFrame, spec: dict) -> bool:
    axes.set_ylabel("mask overlap\nover chance")
    looks = {
        "final_magnitude": Look("with the final magnitude mask", BLACK, "s"),
        "imp": Look("with IMP's mask", BLUE, "o", "--"),
        "imp_other_init": Look("with another init's IMP mask", GREY, "x", ":"),
    }
    rows = mine[mine["test"].eq(MASKS) & mine["contrast"].eq("excess")]
    for reference, look in looks.items():
        _line(axes, rows[rows["quantity"] == reference], "step", look, look.label)
    return len(rows) > 0


def _clock_tickets(axes: Axes, mine: pd.DataFrame, spec: dict) -> bool:
    """Networks trained from the first weights under the magnitude mask of step t, t being the axis."""
    metric, last = spec["judging"]["metric"], spec["last_step"]
    axes.set_ylabel(f"mask of step t:\n{SHORT_METRICS[metric]} − dense")
    rows = mine[mine["test"].eq(TICKETS) & mine["quantity"].eq(metric) & mine["step"].eq(last)]
    rows = rows[rows["level"].eq(spec["clock_level"]) & rows["rewind_step"].eq(spec["rewind_steps"][0])]
    of_step = rows["contrast"].str.extract(r"^mask_at_step_(\d+) - dense$")[0].astype(float)
    # These two are masks of a step as well: the first and the last.
    of_step = of_step.fillna(rows["contrast"].map({"initial_magnitude - dense": 0.0, "one_shot - dense": float(last)}))
    masked = rows.assign(step=of_step).dropna(subset="step")
    if masked.empty:
        return False
    _line(
        axes, masked, "step", Look("", ORANGE, "D"), f"mask taken at step t, {_percent(masked['density'].iloc[0])} kept"
    )
    for _, ticket in rows[rows["contrast"] == "ticket - dense"].iterrows():
        axes.axhline(ticket["estimate"], color=BLUE, linestyle="--", label="IMP's ticket")
        axes.axhspan(ticket["ci_low"], ticket["ci_high"], color=BLUE, alpha=0.15, linewidth=0)
    axes.axhline(0, color=BLACK, linewidth=0.8)
    return True


def _clock_roles(axes: Axes, mine: pd.DataFrame, spec: dict) -> bool:
    axes.set_ylabel("determinacy,\nsplit at step t")
    rows = mine[mine["test"].eq(ROLES) & mine["quantity"].eq("determinacy, identity, all")].dropna(subset="estimate")
    for pair, look in (
        ("same_init", Look("roles, same initialisation", GREEN, "v")),
        ("other_init", Look("roles, other initialisation", GREY, "x", ":")),
    ):
        chosen = rows[rows["contrast"] == pair]
        _bars(axes, _line(axes, chosen, "step", look, look.label, band=False), "step", look)
    return len(rows) > 0


CLOCK = (_clock_llc, _clock_structure, _clock_masks, _clock_tickets, _clock_roles)

FIGURES: dict[str, Draw] = {"tickets": tickets, "roles": roles, "transience": transience, "llc": llc, "clock": clock}


def draw(name: str, comparisons: pd.DataFrame, verdicts: pd.DataFrame, settings: dict[str, dict]) -> Figure:
    """The figure of this name (a key of FIGURES) in the one style."""
    with _style():
        figure = FIGURES[name](comparisons, verdicts, settings)
        figure.draw_without_rendering()
        _settle(figure)
        return figure


def save(figure: Figure, paths: Iterable[str | Path]) -> None:
    """Write the figure to each path, PNG or SVG by its suffix, without date or version: same figure, same bytes."""
    metadata: dict[str, dict] = {"png": {"Software": None}, "svg": {"Date": None, "Creator": None}}
    with _style():
        for path in map(Path, paths):
            kind = path.suffix.removeprefix(".")
            figure.savefig(path, format=kind, metadata=metadata[kind])


def _settle(figure: Figure) -> None:
    """End the layout and round what it found: its solver differs in the last bits from one time to the next."""
    figure.set_layout_engine("none")
    for row in figure.subfigs:
        for axes in row.axes:
            left, bottom, width, height = (round(value, 6) for value in axes.get_position().bounds)
            axes.set_position((left, bottom, width, height))


def _style() -> AbstractContextManager:
    """The one style, whatever a user's own matplotlib settings say."""
    return matplotlib.rc_context({**matplotlib.rcParamsDefault, **STYLE})


def _study_rows(title: str, settings: dict[str, dict], size: tuple[float, float]) -> tuple[Figure, list[SubFigure]]:
    """A figure with one row for each study; size: (width, height) of a row in inches."""
    width, height = size
    figure = Figure(figsize=(width, height * len(settings) + 0.4), layout="constrained")
    figure.suptitle(title, fontsize=12, fontweight="bold", x=0.01, ha="left")
    rows = list(figure.subfigures(len(settings), 1, squeeze=False)[:, 0])
    for study, row in zip(settings, rows, strict=True):
        row.suptitle(f"study: {study}", fontsize=10, fontweight="bold", x=0.01, ha="left")
    return figure, rows


def _of(comparisons: pd.DataFrame, study: str, test: str) -> pd.DataFrame:
    return comparisons[comparisons["study"].eq(study) & comparisons["test"].eq(test)]


def _decisions(verdicts: pd.DataFrame, study: str) -> pd.Series:
    """The verdict words of a study by claim."""
    return verdicts[verdicts["study"] == study].set_index("claim")["decision"]


def _line(
    axes: Axes, rows: pd.DataFrame, x: str, look: Look, label: str, *, band: bool = True, hollow: bool = False
) -> pd.DataFrame:
    """Estimates along `x` with their intervals as a band; returns the rows in that order."""
    rows = rows.sort_values(x)
    axes.plot(
        rows[x],
        rows["estimate"],
        color=look.colour,
        marker=look.marker,
        linestyle=look.dash,
        label=label,
        markerfacecolor="white" if hollow else look.colour,
    )
    if band:
        axes.fill_between(rows[x], rows["ci_low"], rows["ci_high"], color=look.colour, alpha=0.15, linewidth=0)
    return rows


def _bars(axes: Axes, rows: pd.DataFrame, x: str, look: Look) -> None:
    """Intervals as bars: where points are few, a band says more than was measured."""
    axes.vlines(rows[x], rows["ci_low"], rows["ci_high"], color=look.colour, linewidth=1.2)


def _tickets_line(axes: Axes, rows: pd.DataFrame, decisions: pd.Series, look: Look, label: str) -> None:
    """Tickets along density, each marker filled by its verdict."""
    rows = _line(axes, rows, "density", Look("", look.colour, "", look.dash), "")
    axes.plot([], [], color=look.colour, linestyle=look.dash, marker=look.marker, label=label)
    for _, row in rows.iterrows():
        claim = cell_claim(row["density"], row["rewind_step"])
        _verdict_marker(axes, row["density"], row["estimate"], look, decisions[claim])


def _verdict_marker(axes: Axes, x: float, y: float, look: Look, decision: str) -> None:
    shared: dict[str, Any] = {"color": look.colour, "linestyle": "none", "zorder": 5}
    filling = FILLINGS[INCONCLUSIVE if decision == WITHHELD else decision]
    axes.plot(x, y, marker=look.marker, markersize=7, fillstyle=filling, markerfacecoloralt="white", **shared)
    if decision == NEITHER:
        axes.plot(x, y, marker="x", markersize=4.5, **shared)


def _filling_handles() -> list[tuple[Line2D, ...]]:
    """Legend entries of the verdict words, in the order of FILLINGS."""
    shared: dict[str, Any] = {"color": BLUE, "linestyle": "none", "markerfacecoloralt": "white"}
    handles: list[tuple[Line2D, ...]] = []
    for decision, filling in FILLINGS.items():
        circle = Line2D([], [], marker="o", markersize=7, fillstyle=filling, **shared)
        cross = Line2D([], [], marker="x", markersize=4.5, **shared)
        handles.append((circle, cross) if decision == NEITHER else (circle,))
    return handles


def _ticket_looks() -> Iterator[Look]:
    """One for each rewind step."""
    return cycle([VARIANTS["ticket"], Look("", INDIGO, "D", "--"), Look("", RED, "s", "-."), Look("", GREEN, "^", ":")])


def _series() -> Iterator[Look]:
    return cycle(SERIES)


def _step_axis(axes: Axes, label: str, last: int) -> None:
    """Training steps, logarithmic from 1 on, with step 0 on the axis."""
    axes.set_xscale("symlog", linthresh=1, linscale=0.4)
    axes.set_xlim(-0.3, last * 1.25)
    ticks = [0, *(first * 10**power for power in range(len(str(last))) for first in (1, 3))]
    axes.xaxis.set_major_locator(FixedLocator(ticks))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda step, _: f"{step:g}"))
    axes.xaxis.set_minor_locator(NullLocator())
    axes.set_xlabel(label)


def _density_axis(axes: Axes, densities: pd.Series, *, sparsest_last: bool = True) -> None:
    """Share of weights kept, logarithmic; read from left to right, pruning goes on."""
    axes.set_xscale("log")
    sparsest = densities.min()
    ticks = [
        tick for tick in (1, 0.7, 0.5, 0.3, 0.2, 0.1, 0.05, 0.02, 0.01, 0.005, 0.002, 0.001) if tick >= sparsest * 0.9
    ]
    axes.xaxis.set_major_locator(FixedLocator(ticks))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda share, _: f"{100 * share:g}"))
    axes.xaxis.set_minor_formatter(NullFormatter())
    axes.xaxis.set_minor_locator(NullLocator())
    ends = (1.05, sparsest * 0.92)
    axes.set_xlim(ends if sparsest_last else ends[::-1])
    axes.set_xlabel("prunable weights kept (%)")


def _legend(axes: Axes, *entries: Sequence) -> None:
    """Outside, to the right."""
    axes.legend(*entries, loc="upper left", bbox_to_anchor=(1.01, 1.0), borderaxespad=0.0)


def _legend_below(axes: Axes, entries_of: Axes) -> None:
    """Below `axes` and its label: inside, it would hide intervals."""
    entries = entries_of.get_legend_handles_labels()
    figure = axes.get_figure(root=True)
    if figure is None or not entries[0]:
        return
    below_label = ScaledTranslation(0, -34 / 72, figure.dpi_scale_trans)
    axes.legend(
        *entries,
        loc="upper left",
        bbox_to_anchor=(0, 0),
        bbox_transform=axes.transAxes + below_label,
        borderaxespad=0,
    )


def _not_measured(axes: Axes, words: str = "not measured") -> None:
    axes.text(0.5, 0.5, words, transform=axes.transAxes, ha="center", va="center", color="0.4")
    axes.grid(visible=False)
    axes.tick_params(left=False, labelleft=False, bottom=False, labelbottom=False)


def _percent(share: float) -> str:
    """As the verdicts write it."""
    return f"{100 * share:.3g}%"


def _words(name: str) -> str:
    return name.replace("_", " ")
