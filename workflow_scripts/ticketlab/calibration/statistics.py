"""The checks of intervals (coverage) and tests (size, power, detectable effects) at a study's number of seeds.

All checks use the functions behind the verdicts (core/statistics.py, instruments/determinacy.py, the rules in verdicts/
and core/readings.py) on simulated values with a known truth. A simulated share has the exact binomial interval (Clopper
& Pearson 1934), and a check passes if the nominal value lies in it; where only a bound is known, a test may err, and an
interval miss, less often than nominal.

Effects are in units of the standard deviation between seeds of the tested quantity: for tickets, of the *paired
difference* of losses, which statistics.deviation derives from an interval. An effect is detectable if the test finds it
with the required power. The effect of skewed differences on an interval is reported, not required: that a study's
differences are not too skewed is an assumption of its verdicts. Differences of two equally skewed values are symmetric,
and those of a ticket and its control nearly so.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import astuple
from itertools import combinations
from typing import Any

import numpy as np
import pandas as pd
from scipy import special, stats
from scipy.optimize import brentq

from workflow_scripts.ticketlab.calibration import checks
from workflow_scripts.ticketlab.core import readings, statistics
from workflow_scripts.ticketlab.core.random_streams import ORDER_STRIDE, generator
from workflow_scripts.ticketlab.core.statistics import Estimate
from workflow_scripts.ticketlab.instruments.determinacy import determinacy
from workflow_scripts.ticketlab.settings.calibration.statistics import (
    RolesSimulationSettings,
    StatisticsCalibrationSettings,
)
from workflow_scripts.ticketlab.settings.judging import JudgingSettings
from workflow_scripts.ticketlab.tables.schemas.roles import AGREEMENT
from workflow_scripts.ticketlab.verdicts import kinds, roles, strong_form
from workflow_scripts.ticketlab.verdicts.comparisons import (
    CHANGES,
    DECISIVE_CONTROLS,
    ROLES,
    STRUCTURE,
    SUPERMASKS,
    TICKETS,
)
from workflow_scripts.ticketlab.verdicts.rows import REFUTES, SUPPORTS
from workflow_scripts.ticketlab.verdicts.tickets import ticket_cells, winning_cells
from workflow_scripts.ticketlab.verdicts.transience import transience

Settings = StatisticsCalibrationSettings  # of this instrument's section of the config

STUDY = "calibration statistics"
CERTAIN = 100.0  # an effect, in standard deviations, that every test finds
MARGIN = 1.0  # of non-inferiority and thresholds, in standard deviations: where it lies does not matter
LAST_STEP = 1
LOW, HIGH = 0.25, 0.75  # bounds of doses: where they lie does not matter
CHANGING = 0.5  # of initialisations: JudgingSettings.changing
SPREAD = 0.1  # of shares and losses, in their unit: it does not matter either
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
        *_families(settings),
        *_rules(settings),
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
    yield _share("interval", "normal", "coverage", covered(normal), nominal, settings)
    for skew in settings.skews:
        random = generator(STUDY, "log-normal", 0, skew)
        first, second = (random.lognormal(0.0, skew, shape) for _ in range(2))
        at = {"x": skew, "required": False}
        centred = first - np.exp(skew**2 / 2)
        yield _share("interval", "log-normal", "coverage", covered(centred), nominal, settings, "at least", **at)
        pairs = "difference of log-normals"
        yield _share("interval", pairs, "coverage", covered(first - second), nominal, settings, "at least", **at)


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
        yield _share(family, "normal", "size", rejected, level, settings, x=0.0)
    for effect in settings.effects:
        noise = generator(STUDY, "power", 0, effect).standard_normal((settings.simulations, n))
        rejected = [tests["non-inferiority"](values - effect).p < alpha / 2 for values in noise]
        expected = statistics.power(effect, n, alpha / 2)
        yield _share("non-inferiority", "normal", "power", rejected, expected, settings, x=effect)


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
            yield _share("crossed", parts, "coverage", covered, nominal, settings, "at least", **at)
            yield _share("crossed", parts, "size", rejected, settings.alpha / 2, settings, "at most", **at)
            beside = {"required": False, **at}
            yield _share("seeds alone", parts, "coverage", alone, nominal, settings, "at least", **beside)


# Holm's adjustment and the verdict "winning".


def _families(settings: StatisticsCalibrationSettings) -> Iterator[dict]:
    """The rates at which Holm's adjustment rejects a true hypothesis and the verdict calls a false winner.

    Among m true hypotheses with independent and so uniform p-values, next to others that are certainly rejected, at
    least one is rejected with probability 1 − (1 − α/m)^m. This is exact for Holm's adjustment. No adjustment,
    Bonferroni's and that of Benjamini & Hochberg each give another value in one of the two cases.
    """
    count = settings.comparisons
    for case, m in (("all true", count), ("half true", count // 2)):
        p = np.zeros((settings.simulations, count))
        p[:, :m] = generator(STUDY, "Holm", 0, case).random((settings.simulations, m))
        wrong = [min(statistics.holm(family)[:m]) < settings.alpha for family in p.tolist()]
        exact = 1 - (1 - settings.alpha / m) ** m
        yield _share("Holm", case, "family error", wrong, exact, settings, x=count)
    # Tickets that match dense and are better than shuffled networks by exactly the margin do not win, nor do tickets
    # that are worse than dense by exactly the margin, whatever their controls do.
    effects = np.tile([CERTAIN, 0.0], count // 2)
    nulls = {
        "one control beaten": _simulated_verdicts(effects, "false winning", settings),
        "worse than dense by the margin": _worse_tickets(settings),
    }
    for case, simulated in nulls.items():
        won = [cells.any() for cells in simulated]
        yield _share("verdict", case, "false winning", won, settings.alpha, settings, "at most", x=count)
    # Masks of untrained networks that are worse than dense by exactly the margin neither match nor are all worse.
    masks = [masks_on_the_margin(index, settings) for index in range(settings.verdict_simulations)]
    for fault, word in (("false matching", SUPPORTS), ("false refutation", REFUTES)):
        found = [decision == word for decision in masks]
        yield _share("strong form", "worse by the margin", fault, found, settings.alpha, settings, "at most", x=count)


# The other verdicts and the readings, each where its hypothesis is just true.


def _rules(settings: StatisticsCalibrationSettings) -> Iterator[dict]:
    """How often a verdict or a reading is given that is just not true."""
    count = settings.verdict_simulations
    random = generator(STUDY, "rules", 0)
    for case, rate, wrong in (("no role changes", settings.alpha, REFUTES), ("half change", CHANGING, SUPPORTS)):
        hits = random.binomial(settings.seeds, rate, (count, settings.structures))
        found = [existence(row, settings) == wrong for row in hits.tolist()]
        yield _share("T2, existence", case, f"false: {wrong}", found, settings.alpha, settings, "at most")
    for part in ("acquired", "beyond path", "retained"):
        found = [lost_at_a_bound(part, noise, settings) for noise in _of_structures(random, settings)]
        yield _share("T3, lost", f"{part} at its bound", "false loss", found, settings.alpha, settings, "at most")
    for part in ("beyond path", "forgotten"):
        found = [detour_at_a_bound(part, noise[0], settings) for noise in _of_structures(random, settings)]
        yield _share("T3, detour", f"{part} at its bound", "false detour", found, settings.alpha, settings, "at most")
    for side, bound, dose in ((readings.LATENT, HIGH, HIGH), (readings.BUILT, LOW, LOW)):
        noise = random.standard_normal((settings.simulations, settings.seeds))
        found = [_read(values + dose, settings) == side for values in noise]
        level = settings.alpha / 2
        yield _share(
            "reading", f"{side}, dose at its bound", "false reading", found, level, settings, "at most", x=bound
        )
    for side, loss in ((readings.LATENT, MARGIN), (readings.BUILT, MARGIN)):
        noise = SPREAD * random.standard_normal((settings.simulations, settings.seeds))
        doses = (statistics.mean_interval(values + loss, settings.alpha) for values in noise)
        found = [readings.gap((*astuple(dose)[:3], dose.n), MARGIN)[0] == side for dose in doses]
        level = settings.alpha / 2
        yield _share("reading", f"{side}, loss of δ", "false reading", found, level, settings, "at most", x=loss)


def existence(hits: Sequence[int], settings: StatisticsCalibrationSettings) -> str:
    """T2's verdict where as many initialisations change each of the study's roles (roles.changing_roles)."""
    n = settings.seeds
    rows = [
        {
            "test": ROLES,
            "quantity": CHANGES,
            "contrast": "same_init",
            "step": 0,
            "score": str(role),
            "estimate": count / n,
            "p": statistics.at_least(count, n, settings.alpha),
            "n": n,
        }
        for role, count in enumerate(hits)
    ]
    judging = JudgingSettings(margin=MARGIN, alpha=settings.alpha, changing=CHANGING)
    (answer,) = roles.changing_roles(pd.DataFrame(rows), judging)
    return str(answer["decision"])


def lost_at_a_bound(part: str, noise: np.ndarray, settings: StatisticsCalibrationSettings) -> bool:
    """Whether T3 calls a study's structures lost if `part` is just at its bound in each, and the rest is certain.

    noise: of the part in each structure, (structures, seeds).
    """
    answer = [row for row in _judged_structures(part, noise, settings) if row["kind"] == kinds.TRANSIENCE]
    return bool(answer[0]["decision"] == REFUTES)


def detour_at_a_bound(part: str, noise: np.ndarray, settings: StatisticsCalibrationSettings) -> bool:
    """The same of one structure's detour; noise: (seeds,)."""
    (row,) = (row for row in _judged_structures(part, noise[None], settings) if row["kind"] == kinds.DETOUR)
    return str(row["reason"]).startswith("a detour")


def _judged_structures(part: str, noise: np.ndarray, settings: StatisticsCalibrationSettings) -> list[dict]:
    judging = JudgingSettings(margin=MARGIN, alpha=settings.alpha)
    bounds = {
        "acquired": judging.acquired,
        "beyond path": judging.detour,
        "forgotten": judging.forgotten,
        "retained": judging.retained,
    }
    rows = []
    for structure, values in enumerate(noise):
        for name, bound in bounds.items():
            sign = -1 if name == "retained" else 1
            shares = bound + SPREAD * values if name == part else bound + sign * (CERTAIN + SPREAD * values)
            test = statistics.not_worse if name == "retained" else statistics.exceeds
            what = {"test": STRUCTURE, "contrast": name, "quantity": str(structure), "step": 0}
            rows.append(what | vars(test(shares, bound, settings.alpha)))
    return list(transience(pd.DataFrame(rows), judging))


def _of_structures(random: np.random.Generator, settings: StatisticsCalibrationSettings) -> np.ndarray:
    return random.standard_normal((settings.verdict_simulations, settings.structures, settings.seeds))


def _read(values: np.ndarray, settings: StatisticsCalibrationSettings) -> str:
    found = statistics.mean_interval(values, settings.alpha)
    return readings.side((found.estimate, found.ci_low, found.ci_high, found.n), LOW, HIGH)[0]


def _simulated_verdicts(
    effects: np.ndarray, purpose: str, settings: StatisticsCalibrationSettings
) -> Iterator[np.ndarray]:
    """The tickets that win, (tickets,) for each simulation.

    effects: by how much they are better than their controls beyond the margin.
    """
    matching = Estimate(0.0, -0.1, 0.1, 0.0, settings.seeds)
    for noise in differences(purpose, settings.verdict_simulations, settings.comparisons // 2, settings):
        tests = [
            statistics.not_worse(values - MARGIN - effect, -MARGIN, settings.alpha)
            for values, effect in zip(noise, effects, strict=True)
        ]
        yield winning(tests, [matching] * (len(tests) // 2), settings)


def _worse_tickets(settings: StatisticsCalibrationSettings) -> Iterator[np.ndarray]:
    """The same if each is worse than dense by exactly the margin and certainly better than its controls."""
    certain = Estimate(-CERTAIN, -CERTAIN - 0.1, -CERTAIN + 0.1, 0.0, settings.seeds)
    tickets = settings.comparisons // 2
    shape = (settings.verdict_simulations, tickets, settings.seeds)
    for noise in generator(STUDY, "worse than dense", 0).standard_normal(shape):
        against_dense = [statistics.not_worse(MARGIN + values, MARGIN, settings.alpha) for values in noise]
        yield winning([certain] * (2 * tickets), against_dense, settings)


def differences(purpose: str, simulations: int, tickets: int, settings: StatisticsCalibrationSettings) -> np.ndarray:
    """Differences to both controls of each ticket in turn, (simulations, 2 · tickets, seeds): standard normal.

    The two of a ticket correlate by 1/2, like differences to independent controls with the spread of the ticket.
    """
    random = generator(STUDY, purpose, 0)
    ticket = random.standard_normal((simulations, tickets, 1, settings.seeds))
    control = random.standard_normal((simulations, tickets, 2, settings.seeds))
    return ((ticket - control) / np.sqrt(2)).reshape(simulations, 2 * tickets, settings.seeds)


def winning(
    tests: Sequence[Estimate], against_dense: Sequence[Estimate], settings: StatisticsCalibrationSettings
) -> np.ndarray:
    """The tickets for which T1's verdict is that the hypothesis holds: tickets.ticket_cells, then winning_cells.

    tests: "better by more than the margin" than both controls of each ticket in turn; against_dense: non-inferiority.
    """
    judging = JudgingSettings(margin=MARGIN, alpha=settings.alpha)
    rows = []
    for ticket in range(len(tests) // 2):
        against = dict(zip(DECISIVE_CONTROLS, tests[2 * ticket : 2 * ticket + 2], strict=True)) | {
            "dense": against_dense[ticket]
        }
        at = {"rewind_step": 0, "level": ticket + 1, "density": 0.5 ** (ticket + 1), "step": LAST_STEP}
        for name, result in against.items():
            what = {"test": TICKETS, "quantity": judging.metric, "contrast": f"ticket - {name}"}
            rows.append(what | at | vars(result))
    cells = ticket_cells(pd.DataFrame(rows), judging, LAST_STEP)
    return cells.index.isin(winning_cells(cells, judging, kinds.WINNING_TICKET).index)


def masks_on_the_margin(index: int, settings: StatisticsCalibrationSettings) -> str:
    """The strong form's answer in a licensed study whose masks are all worse than dense by exactly the margin.

    There are `comparisons` masks. Their differences to dense correlate by 1/2: all have the dense network in common.
    """
    judging = JudgingSettings(margin=MARGIN, alpha=settings.alpha)
    random = generator(STUDY, "strong form", index)
    dense = random.standard_normal(settings.seeds)
    rows = []
    for level in range(settings.comparisons):
        worse = MARGIN + (random.standard_normal(settings.seeds) - dense) / np.sqrt(2)
        results = {
            "dense": statistics.not_worse(worse, MARGIN, settings.alpha),
            "random mask": Estimate(-CERTAIN, -CERTAIN, -CERTAIN, 0.0, settings.seeds),
        }
        for other, result in results.items():
            what = {"test": SUPERMASKS, "contrast": f"supermask_kaiming_x2 - {other}", "level": level, "density": 0.5}
            rows.append(what | vars(result))
    found = strong_form.masks(pd.DataFrame(rows), judging)
    (answer,) = strong_form.strong_form(found, judging, ("a licence", {"kaiming"}))
    return str(answer["decision"])


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
            yield _share("roles", case, "coverage", covered, ROLES_COVERAGE, settings, "at least", x=truth)
        if correlation == 0:
            rejected = same["p"] < settings.alpha
            yield _share("roles", "label permutation", "size", rejected, settings.alpha, settings, "at most", x=truth)
        # The distance above a threshold at which the interval lies above it with the required power.
        reach = float((truth - same["ci_low"]).quantile(settings.power))
        yield _row("effect", "T2, above a threshold", "detectable_effect", reach, x=truth, n=settings.seeds)


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
        "T1, winning": (won, [cells[0] for cells in _simulated_verdicts(effects, "true winning", settings)]),
        "T3, forgotten": (beyond, [statistics.exceeds(v + beyond, 0.0, alpha).p < strictest for v in noise[1]]),
    }
    for case, (effect, found) in checked.items():
        check = _share("effect", case, "power", found, power, settings, x=effect, tolerance=settings.tolerance)
        yield check
        yield _row("effect", case, "detectable_effect", effect, n=n, passed=check["passed"])


def _power_to_win(settings: StatisticsCalibrationSettings) -> Callable[[float], float]:
    """The share of simulations in which one ticket, better by an effect, beats both controls after the adjustment."""
    noise = differences("winning", settings.simulations, 1, settings)
    others = generator(STUDY, "other tickets", 0).random((settings.simulations, settings.comparisons - 2))

    def power_of(effect: float) -> float:
        mine = stats.ttest_1samp(noise - effect, 0.0, axis=2, alternative="less").pvalue
        adjusted = [statistics.holm(p)[:2] for p in np.concatenate([mine, others], axis=1)]
        return float((np.array(adjusted) < settings.alpha).all(axis=1).mean())

    return power_of


def _share(
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
    return _row(
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


def _row(
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
