"""A simulated share, or number, as a row of the `calibration` table of the instrument "statistics"."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from scipy import stats

from workflow_scripts.ticketlab.calibration import checks
from workflow_scripts.ticketlab.settings.calibration.statistics import StatisticsCalibrationSettings

STUDY = "calibration statistics"  # of the names of random streams


def share(
    family: str,
    case: str,
    quantity: str,
    hits: Sequence[bool] | np.ndarray | pd.Series,
    truth: float,
    settings: StatisticsCalibrationSettings,
    how: str = "exactly",
    **options: Any,
) -> dict:
    """A simulated share: its binomial interval must hold the truth, or lie on its safe side (`how`)."""
    hits = np.asarray(hits, dtype=bool)
    interval = stats.binomtest(int(hits.sum()), len(hits)).proportion_ci(settings.confidence)
    tolerance = options.get("tolerance", float("nan"))
    passed = {
        "exactly": interval.low <= truth <= interval.high or abs(hits.mean() - truth) <= tolerance,
        "at most": interval.low <= truth,
        "at least": truth <= interval.high,
    }[how]
    return row(
        family,
        case,
        quantity,
        float(hits.mean()),
        truth=truth,
        interval=(interval.low, interval.high),
        n=len(hits),
        passed=passed,
        **({"required": True} | options),
    )


def row(
    family: str,
    case: str,
    quantity: str,
    estimate: float,
    *,
    n: int,
    x: float = float("nan"),
    truth: float = float("nan"),
    interval: tuple[float, float] = (float("nan"), float("nan")),
    tolerance: float = float("nan"),
    required: bool = False,
    passed: bool = True,
) -> dict:
    of = {
        "instrument": "statistics",
        "family": family,
        "case": case,
        "quantity": quantity,
        "x": x,
        "flag": "",
        "required": required,
    }
    return checks.row(of, truth, estimate, interval, tolerance, n, passed)
