"""Effective dimension and ticket size of deep linear networks over seeds and networks, for prediction P7.

Sizes are compared in logarithms, so means are geometric. A relation is a line through the networks for each seed, log
size on log 2λ; its slope is 1 if the size is a multiple of 2λ, which is exact here. Intervals are Student's t of the
seeds' own relations, for the chosen networks.
"""

from collections.abc import Callable, Iterator

import numpy as np
import pandas as pd
from scipy import stats

from workflow_scripts.ticketlab.core import readings, statistics
from workflow_scripts.ticketlab.tables.schemas.dimension import EXACT, FROZEN, RANDOM

# Of logarithms: sizes (cells × seeds) and 2λ (cells × 1), to one number for each seed.
Statistic = Callable[[np.ndarray, np.ndarray], np.ndarray]
SIZE, SLOPE, CORRELATION, RATIO = "size", "slope", "rank correlation", "size / 2λ"
SCATTER = "scatter of log size / 2λ"
BELOW = "zeros below 2λ"
LEAST_CELLS = 3  # through two, any relation is a line


def summary(sizes: pd.DataFrame, searches: pd.DataFrame, alpha: float) -> Iterator[dict]:
    """Rows of `dimension`: those of every network, and those of the relations over the networks (cell "").

    sizes, searches: tables `sizes` and `subspaces`.
    """
    for (cell, quantity), rows in sizes.groupby(["cell", "quantity"], sort=False):
        yield _row(cell, quantity, SIZE, geometric(rows["size"].to_numpy(), alpha))
    exact = sizes[sizes["quantity"] == EXACT].groupby("cell")["size"].first()
    for kind in (RANDOM, FROZEN):
        tried = searches[searches["kind"] == kind]
        small = tried[tried["size"] < tried["cell"].map(exact)]
        found = int((small["value"] <= small["bound"]).sum())
        interval = stats.binomtest(found, len(small)).proportion_ci(1 - alpha)
        yield _row("", kind, BELOW, (found / len(small), interval.low, interval.high, len(small)))
    for quantity, mine in sizes[sizes["quantity"] != EXACT].groupby("quantity", sort=False):
        table = mine.pivot(index="cell", columns="init_seed", values="size")
        known = table[table.gt(0).all(axis=1)]
        if len(known) < LEAST_CELLS:
            continue
        logarithms = np.log(known.to_numpy()), np.log(exact[known.index].to_numpy())[:, None]
        missing = len(table) - len(known)
        for contrast, statistic in RELATIONS.items():
            yield _row("", quantity, contrast, _mean(statistic(*logarithms), alpha), missing)
        yield _row("", quantity, RATIO, _exp(_mean((logarithms[0] - logarithms[1]).mean(0), alpha)), missing)


def slope(sizes: np.ndarray, complexity: np.ndarray) -> np.ndarray:
    """The slope of each seed's least-squares line."""
    centred = complexity - complexity.mean()
    return (centred * sizes).sum(0) / (centred**2).sum()


def _rank_correlation(sizes: np.ndarray, complexity: np.ndarray) -> np.ndarray:
    return np.array([stats.spearmanr(complexity[:, 0], seed).statistic if np.ptp(seed) else np.nan for seed in sizes.T])


def _scatter(sizes: np.ndarray, complexity: np.ndarray) -> np.ndarray:
    return (sizes - complexity).std(0, ddof=1)


RELATIONS: dict[str, Statistic] = {SLOPE: slope, CORRELATION: _rank_correlation, SCATTER: _scatter}


def geometric(values: np.ndarray, alpha: float) -> readings.Dose:
    """The geometric mean with the t interval of the logarithms; 0 without an interval if any value is 0."""
    if (values == 0).any():
        return 0.0, np.nan, np.nan, len(values)
    return _exp(_mean(np.log(values), alpha))


def _exp(dose: readings.Dose) -> readings.Dose:
    *numbers, count = dose
    estimate, low, high = np.exp(numbers).tolist()
    return estimate, low, high, count


def _mean(values: np.ndarray, alpha: float) -> readings.Dose:
    found = statistics.mean_interval(values, alpha)
    return found.estimate, found.ci_low, found.ci_high, found.n


def _row(cell: str, quantity: str, contrast: str, dose: readings.Dose, missing: int = 0) -> dict:
    numbers = dict(zip(("estimate", "ci_low", "ci_high", "n"), dose, strict=True))
    return {"cell": cell, "quantity": quantity, "contrast": contrast, **numbers, "missing": missing}
