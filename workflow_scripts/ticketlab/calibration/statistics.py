"""The checks of intervals (coverage) and tests (size, power, detectable effects) at a study's number of seeds.

Those of the verdicts' rules are in calibration/verdict_rules.py. All checks use the functions behind the verdicts
(core/statistics.py, instruments/determinacy.py, the rules in verdicts/ and core/readings.py) on simulated values with a
known truth. A simulated share has the exact binomial interval (Clopper & Pearson 1934), and a check passes if the
nominal value lies in it; where only a bound is known, a test may err, and an interval miss, less often than nominal.

Effects are in units of the standard deviation between seeds of the tested quantity: for tickets, of the *paired
difference* of losses, which statistics.deviation derives from an interval. An effect is detectable if the test finds it
with the required power. The effect of skewed differences on an interval is reported, not required: that a study's
differences are not too skewed is an assumption of its verdicts. Differences of two equally skewed values are symmetric,
and those of a ticket and its control nearly so.
"""

from collections.abc import Callable, Iterator
from itertools import combinations

import numpy as np
import pandas as pd
from scipy import special, stats
from scipy.optimize import brentq

from workflow_scripts.ticketlab.calibration import checks
from workflow_scripts.ticketlab.calibration.shares import STUDY, row, share
from workflow_scripts.ticketlab.calibration.verdict_rules import (
    CERTAIN,
    MARGIN,
    chosen_rates,
    differences,
    families,
    rules,
    simulated_verdicts,
)
from workflow_scripts.ticketlab.core import statistics
from workflow_scripts.ticketlab.core.random_streams import ORDER_STRIDE, generator
from workflow_scripts.ticketlab.core.statistics import Estimate
from workflow_scripts.ticketlab.instruments.determinacy import determinacy
from workflow_scripts.ticketlab.settings.calibration.statistics import (
    RolesSimulationSettings,
    StatisticsCalibrationSettings,
)
from workflow_scripts.ticketlab.tables.schemas.roles import AGREEMENT

Settings = StatisticsCalibrationSettings  # of this instrument's section of the config

# Deviations of seeds' and of examples' parts in units of the rest's: in the errors of small images' networks less those
# of dense ones they are up to 0.3 and 0.7.
DEVIATIONS = ((0.0, 0.0), (0.05, 0.3), (0.2, 0.6), (0.05, 1.0))
ROLES_COVERAGE = 0.95  # nominal coverage of the interval in instruments/determinacy.py


def calibrate(settings: StatisticsCalibrationSettings) -> pd.DataFrame:
    """The `calibration` table of intervals and tests."""
    rows = [
        *_intervals(settings),
        *_crossed(settings),
        *_single_tests(settings),
        *families(settings),
        *rules(settings),
        *chosen_rates(settings),
        *_roles(settings),
        *_detectable(settings),
    ]
    return checks.table(rows)


# One interval, one test.


def _intervals(settings: StatisticsCalibrationSettings) -> Iterator[dict]:
    shape = (settings.simulations, settings.seeds)

    def covered(values: np.ndarray, truth: float = 0.0) -> np.ndarray:
        results = [statistics.mean_interval(row, settings.alpha) for row in values]
        return np.array([result.ci_low <= truth <= result.ci_high for result in results])

    nominal = 1 - settings.alpha
    normal = generator(STUDY, "normal", 0).standard_normal(shape)
    yield share("interval", "normal", "coverage", covered(normal), nominal, settings)
    for skew in settings.skews:
        random = generator(STUDY, "log-normal", 0, skew)
        first, second = (random.lognormal(0.0, skew, shape) for _ in range(2))
        at = {"x": skew, "required": False}
        centred = first - np.exp(skew**2 / 2)
        yield share("interval", "log-normal", "coverage", covered(centred), nominal, settings, "at least", **at)
        pairs = "difference of log-normals"
        yield share("interval", pairs, "coverage", covered(first - second), nominal, settings, "at least", **at)


def _single_tests(settings: StatisticsCalibrationSettings) -> Iterator[dict]:
    """Size on the boundary of the hypothesis; power, compared with the noncentral t law.

    Non-inferiority is tested at α/2, since verdicts require the whole two-sided interval below the margin.
    """
    n, alpha = settings.seeds, settings.alpha
    tests: dict[str, Callable[[np.ndarray], Estimate]] = {  # of values with mean 0, on the boundary
        "non-inferiority": lambda values: statistics.not_worse(MARGIN + values, MARGIN, alpha),
        "superiority": lambda values: statistics.better(values, alpha),
        "threshold": lambda values: statistics.exceeds(MARGIN - values, MARGIN, alpha),
    }
    for family, test in tests.items():
        noise = generator(STUDY, family, 0).standard_normal((settings.simulations, n))
        level = alpha / 2 if family == "non-inferiority" else alpha
        rejected = [test(values).p < level for values in noise]
        yield share(family, "normal", "size", rejected, level, settings, x=0.0)
    for effect in settings.effects:
        noise = generator(STUDY, "power", 0, effect).standard_normal((settings.simulations, n))
        rejected = [tests["non-inferiority"](values - effect).p < alpha / 2 for values in noise]
        expected = statistics.power(effect, n, alpha / 2)
        yield share("non-inferiority", "normal", "power", rejected, expected, settings, x=effect)


# Seeds crossed with test examples.


def _crossed(settings: StatisticsCalibrationSettings) -> Iterator[dict]:
    """Coverage of intervals over seeds and examples, size of non-inferiority, by how much either varies.

    Values are a seed's part, an example's part and the rest, all normal; the deviations of the first two are in units
    of the rest's. An interval over seeds alone of the same values is shown beside it: it is about the same examples.
    """
    n, count = settings.seeds, settings.simulations
    for examples in settings.examples:
        for of_seeds, of_examples in DEVIATIONS:
            random = generator(STUDY, "crossed", 0, of_seeds, of_examples, examples)
            covered, alone, rejected = [], [], []
            for _ in range(count):
                values = random.standard_normal((n, examples))
                values += of_seeds * random.standard_normal((n, 1)) + of_examples * random.standard_normal(examples)
                found = statistics.not_worse(values, 0.0, settings.alpha)
                over_seeds = statistics.mean_interval(values.mean(axis=1), settings.alpha)
                covered.append(found.ci_low <= 0 <= found.ci_high)
                alone.append(over_seeds.ci_low <= 0 <= over_seeds.ci_high)
                rejected.append(found.p < settings.alpha / 2)
            nominal, at = 1 - settings.alpha, {"x": examples}
            parts = f"seeds {of_seeds:g}, examples {of_examples:g}"
            yield share("crossed", parts, "coverage", covered, nominal, settings, "at least", **at)
            yield share("crossed", parts, "size", rejected, settings.alpha / 2, settings, "at most", **at)
            beside = {"required": False, **at}
            yield share("seeds alone", parts, "coverage", alone, nominal, settings, "at least", **beside)


# Roles.


def _roles(settings: StatisticsCalibrationSettings) -> Iterator[dict]:
    """Size of the permutation test of init labels, coverage of determinacy's intervals, and how far they reach.

    Networks of different initialisations have determinacy 0. An interval that misses 0 counts as a fault of the
    instrument (verdicts/roles.fixed_roles), so this interval must cover as well.
    """
    simulated = settings.roles
    for correlation in simulated.correlations:
        truth = expected_determinacy(correlation, simulated)
        studies = [f"{STUDY} {correlation:g} {index}" for index in range(simulated.simulations)]
        agreements = [simulated_agreements(study, correlation, settings) for study in studies]
        same, other = (
            pd.concat(determinacy(frame, pair, permutations=simulated.permutations) for frame in agreements)
            for pair in ("same_init", "other_init")
        )
        for case, results, value in (("same init", same, truth), ("other init", other, 0.0)):
            covered = results["ci_low"].le(value) & results["ci_high"].ge(value)
            case = f"determinacy, {case}"
            yield share("roles", case, "coverage", covered, ROLES_COVERAGE, settings, "at least", x=truth)
        if correlation == 0:
            rejected = same["p"] < settings.alpha
            yield share("roles", "label permutation", "size", rejected, settings.alpha, settings, "at most", x=truth)
        # The distance above a threshold at which the interval lies above it with the required power.
        reach = float((truth - same["ci_low"]).quantile(settings.power))
        yield row("effect", "T2, above a threshold", "detectable_effect", reach, x=truth, n=settings.seeds)


def expected_determinacy(correlation: float, settings: RolesSimulationSettings) -> float:
    """The ratio of expected agreements: sample correlations of few components are below those of the law."""
    same, ceiling = (
        expected_correlation(rho, settings.components)
        for rho in (correlation * settings.reliability, settings.reliability)
    )
    return same / ceiling


def expected_correlation(rho: float, n: int) -> float:
    """Expectation of the sample correlation of n bivariate normal pairs (Hotelling 1953)."""
    factor = 2 / (n - 1) * np.exp(2 * (special.gammaln(n / 2) - special.gammaln((n - 1) / 2)))
    return float(rho * factor * special.hyp2f1(0.5, 0.5, (n + 1) / 2, rho**2))


def simulated_agreements(study: str, correlation: float, settings: StatisticsCalibrationSettings) -> pd.DataFrame:
    """An `agreement` table of networks whose roles correlate within initialisations and nowhere else.

    Scores are normal; roles are correlated as in role_agreement.compare: within layers, through both probes.
    """
    law = settings.roles
    random = generator(study, "roles", 0)
    inits, shape = settings.seeds, (law.layers, law.components)
    common = random.standard_normal((inits, 1, *shape))
    own = random.standard_normal((inits, law.orders, *shape))
    networks = np.sqrt(correlation) * common + np.sqrt(1 - correlation) * own
    # The first order is trained twice: order −1 is its exact replicate.
    networks = np.concatenate([networks, networks[:, :1]], axis=1).reshape(-1, *shape)
    noise = random.standard_normal((2, *networks.shape))
    probes = np.sqrt(law.reliability) * networks + np.sqrt(1 - law.reliability) * noise
    scaled = probes - probes.mean(axis=-1, keepdims=True)
    scaled /= np.linalg.norm(scaled, axis=-1, keepdims=True) * np.sqrt(law.layers)
    agreements = np.einsum("alc,blc->ab", scaled[0], scaled[1])
    agreements = (agreements + agreements.T) / 2
    rows = []
    for a, b in combinations(range(len(networks)), 2):
        (init, order), (other_init, other_order) = divmod(a, law.orders + 1), divmod(b, law.orders + 1)
        replicated = order == 0 and other_order == law.orders
        if law.orders in (order, other_order) and not (replicated and init == other_init):
            continue  # a replicate is compared with its twin only
        pair = "replicate" if replicated else "same_init" if init == other_init else "other_init"
        seeds = (
            init,
            other_init,
            init + ORDER_STRIDE * order,
            other_init + ORDER_STRIDE * (other_order % law.orders),
        )
        rows.append((study, 0, pair, *seeds, "identity", "all", agreements[a, b]))
    return pd.DataFrame(rows, columns=list(AGREEMENT.columns))


# What can be seen.


def _detectable(settings: StatisticsCalibrationSettings) -> Iterator[dict]:
    """The smallest effects that are found with the required power, each checked on its own simulations.

    T1, matching dense: the distance of the true difference below the margin at which its interval lies below it too.
    T1, winning: the advantage over both controls, beyond the margin, that one ticket needs where no other has any.
    T3: the distance of forgetting beyond its threshold that is seen at the strictest level of Holm's adjustment.
    """
    n, alpha, power = settings.seeds, settings.alpha, settings.power
    one_side, strictest = alpha / 2, alpha / settings.structures
    below = statistics.detectable_effect(n, one_side, power)
    power_to_win = _power_to_win(settings)
    won = float(brentq(lambda effect: power_to_win(effect) - power, 0.0, CERTAIN / 10, xtol=1e-3))
    beyond = statistics.detectable_effect(n, strictest, power)
    noise = generator(STUDY, "detectable", 0).standard_normal((2, settings.simulations, n))
    effects = np.zeros(settings.comparisons)
    effects[:2] = won
    checked = {
        "T1, matching dense": (below, [statistics.not_worse(v - below, 0.0, alpha).p < one_side for v in noise[0]]),
        "T1, winning": (won, [cells[0] for cells in simulated_verdicts(effects, "true winning", settings)]),
        "T3, forgotten": (beyond, [statistics.exceeds(v + beyond, 0.0, alpha).p < strictest for v in noise[1]]),
    }
    for case, (effect, found) in checked.items():
        check = share("effect", case, "power", found, power, settings, x=effect, tolerance=settings.tolerance)
        yield check
        yield row("effect", case, "detectable_effect", effect, n=n, passed=check["passed"])


def _power_to_win(settings: StatisticsCalibrationSettings) -> Callable[[float], float]:
    """The share of simulations in which one ticket, better by an effect, beats both controls after the adjustment."""
    noise = differences("winning", settings.simulations, 1, settings)
    others = generator(STUDY, "other tickets", 0).random((settings.simulations, settings.comparisons - 2))

    def power_of(effect: float) -> float:
        mine = stats.ttest_1samp(noise - effect, 0.0, axis=2, alternative="less").pvalue
        adjusted = [statistics.holm(p)[:2] for p in np.concatenate([mine, others], axis=1)]
        return float((np.array(adjusted) < settings.alpha).all(axis=1).mean())

    return power_of
