"""A measured dose with its interval, compared with each view's prediction: a row of table `predictions`.

The "latent" view: θ₀ decides the end network, and training reveals it. The "built" view: training makes what was not
there. The bounds are those of `judging`, fixed before the run (docs/theory.md).
"""

from math import nan

import numpy as np
import pandas as pd

MIXED, INCONCLUSIVE = "mixed", "inconclusive"
WITHHELD = "inconclusive (instrument)"  # an instrument behind the number is out of calibration
NO_SIDE = "no side"  # an estimate on which neither the hypothesis nor a view takes a side

LATENT, BUILT, NOT_MEASURED = "latent", "built", "not measured"
ANY = "any"  # both views allow it
VERDICTS = (LATENT, BUILT, MIXED, INCONCLUSIVE, NO_SIDE, WITHHELD, NOT_MEASURED)
# A number with its interval: dose, ci_low, ci_high, n.
Dose = tuple[float, float, float, int]


def side(dose: Dose, low: float, high: float) -> tuple[str, str]:
    """Latent if the whole interval lies at or above `high`, built at or below `low`, mixed between them."""
    _, ci_low, ci_high, _ = dose
    if pd.isna(ci_low) or pd.isna(ci_high):
        return INCONCLUSIVE, "no interval"
    if ci_low >= high:
        return LATENT, f"the whole interval is at or above {high:g}"
    if ci_high <= low:
        return BUILT, f"the whole interval is at or below {low:g}"
    if low < ci_low and ci_high < high:
        return MIXED, f"the whole interval is between {low:g} and {high:g}"
    return INCONCLUSIVE, "the interval spans a bound"


def gap(dose: Dose, margin: float) -> tuple[str, str]:
    """Latent if the interval lies above the margin, built if within it: two one-sided tests, each at half the
    interval's error or less."""
    _, ci_low, ci_high, _ = dose
    if pd.isna(ci_low) or pd.isna(ci_high):
        return INCONCLUSIVE, "no interval"
    if ci_low > margin:
        return LATENT, f"lost by more than δ = {margin:g}"
    if ci_high < -margin:
        return BUILT, "the control is better than the ticket"
    if -margin < ci_low and ci_high < margin:
        return BUILT, f"within ±δ = {margin:g}"
    return INCONCLUSIVE, f"the interval spans δ = {margin:g}"


def signs(determined: float, undetermined: float) -> tuple[str, str]:
    return f"≥ {determined:g}", f"≤ {undetermined:g}"


def of_row(row: pd.Series) -> Dose:
    return row["estimate"], row["ci_low"], row["ci_high"], int(row["n"])


def exp(row: pd.Series) -> Dose:
    """Of the mean of logarithms, the geometric mean with its interval."""
    *numbers, count = of_row(row)
    estimate, low, high = np.exp(numbers).tolist()
    return estimate, low, high, count


def row(
    prediction: str, quantity: str, dose: Dose | None, latent: str, built: str, verdict: str, reason: str, figure: str
) -> dict:
    value, ci_low, ci_high, count = (nan, nan, nan, 0) if dose is None else dose
    return {
        "prediction": prediction,
        "quantity": quantity,
        "dose": value,
        "ci_low": ci_low,
        "ci_high": ci_high,
        "n": count,
        "sign_if_latent": latent,
        "sign_if_built": built,
        "verdict": verdict,
        "reason": reason,
        "figure": figure,
    }


def no_side(prediction: str, quantity: str, dose: Dose, reason: str, figure: str) -> dict:
    """A row of a quantity on which the two views do not differ."""
    return row(prediction, quantity, dose, ANY, ANY, NO_SIDE, reason, figure)
