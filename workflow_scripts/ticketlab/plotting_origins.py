"""The figures of what of the end is in θ₀ already: what each part of θ₀ keeps, and from when on roles are foretold."""

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from workflow_scripts.ticketlab.origins import MASKS, ROLES
from workflow_scripts.ticketlab.plotting import BLACK, BLUE, GREEN, GREY, ORANGE, PLAIN, PURPLE, Look, step_axis, style

# By part of θ₀ that is kept, in the order of drawing.
PARTS = {
    "ticket": Look("ticket", BLUE, "o"),
    "random": Look("as many\nat random", GREY, "X"),
    "largest": Look("as many,\nthe largest", PURPLE, "D"),
    "rest": Look("the rest", ORANGE, "s"),
}
TITLES = {ROLES: "roles", MASKS: "largest final weights"}
FORETOLD = {
    "roles": Look("roles, by components at step k", BLUE, "o"),
    "permuted": Look("the same, roles permuted (control)", GREY, "x", ":"),
}
CHOSEN = {"all": Look("", GREEN, "o"), "all, other init": Look("", GREY, "x")}


def parts(frame: pd.DataFrame, judging: dict[str, dict]) -> Figure:
    """P3. frame: table `resample`; judging: by study, its section of the config. `plotting.save` writes it."""
    with style():
        drawn = _figure(
            "P3: what of θ₀'s decisions is kept when only a part of θ₀ is?", len(judging), right=0.93, wspace=0.3
        )
        panels = drawn.subplots(len(judging), 2, squeeze=False, sharey=True)
        for (study, section), row in zip(judging.items(), panels, strict=True):
            for axes, quantity in zip(row, (ROLES, MASKS), strict=True):
                mine = frame[frame["study"].eq(study) & frame["quantity"].eq(f"{quantity}: share")]
                axes.set_title(f"{study}: {TITLES[quantity]}")
                _shares(axes, mine.set_index("contrast"), section)
            row[0].set_ylabel("share kept")
        drawable = frame[frame["study"].isin(judging) & frame["quantity"].isin([f"{q}: share" for q in TITLES])]
        shown = drawable[drawable["contrast"].isin(PARTS)]
        panels[0, 0].set_ylim(min(-0.15, shown["ci_low"].min() - 0.05), max(1.1, shown["ci_high"].max() + 0.05))
    return drawn


def _shares(axes: Axes, shares: pd.DataFrame, section: dict) -> None:
    axes.axhline(1, color=BLACK, linewidth=0.8)
    axes.axhline(0, color=BLACK, linewidth=0.8)
    for bound in (section["undetermined"], section["determined"]):
        axes.axhline(bound, color=GREY, linewidth=0.8, linestyle="--")
    shown = [part for part in PARTS if part in shares.index]
    for place, part in enumerate(shown):
        row, look = shares.loc[part], PARTS[part]
        if pd.isna(row["estimate"]):
            continue
        axes.plot(place, row["estimate"], color=look.colour, marker=look.marker, markersize=6)
        axes.vlines(place, row["ci_low"], row["ci_high"], color=look.colour, linewidth=1.6)
        axes.annotate(
            f"{row['estimate']:.2f}".replace("-", "−"), (place, row["estimate"]), (7, 3), textcoords="offset points"
        )
    if shares.loc["ticket", "reason"]:
        axes.text(0.5, 0.5, "nothing to keep:\nno determinacy", transform=axes.transAxes, ha="center", va="center")
    axes.set_xticks(range(len(shown)), [PARTS[part].label for part in shown])
    axes.set_xlim(-0.5, len(shown) - 0.3)
    axes.tick_params(labelleft=True)
    axes.grid(visible=False, axis="x")
    end = axes.get_yaxis_transform()
    axes.text(1.01, 1, "all of θ₀", transform=end, va="center", fontsize=8)
    axes.text(1.01, 0, "another θ₀", transform=end, va="center", fontsize=8)
    axes.text(1.01, section["determined"], "above: kept", transform=end, va="center", fontsize=8, color=GREY)
    axes.text(1.01, section["undetermined"], "below: lost", transform=end, va="center", fontsize=8, color=GREY)


def roles(frame: pd.DataFrame, foretelling: dict[str, dict]) -> Figure:
    """P8. frame: table `foretold`; foretelling: by study, its section of the config. `plotting.save` writes it."""
    with style():
        drawn = _figure("P8: from when on are roles foretold?", len(foretelling), right=0.98, wspace=0.55)
        panels = drawn.subplots(len(foretelling), 2, width_ratios=[1.7, 1], squeeze=False)
        for (study, section), (left, right) in zip(foretelling.items(), panels, strict=True):
            mine = frame[frame["study"].eq(study) & frame["score"].eq("all")]
            left.set_title(f"{study}: who will have which role?")
            left.set_ylabel("AUC, networks left out")
            _curves(left, mine[mine["quantity"] == "AUC"], section)
            right.set_title("who will matter? (supermask over θ₀)")
            right.set_xlabel("rank correlation with the ablation effect")
            _chosen(right, mine[mine["quantity"] == "supermask"], section)
        panels[0, 0].legend(loc="upper left", bbox_to_anchor=(0.0, 1.0))
    return drawn


def _curves(axes: Axes, rows: pd.DataFrame, section: dict) -> None:
    axes.axhspan(section["chance"], section["foretold"], color=BLACK, alpha=0.08, linewidth=0)
    for contrast, look in FORETOLD.items():
        mine = rows[rows["contrast"] == contrast].sort_values("step")
        (line,) = axes.plot(mine["step"], mine["estimate"], color=look.colour, marker=look.marker, label=look.label)
        line.set(linestyle=look.dash)
        axes.vlines(mine["step"], mine["ci_low"], mine["ci_high"], color=look.colour, linewidth=1.4)
    step_axis(axes, "training step k", int(rows["step"].max()))
    axes.set_ylim(0.3, 1.03)
    end = axes.get_yaxis_transform()
    axes.text(0.99, section["chance"] + 0.015, "not foretold", transform=end, ha="right", fontsize=8, color=GREY)


def _chosen(axes: Axes, rows: pd.DataFrame, section: dict) -> None:
    axes.axvspan(-section["overlap"], section["overlap"], color=BLACK, alpha=0.08, linewidth=0)
    axes.axvline(0, color=BLACK, linewidth=0.8)
    single = sorted(set(rows["contrast"]) - set(CHOSEN))
    names = [*single, *(name for name in CHOSEN if name in set(rows["contrast"]))]
    for place, name in enumerate(reversed(names)):
        row, look = rows[rows["contrast"] == name].iloc[0], CHOSEN.get(name, Look("", BLACK, "v"))
        axes.plot(row["estimate"], place, color=look.colour, marker=look.marker)
        axes.hlines(place, row["ci_low"], row["ci_high"], color=look.colour, linewidth=1.4)
    words = {"all": "mean of these", "all, other init": "other networks' ends (control)"}
    labels = [words.get(name, name.removeprefix("supermask_").replace("_", " ")) for name in names]
    axes.set_yticks(range(len(names)), reversed(labels))
    axes.set_ylim(-0.6, len(names) - 0.4)
    axes.text(0, len(names) - 0.5, "no choice", ha="center", va="top", fontsize=8, color=GREY, bbox=PLAIN)
    axes.set_xlim(min(-0.6, axes.get_xlim()[0]), max(0.6, axes.get_xlim()[1]))
    axes.grid(visible=False, axis="y")


def _figure(title: str, rows: int, right: float, wspace: float) -> Figure:
    """With fixed places: a layout that is solved for differs in its last bits from one time to the next."""
    height = 2.9 * rows + 0.6
    drawn = Figure(figsize=(11.0, height))
    drawn.suptitle(title, fontsize=12, fontweight="bold", x=0.01, y=1 - 0.1 / height, va="top", ha="left")
    drawn.subplots_adjust(left=0.07, right=right, bottom=0.6 / height, top=1 - 0.7 / height, wspace=wspace, hspace=0.45)
    return drawn
