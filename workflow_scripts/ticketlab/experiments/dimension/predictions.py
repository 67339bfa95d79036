"""Rows of `predictions` for P7, from the table `dimension`."""

from collections.abc import Iterator

import numpy as np
import pandas as pd

from workflow_scripts.ticketlab.core import readings
from workflow_scripts.ticketlab.core.readings import INCONCLUSIVE
from workflow_scripts.ticketlab.experiments.dimension.summary import (
    BELOW,
    CHANGE,
    RATIO,
    SIZE,
    SLOPE,
    TICKET,
    complexity_of,
)
from workflow_scripts.ticketlab.settings.dimension import LinearDimensionSettings
from workflow_scripts.ticketlab.tables.schemas.dimension import COMPLEXITY, FROZEN, LINEAR, RANDOM, WEIGHTS


def predictions(frame: pd.DataFrame, settings: LinearDimensionSettings) -> Iterator[tuple[str, dict]]:
    """P7, by study: rows of `predictions` from those of `dimension`. P7 does not discriminate between the views.

    The reason says what is refuted. Zeros below 2λ refute statement 6. The slope of a size tests whether it grows as 2λ
    does, which statement 6 does not require (statement 11). A rotation that moves ticket size and not complexity
    refutes that they are the same. A slope of 1 is no evidence for 2λ where the number of weights has that slope too,
    so each slope comes with that of the number of weights. Where 2λ is exact, rows give each size as a multiple of it.
    """
    for _, row in frame[frame["contrast"] == BELOW].iterrows():
        reason = (
            "none, as statement 6 says of subspaces through a generic θ₀"
            if row["estimate"] == 0
            else "statement 6, or the search, is refuted"
        )
        yield row["study"], _p7(f"share of subspaces below 2λ with a loss of 0: {row['quantity']}", row, reason)
    of_sizes = frame[frame["contrast"].eq(SIZE) & frame["estimate"].gt(0)].groupby(["study", "quantity"])["estimate"]
    cells = frame[frame["contrast"] == SIZE].groupby("study")["cell"].nunique()
    spans = of_sizes.agg(lambda values: values.max() / values.min())
    slopes = frame[frame["contrast"] == SLOPE]
    of_weights = slopes[slopes["quantity"] == WEIGHTS].set_index("study")
    for _, row in slopes[slopes["quantity"] != WEIGHTS].iterrows():
        lower, upper = 1 - settings.slope_tolerance, 1 + settings.slope_tolerance
        reason = _between(row, lower, upper, "slope 1", "not slope 1")
        known = row["study"] in of_weights.index
        beside = "unknown: too few cells reach dimension.matched_loss"
        if known:
            beside = "{estimate:.2f} [{ci_low:.2f}, {ci_high:.2f}]".format(**of_weights.loc[row["study"]])
        reason += f"; that of the number of weights is {beside}"
        by = complexity_of(row["study"], row["quantity"])
        reason += f"; {by} spans a factor of {spans.get((row['study'], by), np.nan):.2g} over the cells"
        reason += _left_out(row, cells)
        yield row["study"], _p7(f"slope of log size on log 2λ: {row['quantity']}", row, reason)
    for _, row in frame[frame["contrast"].eq(RATIO) & frame["study"].eq(LINEAR)].iterrows():
        if row["quantity"] != WEIGHTS:
            reason = _against_one(row) + _left_out(row, cells)
            yield row["study"], _p7(f"size over 2λ: {row['quantity']}", row, reason)
    changes = frame[frame["contrast"].eq(CHANGE) & frame["quantity"].isin([COMPLEXITY, TICKET])]
    for _, row in changes.iterrows():
        bound = settings.change_tolerance
        words = {COMPLEXITY: "λ̂", TICKET: "smallest density pruned to within δ"}[row["quantity"]]
        reason = _between(row, -bound, bound, "unchanged", "changed")
        yield row["study"], _p7(f"relative change of {words}, queries and keys rotated ({row['cell']})", row, reason)


def _left_out(row: pd.Series, cells: pd.Series) -> str:
    """A cell is left out of a relation if a seed has no size above 0 there, or no seed a 2λ̂ above 0."""
    words = f"; {row['missing']} of {cells[row['study']]} cells left out, which have no size or no 2λ̂ above 0"
    return words if row["missing"] else ""


def _against_one(row: pd.Series) -> str:
    """Statement 6 concerns zeros of the loss in subspaces through a generic θ₀, and no other size."""
    side = "above 2λ" if row["ci_low"] > 1 else "below 2λ" if row["ci_high"] < 1 else "not told apart from 2λ"
    asked = row["quantity"] in (RANDOM, FROZEN)
    return f"{side}; " + ("statement 6 asks for 2λ or more" if asked else "no order follows (statements 9 and 11)")


def _between(row: pd.Series, low: float, high: float, inside: str, outside: str) -> str:
    if pd.isna(row["ci_low"]) or pd.isna(row["ci_high"]):
        return "no interval"
    span = f"[{low:g}, {high:g}]"
    if low <= row["ci_low"] and row["ci_high"] <= high:
        return f"{inside}: the whole interval is within {span}"
    if row["ci_high"] < low or row["ci_low"] > high:
        return f"{outside}: the whole interval is outside {span}"
    return f"the interval spans an end of {span}"


def _p7(quantity: str, row: pd.Series, reason: str) -> dict:
    return readings.row(
        "P7", quantity, readings.of_row(row), readings.ANY, readings.ANY, INCONCLUSIVE, reason, "dimension"
    )
