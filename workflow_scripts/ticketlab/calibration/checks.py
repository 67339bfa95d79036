"""Rows of the `calibration` table: one check of an instrument against a ground truth, and whether it passed.

The function that makes a row fixes the rule by which the check passes; the settings fix its tolerance.
"""

from typing import Any

import numpy as np
import pandas as pd
from scipy.stats import binomtest

from workflow_scripts.ticketlab.core import instruments
from workflow_scripts.ticketlab.tables.schemas.calibration import CALIBRATION

# The level of intervals around an estimate: one in a hundred misses the truth where all is well.
CONFIDENCE = 0.99
NAN = float("nan")
Interval = tuple[float, float]


def within_tolerance(of: dict[str, Any], truth: float, estimate: float, tolerance: float, n: int = 1) -> dict:
    """Passes if |estimate − truth| ≤ tolerance. of: instrument, family, case and quantity, and x or required if any."""
    return row(of, truth, estimate, (NAN, NAN), tolerance, n, abs(estimate - truth) <= tolerance)


def within_interval(of: dict[str, Any], truth: float, estimate: float, interval: Interval, n: int) -> dict:
    """Passes if the interval holds the truth."""
    return row(of, truth, estimate, interval, NAN, n, interval[0] <= truth <= interval[1])


def at_least(of: dict[str, Any], bound: float, estimate: float, interval: Interval | None = None, n: int = 1) -> dict:
    """Passes if the estimate reaches the bound, which is the row's `truth`; with an interval, if its upper end does."""
    named = {**of, "quantity": f"{of['quantity']}, at least"}
    return row(named, bound, estimate, interval or (NAN, NAN), NAN, n, (interval or (0, estimate))[1] >= bound)


def at_most(of: dict[str, Any], bound: float, estimate: float, interval: Interval | None = None, n: int = 1) -> dict:
    """Passes if the estimate stays within the bound, the row's `truth`; with an interval, if its lower end does."""
    named = {**of, "quantity": f"{of['quantity']}, at most"}
    return row(named, bound, estimate, interval or (NAN, NAN), NAN, n, (interval or (estimate, 0))[0] <= bound)


def rate(hits: int, trials: int) -> tuple[float, Interval]:
    """A share of independent trials with its exact interval at CONFIDENCE (Clopper & Pearson 1934)."""
    interval = binomtest(hits, trials).proportion_ci(CONFIDENCE, "exact")
    return hits / trials, (interval.low, interval.high)


def table(rows: list[dict]) -> pd.DataFrame:
    """The rows with all columns of table `calibration`.

    Raises ValueError if a row's instrument is not known.
    """
    frame = pd.DataFrame(rows)
    unknown = set(frame["instrument"]) - set(instruments.INSTRUMENTS)
    if unknown:
        raise ValueError(f"no instrument {', '.join(sorted(unknown))}; there are {', '.join(instruments.INSTRUMENTS)}")
    return frame[list(CALIBRATION.columns)]


def row(
    of: dict[str, Any], truth: float, estimate: float, interval: Interval, tolerance: float, n: int, passed: bool
) -> dict:
    """A check by the caller's own rule; `of` as above, and widths, rank and flag if any."""
    return {
        "widths": None,
        "rank": None,
        "x": NAN,
        "required": True,
        "flag": "" if np.isfinite(estimate) else "not_finite",
        **of,
        "truth": float(truth),
        "estimate": float(estimate),
        "ci_low": float(interval[0]),
        "ci_high": float(interval[1]),
        "tolerance": float(tolerance),
        "n": n,
        "passed": bool(passed),
    }
