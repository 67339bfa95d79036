"""How much of the trained network is already determined by θ₀: the shares that parts of θ₀ keep, from agreements.

The share that a part keeps is (agreement with the part kept − with nothing kept)/(with everything kept − with nothing
kept): 0 for another initialisation, 1 for the same.
"""

from collections.abc import Iterator
from dataclasses import asdict
from math import nan

import numpy as np
import pandas as pd

from workflow_scripts.ticketlab.core import statistics
from workflow_scripts.ticketlab.core.statistics import Estimate
from workflow_scripts.ticketlab.settings.resampling import EVERYTHING, NOTHING

# The quantities that are kept or lost, by the `matching` of the agreement table.
ROLES, MASKS = "roles", "masks"
QUANTITIES = {"identity": ROLES, "mask": MASKS}


def kept(agreement: pd.DataFrame, metrics: pd.DataFrame, alpha: float) -> Iterator[dict]:
    """Rows of the `resampling` table, without the study, of one study's `agreement` and `metrics` (rule
    resample_weights).

    For roles and masks: the agreement of each part (mean over initialisations), its share, and the excess of the
    ticket's share over each other part's. Where networks with everything kept do not agree more than those with
    nothing kept, there is no share, and `reason` says so. For metrics: their final values, by part.
    """
    rows = agreement[agreement["score"] == "all"]
    for matching, quantity in QUANTITIES.items():
        mine = rows[rows["matching"] == matching]
        by_init = mine.groupby(["init_seed", "pair"])["agreement"].mean().unstack()
        for pair, column in by_init.items():
            yield _row(f"{quantity}: agreement", pair, statistics.mean_interval(column, alpha))
        # One initialisation has no other as the "nothing" to compare with.
        gained = by_init.sub(by_init.get(NOTHING, pd.Series(nan, by_init.index)), axis=0)
        ceiling = gained[EVERYTHING].to_numpy()
        fault = _nothing_to_keep(ceiling, alpha)
        parts = [pair for pair in by_init.columns if pair not in (EVERYTHING, NOTHING)]
        for pair in parts:
            yield _row(f"{quantity}: share", pair, _ratio(gained[pair].to_numpy(), ceiling, alpha, fault), fault)
        for pair in parts:
            if pair != "ticket":
                more = (gained["ticket"] - gained[pair]).to_numpy()
                yield _row(f"{quantity}: share", f"ticket - {pair}", _ratio(more, ceiling, alpha, fault), fault)
    for (variant, split, metric), group in metrics.groupby(["variant", "split", "metric"]):
        yield _row(f"{split} {metric}", variant, statistics.mean_interval(group["value"], alpha))


def _nothing_to_keep(ceiling: np.ndarray, alpha: float) -> str:
    found = statistics.mean_interval(ceiling, alpha)
    if len(ceiling) < 2:
        return "one initialisation has no interval"
    least = found.estimate if np.isnan(found.ci_low) else found.ci_low  # without spread there is no interval
    if least > 0:
        return ""
    return (
        "data orders decide so much that one initialisation agrees with itself no more than with others "
        f"(by {statistics.in_words(found.estimate, found.ci_low, found.ci_high)}): there is nothing to keep"
    )


def _ratio(gains: np.ndarray, ceiling: np.ndarray, alpha: float, fault: str) -> Estimate:
    """Mean gain over mean ceiling, one of each per initialisation; the jackknife's interval (Tukey 1958); p of 0."""
    n = len(gains)
    if fault:
        return Estimate(nan, nan, nan, nan, n)
    without = (gains.sum() - gains) / (ceiling.sum() - ceiling)
    half = statistics.jackknife_margin(without, alpha)
    share = float(gains.mean() / ceiling.mean())
    p = statistics.mean_interval(gains, alpha).p
    return Estimate(share, share - half, share + half, p, n)


def _row(quantity: str, contrast: str, result: Estimate, reason: str = "") -> dict:
    return {"quantity": quantity, "contrast": contrast, **asdict(result), "reason": reason}
