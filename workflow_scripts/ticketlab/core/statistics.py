"""Intervals and tests for a handful of seeds, thin over scipy.special, which loads in a third of scipy.stats' time.

The caller pairs the data by seed, so each function takes one number per seed, or one per seed and test example. Of one
per seed, intervals are Student's t: with 8 seeds a bootstrap's coverage is well below nominal. They are about new
initialisations on the same test examples. Of seeds × examples they are about new examples as well (`_crossed`).

NaN (a network that diverged) is not dropped: it makes the result NaN, and the verdict says so. Values that are all the
same (errors that differ by one image in every seed, a share at its bound) have a mean and neither interval nor p:
nothing is known of their spread, so [x, x] would be no interval.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import nan

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
    return float(special.betaincinv(enough[0], n - enough[0] + 1, wanted)) if enough else nan


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
    return float((ci_high - ci_low) / 2 * np.sqrt(n) / quantile(1 - alpha / 2, n - 1)) if n > 1 else nan


def quantile(share: float, freedom: float) -> float:
    """The quantile of Student's t with `freedom` degrees of freedom below which `share` of it lies."""
    return float(special.stdtrit(freedom, share))


def jackknife_margin(without: Sequence[float] | np.ndarray, alpha: float) -> float:
    """Half of the two-sided 1 − alpha interval of a statistic, from its values `without` each seed (Tukey 1958)."""
    without = np.asarray(without, dtype=float)
    n = len(without)
    error = np.sqrt((n - 1) / n * ((without - without.mean()) ** 2).sum())
    return float(quantile(1 - alpha / 2, n - 1) * error)


def _error(values: np.ndarray) -> tuple[float, float]:
    """The standard error of the mean, 0 without spread, and its degrees of freedom."""
    if values.ndim == 2:
        return _crossed(values)
    if len(values) < 2 or np.ptp(values) <= ROUNDING * np.abs(values).max():
        return 0.0, nan
    return float(values.std(ddof=1) / np.sqrt(len(values))), len(values) - 1


def _crossed(values: np.ndarray) -> tuple[float, float]:
    """The same of values (seeds, examples), where both are drawn at random and each seed has met each example.

    With the mean squares of seeds, of examples and of the rest, the variance of the mean is (seeds + examples − rest) /
    number of values; the degrees of freedom are Satterthwaite's. The method is that of readers who all read the same
    cases (Hillis 2007, Statistics in Medicine 26:596–619: his variance, without negative estimates of the part due to
    cases). Seeds cannot vary less than the rest lets them: where they seem to, the rest is taken for them.
    """
    n, m = values.shape
    if n < 2 or m < 2:
        return 0.0, nan
    mean, by_seed, by_example = values.mean(), values.mean(axis=1), values.mean(axis=0)
    rest = ((values - by_seed[:, None] - by_example + mean) ** 2).sum() / ((n - 1) * (m - 1))
    seeds = max(m * by_seed.var(ddof=1), rest)
    examples = max(n * by_example.var(ddof=1) - rest, 0.0)
    variance = seeds + examples
    if not variance > (ROUNDING * np.abs(values).max()) ** 2:
        return (nan if np.isnan(variance) else 0.0), nan
    return float(np.sqrt(variance / (n * m))), float(variance**2 / (seeds**2 / (n - 1) + examples**2 / (m - 1)))


def _estimate(values: np.ndarray, alpha: float, p: float) -> Estimate:
    mean, count = float(values.mean()), len(values)
    error, freedom = _error(values)
    if error == 0:
        return Estimate(mean, nan, nan, nan, count)
    half = float(error * quantile(1 - alpha / 2, freedom))
    return Estimate(mean, mean - half, mean + half, p, count)


def _p(values: np.ndarray, null: float, alternative: str) -> float:
    error, freedom = _error(values)
    if error == 0:
        return nan
    t = (values.mean() - null) / error
    below, above = (float(special.stdtr(freedom, side)) for side in (t, -t))
    return {"two-sided": 2 * min(below, above), "less": below, "greater": above}[alternative]
