"""Fate of the transient: do tickets from θ₀ go through what the dense network acquires and leaves again?

Predictions P4 and P5 of docs/theory.md. P4: acquisition A and forgetting F (transience.py) of a transient structure in
tickets, the loss that they end with, and the same of their shuffled controls. P5: the stages of the learning
coefficient along training, and its ratio to the dense network's at equal training loss. The bounds are those of
`judging` and of the table there; a reading that the table does not give is inconclusive.
"""

from collections.abc import Iterator, Sequence
from dataclasses import asdict, replace
from math import nan

import numpy as np
import pandas as pd

from workflow_scripts.ticketlab import doses, statistics
from workflow_scripts.ticketlab.doses import BUILT, LATENT
from workflow_scripts.ticketlab.settings.judging import JudgingSettings
from workflow_scripts.ticketlab.statistics import Estimate
from workflow_scripts.ticketlab.transience import acquisition_and_forgetting
from workflow_scripts.ticketlab.verdicts import INCONCLUSIVE

# Networks of the table, beside peak_{structure} and their shuffled controls (developing.py).
DENSE, END, SHUFFLED = "dense", "end", "_shuffled"
# Contrasts: a network's own value, its difference or ratio to the dense network, paired by seed; and A as a share of
# the dense network's first distance.
OWN, LESS, OVER, SCALED = "own", "less dense", "over dense", "on dense's scale"
SHOWN = ("", "not_a_minimum")  # flags of estimates that are shown along training, as in comparisons.py
EQUAL_LOSS = "llc at equal loss"
GRID = 64  # equal losses at which two networks' coefficients are compared
# What becomes of a structure.
SKIPPED, THROUGH, KEPT, UNCLEAR = "skipped", "gone through", "acquired and kept", "unclear"
MATCHES, FAILS = "matches", "does not match"


def table(
    distances: pd.DataFrame,
    metrics: pd.DataFrame,
    coefficients: pd.DataFrame,
    settings: JudgingSettings,
) -> Iterator[dict]:
    """Rows of table `fates` for one study, without the study.

    distances, metrics, coefficients: tables `structure`, `metrics` and `llc` of the dense networks and of the tickets
    with their controls; the last may be empty.
    """
    end = metrics[metrics["split"].eq("test") & metrics["metric"].eq(settings.metric)]
    end = end[end["step"] == end["step"].max()]
    density = end.groupby("variant")["density"].mean()
    for row in (
        *_courses(distances, settings),
        *_ends(end, settings),
        *_coefficients(coefficients, settings),
    ):
        yield row | {"density": density[row["network"]]}


def _courses(distances: pd.DataFrame, settings: JudgingSettings) -> Iterator[dict]:
    """Distance along training, A and F of every structure in every network, and A and F less the dense network's.

    A mask alone can bring θ₀ nearer to a structure, and then there is less to acquire: so A is also taken as a share of
    the first distance of the dense network.
    """
    for name, of_structure in distances.groupby("structure"):
        found = {}
        for network, group in of_structure.groupby("variant"):
            values = group.pivot(index="init_seed", columns="step", values="distance").sort_index(axis=1)
            for step in values.columns:
                result = statistics.mean_interval(values[step], settings.alpha)
                yield _row(network, "distance", OWN, result, structure=name, step=step)
            course = acquisition_and_forgetting(values.columns.tolist(), values.to_numpy())
            found[network] = pd.DataFrame({"acquired": course.acquired, "forgotten": course.forgotten}, values.index)
            at = {"structure": name, "step": int(course.turning_step.min())}  # as in comparisons.structure
            for quantity, threshold in (("acquired", settings.acquired), ("forgotten", settings.forgotten)):
                mine = found[network][quantity]
                if quantity == "forgotten":
                    mine = mine.dropna()  # a seed that never came nearer has nothing to forget
                if len(mine):
                    result = statistics.exceeds(mine, threshold, settings.alpha)
                    yield _row(network, quantity, OWN, result, **at)
        first = of_structure[of_structure["step"].eq(0)].set_index(["variant", "init_seed"])["distance"]
        for network, mine in found.items():
            if network == DENSE:
                continue
            left = (1 - mine["acquired"]) * first[network]
            scaled = statistics.exceeds(1 - left / first[DENSE].loc[mine.index], settings.acquired, settings.alpha)
            yield _row(network, "acquired", SCALED, scaled, structure=name)
            difference = mine - found[DENSE].loc[mine.index]
            for quantity in difference:
                values = difference[quantity].dropna() if quantity == "forgotten" else difference[quantity]
                if len(values):
                    result = statistics.mean_interval(values, settings.alpha)
                    yield _row(network, quantity, LESS, result, structure=name)


def _ends(end: pd.DataFrame, settings: JudgingSettings) -> Iterator[dict]:
    """What each network ends with, and its difference to dense: p of "worse by the margin or more"."""
    values = end.pivot(index="init_seed", columns="variant", values="value")
    step = int(end["step"].iloc[0])
    for network in values.columns:
        own = statistics.mean_interval(values[network], settings.alpha)
        yield _row(network, settings.metric, OWN, own, step=step)
        if network != DENSE:
            lost = statistics.not_worse(values[network] - values[DENSE], settings.margin, settings.alpha)
            yield _row(network, settings.metric, LESS, lost, step=step)


def _coefficients(estimates: pd.DataFrame, settings: JudgingSettings) -> Iterator[dict]:
    """λ̂ along training, its change from each step to the next, and its ratio to the dense network's at equal loss.

    All at the steps at which tickets have it, or the dense network would show more stages for being looked at more.
    The p-values of one network's changes are adjusted by Holm's method.
    """
    steps = estimates.loc[estimates["variant"] != DENSE, "step"].unique()
    shown = estimates[estimates["flag"].isin(SHOWN) & estimates["step"].isin(steps)]
    for network, group in shown.groupby("variant"):
        values = group.pivot(index="init_seed", columns="step", values="llc").sort_index(axis=1)
        for step in values.columns:
            result = statistics.mean_interval(values[step].dropna(), settings.alpha)
            yield _row(network, "llc", OWN, result, step=step)
        changes = {
            later: statistics.mean_interval(moved, settings.alpha)
            for earlier, later in zip(values.columns, values.columns[1:], strict=False)
            if len(moved := (values[later] - values[earlier]).dropna()) > 1
        }
        adjusted = statistics.holm([change.p for change in changes.values()]) if changes else []
        for (step, change), p in zip(changes.items(), adjusted, strict=True):
            yield _row(network, "llc_change", OWN, replace(change, p=p), step=step)
    curves = dict(iter(shown.groupby(["variant", "init_seed"])))
    for network in shown["variant"].unique():
        if network != DENSE:
            ratios = [
                at_equal_loss(curve, curves[DENSE, seed])
                for (mine, seed), curve in curves.items()
                if mine == network and (DENSE, seed) in curves
            ]
            logs = np.log([ratio for ratio in ratios if ratio > 0])
            if len(logs):
                result = statistics.mean_interval(logs, settings.alpha)
                mean, low, high = np.exp([result.estimate, result.ci_low, result.ci_high]).tolist()
                yield _row(network, EQUAL_LOSS, OVER, Estimate(mean, low, high, result.p, result.n))


def at_equal_loss(first: pd.DataFrame, second: pd.DataFrame) -> float:
    """The mean λ̂ of one network over another's, at equal training losses: over the range that both went through.

    first, second: rows of `llc`, one for each step. Between steps λ̂ is taken to be straight in the logarithm of the
    loss. NaN if there is no common range or a mean is not positive.
    """
    ranges = [(np.log(curve["init_loss"].min()), np.log(curve["init_loss"].max())) for curve in (first, second)]
    low, high = max(a for a, _ in ranges), min(b for _, b in ranges)
    if not low < high:
        return nan
    losses = np.linspace(low, high, GRID)
    means = [
        np.interp(losses, np.log(curve["init_loss"]), curve["llc"]).mean()
        for curve in (first.sort_values("init_loss"), second.sort_values("init_loss"))
    ]
    return float(means[0] / means[1]) if min(means) > 0 else nan


def foretold(fates: pd.DataFrame, studies: dict[str, JudgingSettings]) -> Iterator[tuple[str, dict]]:
    """(study, doses.row) of predictions P4 and P5; `fates`: the table of all studies, `studies`: their settings."""
    for study, rows in fates.groupby("study", sort=False):
        settings = studies[study]
        for row in (*transients(rows, settings), *stages_of_tickets(rows, settings)):
            yield study, row


def transients(rows: pd.DataFrame, settings: JudgingSettings) -> Iterator[dict]:
    """P4, for each structure whose peak gave a mask: the mask of the end first, then that of the peak.

    Latent predicts only what the end's mask does: a mask of the peak keeps what was large there, so that it goes
    through the transient is allowed by either view.
    """
    networks = rows["network"].unique()
    for name in sorted(rows["structure"].unique()):
        if f"peak_{name}" not in networks:
            continue
        dense = fate(rows, DENSE, name, settings)
        for network, words in ((END, "mask of the end"), (f"peak_{name}", "mask of its peak")):
            acquired = _one(rows, network, "acquired", OWN, name)
            if acquired is None:
                continue
            reason = describe(rows, network, name, settings)
            if network == END:
                latent = f"A < {settings.acquired:g}, matching"
                verdict, why = _judged(rows, name, dense, settings)
            else:
                latent = "any"
                verdict, why = INCONCLUSIVE, "neither view is tied to this mask"
            yield doses.row(
                "P4",
                f"{name} acquired (A) by the ticket at {acquired['density']:.1%} kept, {words}",
                doses.of_row(acquired),
                latent,
                f"A > {settings.acquired:g} and F > {settings.forgotten:g}; or not matching",
                verdict,
                f"{why}: {reason}; shuffled: {describe(rows, network + SHUFFLED, name, settings)}",
                "fate",
            )


def _judged(rows: pd.DataFrame, name: str, dense: str, settings: JudgingSettings) -> tuple[str, str]:
    """The verdict on the ticket with the end's mask, by the table of predictions, and the reason."""
    mine, end = fate(rows, END, name, settings), match(rows, END, settings)
    control = (fate(rows, END + SHUFFLED, name, settings), match(rows, END + SHUFFLED, settings))
    if dense != THROUGH:
        return INCONCLUSIVE, f"the dense network has no transient here ({dense})"
    if end == FAILS:
        return BUILT, "it does not match, as 'built' allows, though that refutes nothing"
    if end != MATCHES:
        return INCONCLUSIVE, "it is shown neither to match nor to fail"
    if mine == THROUGH:
        return BUILT, "a matching ticket goes through the transient"
    if mine == SKIPPED and control == (SKIPPED, MATCHES):
        return INCONCLUSIVE, "it skips the transient, but so does its shuffled mask: sparsity is enough"
    if mine == SKIPPED:
        return LATENT, "a matching ticket skips the transient"
    return INCONCLUSIVE, f"the transient's fate is what neither view predicts ({mine})"


def fate(rows: pd.DataFrame, network: str, name: str, settings: JudgingSettings) -> str:
    """What becomes of a structure in a network: by the whole intervals of A and F against the study's thresholds.

    A must be below, or above, both as a share of the network's own first distance and of the dense network's.
    """
    acquired, scaled, forgotten = (
        _one(rows, network, quantity, contrast, name)
        for quantity, contrast in (("acquired", OWN), ("acquired", SCALED), ("forgotten", OWN))
    )
    both = pd.DataFrame([row for row in (acquired, scaled) if row is not None])
    if both.empty or both["ci_low"].isna().any():
        return UNCLEAR
    if (both["ci_high"] < settings.acquired).all():
        return SKIPPED
    if not (both["ci_low"] > settings.acquired).all() or forgotten is None or pd.isna(forgotten["ci_low"]):
        return UNCLEAR
    if forgotten["ci_low"] > settings.forgotten:
        return THROUGH
    return KEPT if forgotten["ci_high"] < settings.forgotten else UNCLEAR


def gap(rows: pd.DataFrame, network: str, settings: JudgingSettings) -> pd.Series | None:
    """What a network ends with less what dense does, in the study's metric; None of dense itself."""
    return _one(rows, network, settings.metric, LESS)


def match(rows: pd.DataFrame, network: str, settings: JudgingSettings) -> str:
    """Is a network as good as dense at the end, as T1 judges it: not worse by the margin δ?"""
    lost = gap(rows, network, settings)
    if lost is not None and lost["ci_high"] < settings.margin:
        return MATCHES
    return FAILS if lost is not None and lost["ci_low"] > settings.margin else UNCLEAR


def describe(rows: pd.DataFrame, network: str, name: str, settings: JudgingSettings) -> str:
    """A network's fate in words and numbers."""
    parts = [fate(rows, network, name, settings)]
    for letter, quantity in (("A", "acquired"), ("F", "forgotten")):
        row = _one(rows, network, quantity, OWN, name)
        if row is not None:
            parts.append(f"{letter} {row['estimate']:.2f} [{row['ci_low']:.2f}, {row['ci_high']:.2f}]")
    scaled = _one(rows, network, "acquired", SCALED, name)
    if scaled is not None:
        parts[1] += f" ({scaled['estimate']:.2f} on dense's scale)"
    lost = gap(rows, network, settings)
    if lost is not None:
        parts.append(f"{settings.metric} {lost['estimate']:+.3f} to dense, {match(rows, network, settings)}")
    return ", ".join(parts)


def stages_of_tickets(rows: pd.DataFrame, settings: JudgingSettings) -> Iterator[dict]:
    """P5: the stages of λ̂ along training, and its level at equal training loss, which speaks for neither view."""
    estimated = rows[rows["network"].eq(END) & rows["quantity"].eq("llc")]
    if estimated.empty:
        return
    dense, ticket, control = (stages(rows, network, settings) for network in (DENSE, END, END + SHUFFLED))
    verdict, why = _compared(dense, ticket, control, match(rows, END, settings) == MATCHES)
    words = "; ".join(
        f"{name}: {', '.join(found) or 'none'}"
        for name, found in (("dense", dense), ("ticket", ticket), ("shuffled", control))
    )
    yield doses.row(
        "P5",
        f"stages of λ̂ along training, ticket at {estimated['density'].iloc[0]:.1%} kept",
        (float(len(ticket)), nan, nan, int(estimated["n"].max())),
        f"fewer than dense's {len(dense)}, in no control",
        f"dense's {len(dense)}",
        verdict,
        f"{why} ({words})",
        "fate",
    )
    for network, what in ((END, "ticket"), (END + SHUFFLED, "shuffled control")):
        ratio = _one(rows, network, EQUAL_LOSS, OVER)
        if ratio is not None:
            yield doses.row(
                "P5",
                f"λ̂ of the {what} at {ratio['density']:.1%} kept / dense, at equal training loss",
                doses.of_row(ratio),
                "any level",
                "any level",
                INCONCLUSIVE,
                "the level of λ̂ speaks for neither (statement 8)",
                "fate",
            )


def stages(rows: pd.DataFrame, network: str, settings: JudgingSettings) -> list[str]:
    """The rises and falls of a network's mean λ̂ along training, in order, each once.

    A change between neighbouring steps counts if it is significant after Holm's adjustment; those in one direction
    that follow each other are one stage.
    """
    mine = rows[rows["network"].eq(network) & rows["quantity"].eq("llc_change")].sort_values("step")
    significant = mine.loc[mine["p"] < settings.alpha, "estimate"]
    directions = ["rise" if change > 0 else "fall" for change in significant]
    return [now for before, now in zip([None, *directions], directions, strict=False) if now != before]


def _compared(dense: Sequence[str], ticket: Sequence[str], control: Sequence[str], matches: bool) -> tuple[str, str]:
    if len(dense) < 2:
        return INCONCLUSIVE, "the dense network has fewer than two stages to tell apart"
    if ticket == dense:
        return BUILT, "the same stages in the same order"
    if not _within(ticket, dense):
        return INCONCLUSIVE, "the ticket has other stages"
    if _within(control, dense) and control != dense:
        return INCONCLUSIVE, "a stage is missing, but in the shuffled control too"
    if not matches:
        return INCONCLUSIVE, "a stage is missing, but the ticket is not shown to match"
    if control != dense:
        return INCONCLUSIVE, "a stage is missing, and the shuffled control has others"
    return LATENT, "a stage is missing in the ticket and in no control"


def _within(part: Sequence[str], whole: Sequence[str]) -> bool:
    """Whether `part` is `whole` with some stages left out."""
    left = iter(whole)
    return all(stage in left for stage in part)


def _one(rows: pd.DataFrame, network: str, quantity: str, contrast: str, name: str = "") -> pd.Series | None:
    """The row of a quantity that has one for each network (and structure)."""
    found = rows[
        rows["network"].eq(network)
        & rows["structure"].eq(name)
        & rows["quantity"].eq(quantity)
        & rows["contrast"].eq(contrast)
    ]
    return None if found.empty else found.iloc[0]


def _row(network: str, quantity: str, contrast: str, result: Estimate, *, structure: str = "", step: int = 0) -> dict:
    return {
        "network": network,
        "structure": structure,
        "quantity": quantity,
        "contrast": contrast,
        "step": step,
        **asdict(result),
    }
