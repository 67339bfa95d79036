"""Whether tickets from θ₀ pass through the transient structure that the dense network learns and then loses.

The module returns the table `development` for predictions P4 and P5 of docs/theory.md. P4: acquisition A and forgetting
F (instruments/transience.py) of a transient structure in tickets, their final loss, and the same for their shuffled
controls. P5: the stages of the learning coefficient along training, and its ratio to the dense network's at equal
training loss. The bounds are those of `judging` and of the table there; a reading outside that table is inconclusive.
"""

from collections.abc import Iterator
from dataclasses import asdict, replace
from math import nan

import numpy as np
import pandas as pd

from workflow_scripts.ticketlab.core import statistics
from workflow_scripts.ticketlab.core.statistics import Estimate
from workflow_scripts.ticketlab.instruments.transience import acquisition_and_forgetting
from workflow_scripts.ticketlab.settings.judging import JudgingSettings

# Networks of the table, next to peak_{structure} and their shuffled controls (experiments/development/masks.py).
DENSE, END, SHUFFLED = "dense", "end", "_shuffled"
# Contrasts: a network's own value, its difference or ratio to the dense network, paired by seed; and A as a share of
# the dense network's first distance.
OWN, LESS, OVER, SCALED = "own", "less dense", "over dense", "on dense's scale"
SHOWN = ("", "not_a_minimum")  # flags of estimates that are shown along training, as in verdicts/comparisons.py
EQUAL_LOSS = "llc at equal loss"
LEARNED = "learned"  # what a network ends with, as a share of dense's improvement since step 0
GRID = 64  # equal losses at which two networks' coefficients are compared


def table(
    distances: pd.DataFrame,
    metrics: pd.DataFrame,
    coefficients: pd.DataFrame,
    settings: JudgingSettings,
) -> Iterator[dict]:
    """Rows of table `development` for one study, without the study.

    distances, metrics, coefficients: tables `structure`, `metrics` and `llc` of the dense networks and of the tickets
    with their controls; the last may be empty.
    """
    course = metrics[metrics["split"].eq("test") & metrics["metric"].eq(settings.metric)]
    end = course[course["step"] == course["step"].max()]
    first = course[course["variant"].eq(DENSE) & course["step"].eq(0)].set_index("init_seed")["value"]
    density = end.groupby("variant")["density"].mean()
    for row in (
        *_courses(distances, settings),
        *_ends(end, first, settings),
        *_coefficients(coefficients, settings),
    ):
        yield row | {"density": density[row["network"]]}


def _courses(distances: pd.DataFrame, settings: JudgingSettings) -> Iterator[dict]:
    """Distance along training, A and F of every structure in every network, and A and F minus the dense network's.

    A mask alone can bring θ₀ nearer to a structure, so that less is left to acquire. A is therefore also given as a
    share of the dense network's first distance.
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


def _ends(end: pd.DataFrame, first: pd.Series, settings: JudgingSettings) -> Iterator[dict]:
    """Each network's final metrics and their differences to dense, with p of "worse by the margin or more"; LEARNED.

    first: dense's values at step 0, by seed.
    """
    values = end.pivot(index="init_seed", columns="variant", values="value")
    step = int(end["step"].iloc[0])
    for network in values.columns:
        own = statistics.mean_interval(values[network], settings.alpha)
        yield _row(network, settings.metric, OWN, own, step=step)
        if network != DENSE:
            lost = statistics.not_worse(values[network] - values[DENSE], settings.margin, settings.alpha)
            yield _row(network, settings.metric, LESS, lost, step=step)
            share = (first - values[network]) / (first - values[DENSE])
            yield _row(network, LEARNED, OWN, statistics.mean_interval(share, settings.alpha), step=step)


def _coefficients(estimates: pd.DataFrame, settings: JudgingSettings) -> Iterator[dict]:
    """λ̂ along training, its change from each step to the next, and its ratio to the dense network's at equal loss.

    All are taken at the steps at which tickets have it: with more steps, the dense network would show more stages.
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
    """The mean λ̂ of one network over another's at equal training losses, over the range of losses that both have.

    first, second: rows of `llc`, one for each step. Between steps λ̂ is interpolated linearly in the logarithm of the
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


def gap(rows: pd.DataFrame, network: str, settings: JudgingSettings) -> pd.Series | None:
    """A network's final value of the study's metric minus dense's; None for dense itself."""
    return one_row(rows, network, settings.metric, LESS)


def one_row(rows: pd.DataFrame, network: str, quantity: str, contrast: str, name: str = "") -> pd.Series | None:
    """The row of a quantity that has one row for each network (and structure)."""
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
