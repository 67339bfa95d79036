"""Rows of `predictions` for P7, from the table `dimension`."""

from collections.abc import Iterator

import pandas as pd

from workflow_scripts.ticketlab.core import readings
from workflow_scripts.ticketlab.experiments.dimension.summary import BELOW, RATIO, SIZE, SLOPE
from workflow_scripts.ticketlab.settings.dimension import DimensionSettings
from workflow_scripts.ticketlab.tables.schemas.dimension import EXACT, FROZEN, LINEAR, RANDOM, WEIGHTS


def predictions(frame: pd.DataFrame, settings: DimensionSettings) -> Iterator[tuple[str, dict]]:
    """P7: rows of `predictions` from those of `dimension`. P7 does not discriminate between the views.

    The reason says what is refuted. Zeros below 2λ refute statement 6. The slope of a size tests whether it grows as 2λ
    does, which statement 6 does not require (statement 11). A slope of 1 is no evidence for 2λ where the number of
    weights has that slope too, so each slope comes with that of the number of weights.
    """
    for _, row in frame[frame["contrast"] == BELOW].iterrows():
        reason = (
            "none, as statement 6 says of subspaces through a generic θ₀"
            if row["estimate"] == 0
            else "statement 6, or the search, is refuted"
        )
        yield LINEAR, _p7(f"share of subspaces below 2λ with a loss of 0: {row['quantity']}", row, reason)
    exact = frame.loc[frame["contrast"].eq(SIZE) & frame["quantity"].eq(EXACT), "estimate"]
    spans = f"{EXACT} spans a factor of {exact.max() / exact.min():.2g} over the cells"
    slopes = frame[frame["contrast"] == SLOPE]
    of_weights = slopes[slopes["quantity"] == WEIGHTS].iloc[0]
    beside = "{estimate:.2f} [{ci_low:.2f}, {ci_high:.2f}]".format(**of_weights)
    for _, row in slopes[slopes["quantity"] != WEIGHTS].iterrows():
        reason = _of_slope(row, 1 - settings.slope_tolerance, 1 + settings.slope_tolerance)
        reason += f"; that of the number of weights is {beside}; {spans}{_left_out(row, len(exact))}"
        yield LINEAR, _p7(f"slope of log size on log 2λ: {row['quantity']}", row, reason)
    for _, row in frame[frame["contrast"].eq(RATIO) & frame["quantity"].ne(WEIGHTS)].iterrows():
        yield LINEAR, _p7(f"size over 2λ: {row['quantity']}", row, _against_one(row) + _left_out(row, len(exact)))


def _left_out(row: pd.Series, cells: int) -> str:
    """A cell is left out of a relation if a seed has no size above 0 there."""
    return f"; {row['missing']} of {cells} cells left out, which have no size above 0" if row["missing"] else ""


def _against_one(row: pd.Series) -> str:
    """Statement 6 concerns zeros of the loss in subspaces through a generic θ₀, and no other size."""
    side = "above 2λ" if row["ci_low"] > 1 else "below 2λ" if row["ci_high"] < 1 else "not told apart from 2λ"
    asked = row["quantity"] in (RANDOM, FROZEN)
    return f"{side}; " + ("statement 6 asks for 2λ or more" if asked else "no order follows (statements 9 and 11)")


def _of_slope(row: pd.Series, low: float, high: float) -> str:
    span = f"[{low:g}, {high:g}]"
    if low <= row["ci_low"] and row["ci_high"] <= high:
        return f"slope 1: the whole interval is within {span}"
    if row["ci_high"] < low or row["ci_low"] > high:
        return f"not slope 1: the whole interval is outside {span}"
    return f"the interval spans an end of {span}"


def _p7(quantity: str, row: pd.Series, reason: str) -> dict:
    return readings.no_side("P7", quantity, readings.of_row(row), reason, "dimension")
