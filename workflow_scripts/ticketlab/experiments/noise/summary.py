"""How far the initialisation decides roles and masks, as a function of the noise in the order of the data.

At each dose (batch size) networks of one initialisation are trained on several data orders. The initialisation decides
what they share beyond networks of other initialisations. For roles this is the determinacy of
instruments/determinacy.py; for masks it is the overlap of the largest final weights, scaled in the same way (chance 0,
exact replicates 1).
"""

from collections.abc import Iterator
from dataclasses import asdict, fields

import numpy as np
import pandas as pd

from workflow_scripts.ticketlab.core import statistics
from workflow_scripts.ticketlab.core.statistics import Estimate
from workflow_scripts.ticketlab.instruments.determinacy import determinacy, less_chance
from workflow_scripts.ticketlab.tables.schemas.roles import MASK

# The compared quantities, as matchings of the `agreement` table.
MATCHINGS = ("identity", "hungarian", MASK)
ESTIMATE = [field.name for field in fields(Estimate)]


def curve(agreements: dict[int, pd.DataFrame], metrics: dict[int, pd.DataFrame], alpha: float) -> Iterator[dict]:
    """Rows of the `noise` table, without the study.

    agreements, metrics: a table of each for every batch size. The rows hold determinacy at each dose (with the
    jackknife interval and the permutation test of instruments/determinacy.py), the final metrics of the dense networks,
    and the *slope*: the change of determinacy per doubling of the batch, by a least-squares line through the doses for
    each initialisation, as the mean over initialisations with its interval; p of "no slope". Slope rows have batch
    size 0.
    """
    measured: dict[str, dict[int, pd.Series]] = {matching: {} for matching in MATCHINGS}
    for batch_size, frame in agreements.items():
        for matching in MATCHINGS:
            for pair in ("same_init", "other_init"):
                found = determinacy(frame, pair, matching)
                for _, row in found[found["score"] == "all"].iterrows():
                    yield _row(batch_size, f"determinacy, {matching}", pair, Estimate(**row[ESTIMATE].to_dict()))
                    if pair == "same_init" and np.isfinite(row["estimate"]):
                        measured[matching][batch_size] = _by_init(frame, matching, row["ceiling"])
        ends = metrics[batch_size]
        for (split, metric), group in ends[ends["variant"] == "dense"].groupby(["split", "metric"]):
            yield _row(batch_size, f"{split} {metric}", "dense", statistics.mean_interval(group["value"], alpha))
    for matching, by_size in measured.items():
        by_init = pd.DataFrame(by_size).dropna()  # initialisations × doses
        if min(by_init.shape) > 1:
            doublings = np.log2(by_init.columns.to_numpy(dtype=float))
            slopes = np.polynomial.polynomial.polyfit(doublings, by_init.to_numpy().T, 1)[1]
            yield _row(0, f"determinacy, {matching}", "slope", statistics.mean_interval(slopes, alpha))


def _by_init(frame: pd.DataFrame, matching: str, ceiling: float) -> pd.Series:
    """Each initialisation's own determinacy: agreement between its data orders over the mean ceiling."""
    rows = less_chance(frame, matching)
    rows = rows[rows["score"].eq("all") & rows["pair"].eq("same_init")]
    return rows.groupby("init_seed")["agreement"].mean() / ceiling


def _row(batch_size: int, quantity: str, contrast: str, result: Estimate) -> dict:
    return {"batch_size": batch_size, "quantity": quantity, "contrast": contrast, **asdict(result)}
