"""Intervals and tests for a handful of seeds, thin over scipy.special, which loads in a third of scipy.stats' time.

The caller pairs the data by seed, so each function takes one number per seed. Intervals are Student's t: with 8 seeds
a bootstrap's coverage is well below nominal. NaN (a network that diverged) is not dropped: it makes the result NaN, and
the verdict says so. Values that are all the same (errors that differ by one image in every seed, a share at its bound)
have a mean and neither interval nor p: nothing is known of their spread, so [x, x] would be no interval.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy import special

ROUNDING = 1e-9  # relative; much above that of a difference of two losses in float64


@dataclass(frozen=True)
class Estimate:
    """A mean over `n` seeds, its two-sided interval, and the p-value of the hypothesis named by the caller."""

    estimate: float
    ci_low: float
    ci_high: float
    p: float
    n: int


def in_words(estimate: float, ci_low: float, ci_high: float, form: str = ".2f") -> str:
    """An estimate with its interval, or alone where it has none; `form`: of each number, as format() takes it."""
    if np.isnan([ci_low, ci_high]).any():
        return f"{estimate:{form}}"
    return f"{estimate:{form}} [{ci_low:{form}}, {ci_high:{form}}]"


def mean_interval(values: Sequence[float] | np.ndarray, alpha: float) -> Estimate:
    """Mean with its two-sided 1 − alpha t interval; p of "the mean is 0" (two-sided); NaN without spread."""
    values = np.asarray(values, dtype=float)
    return _estimate(values, alpha, _p(values, 0.0, "two-sided"))


def not_worse(differences: Sequence[float] | np.ndarray, margin: float, alpha: float) -> Estimate:
    """Non-inferiority: p of "the mean difference is at least `margin`" (one-sided), lower being better."""
    values = np.asarray(differences, dtype=float)
    return _estimate(values, alpha, _p(values, margin, "less"))


def better(differences: Sequence[float] | np.ndarray, alpha: float) -> Estimate:
    """Superiority: p of "the mean difference is at least 0" (one-sided), lower being better."""
    return not_worse(differences, 0.0, alpha)


def exceeds(values: Sequence[float] | np.ndarray, threshold: float, alpha: float) -> Estimate:
    """p of "the mean is at most `threshold`" (one-sided)."""
    values = np.asarray(values, dtype=float)
    return _estimate(values, alpha, _p(values, threshold, "greater"))


def share(hits: int, n: int, alpha: float) -> tuple[float, float]:
    """The two-sided 1 − alpha interval of a binomial share (Clopper & Pearson 1934), never too short."""
    low = special.betaincinv(hits, n - hits + 1, alpha / 2) if hits else 0.0
    high = special.betaincinv(hits + 1, n - hits, 1 - alpha / 2) if hits < n else 1.0
    return float(low), float(high)


def at_least(hits: int, n: int, chance: float) -> float:
    """The probability of `hits` or more among n independent cases of probability `chance`."""
    return float(special.betainc(hits, n - hits + 1, chance)) if hits else 1.0


def detectable_share(n: int, chance: float, alpha: float, wanted: float) -> float:
    """The share of cases that `at_least` finds above `chance`, at level alpha, with power `wanted`; 1 is the largest.

    NaN if not even n of n are found.
    """
    enough = [hits for hits in range(1, n + 1) if at_least(hits, n, chance) < alpha]
    return float(special.betaincinv(enough[0], n - enough[0] + 1, wanted)) if enough else float("nan")


def holm(p_values: Sequence[float]) -> list[float]:
    """Holm's step-down adjustment (1979): reject where the adjusted value is below α, and the family's error is α."""
    order = np.argsort(p_values)
    adjusted = np.maximum.accumulate((len(p_values) - np.arange(len(p_values))) * np.asarray(p_values, float)[order])
    result = np.empty(len(p_values))
    result[order] = np.minimum(adjusted, 1.0)
    return result.tolist()


def power(effect: float, n: int, alpha: float) -> float:
    """Power of the one-sided t test of n values for a mean `effect` standard deviations beyond the hypothesis."""
    return float(1 - special.nctdtr(n - 1, effect * np.sqrt(n), quantile(1 - alpha, n - 1)))


def detectable_effect(n: int, alpha: float, wanted: float) -> float:
    """The distance of a mean from its hypothesis, in standard deviations between seeds, found with power `wanted`.

    Infinite for fewer than two values.
    """
    if n < 2:
        return float("inf")
    return float(special.nctdtrinc(n - 1, 1 - wanted, quantile(1 - alpha, n - 1)) / np.sqrt(n))


def deviation(ci_low: float, ci_high: float, n: int, alpha: float) -> float:
    """The standard deviation between seeds behind a 1 − alpha t interval of the mean of n values, in their unit."""
    return float((ci_high - ci_low) / 2 * np.sqrt(n) / quantile(1 - alpha / 2, n - 1)) if n > 1 else float("nan")


def quantile(share: float, freedom: int) -> float:
    """The quantile of Student's t with `freedom` degrees of freedom below which `share` of it lies."""
    return float(special.stdtrit(freedom, share))


def jackknife_margin(without: Sequence[float] | np.ndarray, alpha: float) -> float:
    """Half of the two-sided 1 − alpha interval of a statistic, from its values `without` each seed (Tukey 1958)."""
    without = np.asarray(without, dtype=float)
    n = len(without)
    error = np.sqrt((n - 1) / n * ((without - without.mean()) ** 2).sum())
    return float(quantile(1 - alpha / 2, n - 1) * error)


def _error(values: np.ndarray) -> float:
    """The standard error of the mean."""
    return float(values.std(ddof=1) / np.sqrt(len(values)))


def _estimate(values: np.ndarray, alpha: float, p: float) -> Estimate:
    mean, count = float(values.mean()), len(values)
    if _without_spread(values):
        return Estimate(mean, float("nan"), float("nan"), float("nan"), count)
    half = float(_error(values) * quantile(1 - alpha / 2, count - 1))
    return Estimate(mean, mean - half, mean + half, p, count)


def _without_spread(values: np.ndarray) -> bool:
    """Whether the values, up to the rounding of a difference of two of them, are one and the same."""
    return len(values) < 2 or bool(np.ptp(values) <= ROUNDING * np.abs(values).max())


def _p(values: np.ndarray, null: float, alternative: str) -> float:
    if _without_spread(values):
        return float("nan")
    t = (values.mean() - null) / _error(values)
    below, above = (float(special.stdtr(len(values) - 1, side)) for side in (t, -t))
    return {"two-sided": 2 * min(below, above), "less": below, "greater": above}[alternative]
