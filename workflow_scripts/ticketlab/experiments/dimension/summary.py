"""Effective dimension compared with ticket size over seeds and cells, for prediction P7.

Sizes are compared in logarithms, so means are geometric. A relation is a line through the cells of a study for each
seed, log size on log 2λ; its slope is 1 if the size is a multiple of 2λ. λ̂ is noisy too, so a cell's 2λ̂ is its mean
over seeds (the remaining noise draws slopes towards 0). λ̂ also follows the loss, so it is taken at the loss that all
cells reach; tickets' 2λ̂, at the end, is compared with dense's at the end. Intervals of relations are over seeds, for
the chosen cells: the jackknife (Tukey 1958) with Student's t, which leaves a seed out of both axes. Where 2λ is exact,
this is Student's t of the seeds' own slopes.
"""

from collections.abc import Callable, Iterator

import numpy as np
import pandas as pd
from scipy import stats

from workflow_scripts.ticketlab.core import readings, statistics
from workflow_scripts.ticketlab.experiments.dimension.threshold import crossing
from workflow_scripts.ticketlab.tables.schemas.dimension import (
    COMPLEXITY,
    ESTIMATED,
    EXACT,
    FROZEN,
    LINEAR,
    LOSS,
    MATCHED,
    NONE,
    OF_TICKET,
    PRUNED,
    RANDOM,
)

# Arguments are logarithms: sizes (cells × seeds) and 2λ (cells).
Statistic = Callable[[np.ndarray, np.ndarray], float]
SIZE, SLOPE, CORRELATION, RATIO = "size", "slope", "rank correlation", "size / 2λ"
SCATTER = "scatter of log size / 2λ"
BELOW = "zeros below 2λ"
CHANGE, LEVEL = "change", "level"
TICKET = "smallest pruned"
SOUND = {ESTIMATED: ("",), OF_TICKET: ("",), MATCHED: ("", "not_a_minimum")}  # flags; matched: no minimum
LEAST_CELLS = 3  # through two, any relation is a line


def summary(sizes: pd.DataFrame, searches: pd.DataFrame, alpha: float) -> Iterator[dict]:
    """Rows of `dimension`: those of every cell, and those of the relation over the cells of a study (cell "").

    sizes: table `sizes` of all cells. searches: table `subspaces` of the deep linear networks.
    """
    for (study, cell, quantity), rows in sizes.groupby(["study", "cell", "quantity"], sort=False):
        values = rows[rows["flag"].isin(SOUND[quantity])] if quantity in SOUND else rows
        missing = len(rows) - len(values) if quantity in SOUND else int(rows["flag"].ne("").sum())
        yield _row(study, cell, quantity, SIZE, geometric(values["size"].to_numpy(), alpha), missing)
    for kind in (RANDOM, FROZEN):
        exact = sizes[sizes["study"].eq(LINEAR) & sizes["quantity"].eq(EXACT)].groupby("cell")["size"].first()
        tried = searches[searches["kind"] == kind]
        small = tried[tried["size"] < tried["cell"].map(exact)]
        found = int((small["value"] <= small["bound"]).sum())
        interval = stats.binomtest(found, len(small)).proportion_ci(1 - alpha)
        yield _row(LINEAR, "", kind, BELOW, (found / len(small), interval.low, interval.high, len(small)), 0)
    for study, rows in sizes.groupby("study", sort=False):
        yield from _relations(str(study), rows, alpha)


def _relations(study: str, rows: pd.DataFrame, alpha: float) -> Iterator[dict]:
    flags = zip(rows["quantity"], rows["flag"], strict=True)
    sound = rows[[flag in SOUND.get(quantity, (flag,)) for quantity, flag in flags]]
    of_sizes = sound[~sound["quantity"].isin([EXACT, ESTIMATED, MATCHED, LOSS])]
    for quantity, mine in of_sizes.groupby("quantity", sort=False):
        complexities = sound[sound["quantity"].eq(complexity_of(study, str(quantity))) & sound["size"].gt(0)]
        against = complexities.pivot(index="cell", columns="init_seed", values="size")
        table = mine.pivot(index="cell", columns="init_seed", values="size").reindex(against.index)
        known = table.gt(0).all(axis=1)
        if known.sum() < LEAST_CELLS:
            continue
        missing = rows["cell"].nunique() - int(known.sum())
        logarithms = np.log(table[known]), np.log(against[known])
        for contrast, statistic in RELATIONS.items():
            yield _row(study, "", quantity, contrast, jackknife(statistic, *logarithms, alpha), missing)
        centre, low, high, count = jackknife(_log_ratio, *logarithms, alpha)
        ratio = float(np.exp(centre)), float(np.exp(low)), float(np.exp(high)), count
        yield _row(study, "", quantity, RATIO, ratio, missing)


def jackknife(statistic: Statistic, sizes: pd.DataFrame, complexities: pd.DataFrame, alpha: float) -> readings.Dose:
    """A relation with its interval over seeds. sizes, complexities: logarithms, cells × seeds; NaN where there is none.

    A seed is left out of both, so that the noise of a cell's mean 2λ̂ counts like that of the sizes. If one of the cells
    has no seed with a 2λ̂, there is no interval.
    """
    seeds = sizes.columns.union(complexities.columns)
    count = len(seeds)

    def of(kept: pd.Index) -> float:
        some, x = (table.loc[:, table.columns.isin(kept)] for table in (sizes, complexities))
        return statistic(some.to_numpy(), x.mean(axis=1).to_numpy())

    centre = of(seeds)
    if count < 2:
        return centre, np.nan, np.nan, count
    half = statistics.jackknife_margin([of(seeds.drop(seed)) for seed in seeds], alpha)
    return centre, centre - half, centre + half, count


def slope(sizes: np.ndarray, complexity: np.ndarray) -> float:
    """The mean over seeds of the slope of each seed's least-squares line."""
    centred = complexity - complexity.mean()
    return float((centred @ sizes).mean() / (centred @ centred))


def _rank_correlation(sizes: np.ndarray, complexity: np.ndarray) -> float:
    found = [stats.spearmanr(complexity, seed).statistic if np.ptp(seed) else np.nan for seed in sizes.T]
    return float(np.mean(found))


def _log_ratio(sizes: np.ndarray, complexity: np.ndarray) -> float:
    return float((sizes - complexity[:, None]).mean())


def _scatter(sizes: np.ndarray, complexity: np.ndarray) -> float:
    return float((sizes - complexity[:, None]).std(0, ddof=1).mean())


RELATIONS: dict[str, Statistic] = {SLOPE: slope, CORRELATION: _rank_correlation, SCATTER: _scatter}


def complexity_of(study: str, quantity: str) -> str:
    """The 2λ that a size is compared with: exact, or dense's at matched loss; for tickets, their own at the end."""
    if study == LINEAR:
        return EXACT
    return ESTIMATED if quantity == OF_TICKET else MATCHED


def of_rotations(rows: pd.DataFrame, margin: float, alpha: float) -> Iterator[dict]:
    """Rows of `dimension` of one study's table `rotations`; a rotation is a cell.

    Levels are means over seeds; changes are paired by seed. The change of a metric is its difference to the unrotated
    network; the change of λ̂, and of the smallest density within `margin` of the unpruned network, is relative. Several
    random rotations of one seed are averaged first. Seeds with a flagged λ̂ do not count.
    """
    study = rows["study"].iloc[0]
    pruned = rows[rows["quantity"] == PRUNED]
    smallest = []
    for keys, curve in pruned.groupby(["init_seed", "rotation", "index"], sort=False):
        ascending = curve.sort_values("density")
        values = ascending["value"].to_numpy()
        size, flag = crossing(ascending["density"].to_numpy(), values, values[-1] + margin)
        smallest.append((*keys, TICKET, np.nan, size, flag))
    columns = ["init_seed", "rotation", "index", "quantity", "density", "value", "flag"]
    named = rows.assign(
        quantity=[_name(quantity, density) for quantity, density in zip(rows["quantity"], rows["density"], strict=True)]
    )
    everything = pd.concat([named[columns], pd.DataFrame(smallest, columns=columns)])
    for quantity, mine in everything.groupby("quantity", sort=False):
        good = mine.assign(value=mine["value"].where(mine["flag"].eq("")))
        table = good.pivot_table("value", "init_seed", "rotation", aggfunc=lambda v: v.mean(skipna=False), dropna=False)
        relative = quantity in (COMPLEXITY, TICKET)
        for rotation in mine["rotation"].unique():
            values = table[rotation].dropna()
            missing = len(table) - len(values)
            yield _row(study, rotation, quantity, LEVEL, _mean(values.to_numpy(), alpha), missing)
            if rotation != NONE:
                both = table[[NONE, rotation]].dropna()
                change = both[rotation] - both[NONE]
                change = change / both[NONE].mean() if relative else change
                yield _row(study, rotation, quantity, CHANGE, _mean(change.to_numpy(), alpha), len(table) - len(both))


def _name(quantity: str, density: float) -> str:
    return quantity if quantity == COMPLEXITY else f"{quantity} to {density:.3g}"


def geometric(values: np.ndarray, alpha: float) -> readings.Dose:
    """The geometric mean with the t interval of the logarithms; 0 without an interval if any value is 0."""
    if (values <= 0).any():
        return (0.0 if (values == 0).any() else np.nan), np.nan, np.nan, len(values)
    estimate, low, high, count = _mean(np.log(values), alpha)
    return float(np.exp(estimate)), float(np.exp(low)), float(np.exp(high)), count


def _mean(values: np.ndarray | list, alpha: float) -> readings.Dose:
    if not len(values):
        return np.nan, np.nan, np.nan, 0
    found = statistics.mean_interval(values, alpha)
    return found.estimate, found.ci_low, found.ci_high, found.n


def _row(study: str, cell: str, quantity: str, contrast: str, dose: readings.Dose, missing: int) -> dict:
    names = ("estimate", "ci_low", "ci_high", "n")
    return {
        "study": study,
        "cell": cell,
        "quantity": quantity,
        "contrast": contrast,
        **dict(zip(names, dose, strict=True)),
        "missing": missing,
    }
