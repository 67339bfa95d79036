"""The LLC sampler against ground truth: rows of table `calibration`, each with what was known and what was measured.

family            truth                                                            a check passes if
regular           the exact law of SGLD at its step ε, and without one (x = 0)      the truth lies in the interval
normal_crossing   quadrature at the same nβ and γ, of two parameters                likewise
zero_map          the same of deep linear networks with two hidden units            likewise
deep_linear       the closed form (learning_coefficients.py), from the balanced     the relative error is small enough
                  point of each network, extrapolated to ε = 0
deep_linear, hard the same, of networks further from their limit                 (reported, never required)
noisy_batches     the same, with mini-batches of noisy data; there for its spread    (reported, never required)
spread            the reported standard error is the spread between calls           their ratio's interval holds 1
coverage          nominal, of single calls' and of extrapolated intervals           nominal lies in a binomial interval
flags             healthy chains pass; a start beside a minimum, or too large       the share flagged is as it must be
                  a step, does not
parity            devinterp's own `llc` on one language model                       the truth lies in the interval
sweep             the closed form, at other ε, nβ and γ                             (reported, never required)

x is the step size ε, 0 after extrapolation; in a sweep it is the value varied. SGLD's error is proportional to ε as
ε goes to 0: `regular` shows on an exact law that a line through two steps leaves less than its interval, and
`normal_crossing` and `zero_map` that the same holds of singular models. A deep linear network reaches its closed form
only as 1/log nβ, so its error has a tolerance and its interval's coverage is reported but not required.

An estimate is the mean over independent calls, and its interval is of the spread between them, so it covers whatever
differs from call to call, not only what chains disagree about. Flagged calls are counted in `flag` and left out.
"""

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import torch
from scipy import stats

from workflow_scripts.ticketlab import learning_coefficients, llc, parity, potentials, stack
from workflow_scripts.ticketlab.contracts.calibration import CALIBRATION
from workflow_scripts.ticketlab.llc import Loss
from workflow_scripts.ticketlab.randomness import generator, torch_seed
from workflow_scripts.ticketlab.settings.calibration_llc import (
    ExactSettings,
    LLCCalibrationSettings,
    NetworkSettings,
    NoisySettings,
)
from workflow_scripts.ticketlab.settings.llc import LLCSettings
from workflow_scripts.ticketlab.stack import Stack
from workflow_scripts.ticketlab.statistics import Estimate, mean_interval

log = logging.getLogger(__name__)

STUDY = "calibration"
DISPLACEMENT = 0.2  # added to each weight of the balanced point to leave the minimum
Sampled = ExactSettings | LLCCalibrationSettings | NoisySettings  # what says how long chains are run, and how many
NOTHING = Estimate(np.nan, np.nan, np.nan, np.nan, 0)
NO_BATCH: Callable[[int], None] = lambda step: None  # noqa: E731


@dataclass(frozen=True)
class Calls:
    """Estimates of one model by independent calls: `llc.estimate`'s rows (calls of them) by step size ε."""

    by_step: dict[float, pd.DataFrame]

    def extrapolated(self) -> pd.DataFrame:
        """`llc` and `se` at ε = 0 of each call whose two smallest steps are both unflagged: the line through them."""
        fine, coarse = sorted(self.by_step)[:2]
        near, far = self.by_step[fine], self.by_step[coarse]
        llc = (coarse * near.llc - fine * far.llc) / (coarse - fine)
        se = np.hypot(coarse * near.se, fine * far.se) / (coarse - fine)
        return pd.DataFrame({"llc": llc, "se": se})[(near.flag == "") & (far.flag == "")]

    def flags(self, step: float | None = None) -> str:
        """How many calls raised which flag, at `step` or at the extrapolation's two steps: "drift 1/8, ess 2/8"."""
        chosen = sorted(self.by_step)[:2] if step is None else [step]
        raised = pd.concat([self.by_step[at].flag for at in chosen])
        names = raised[raised != ""].str.split(",").explode().value_counts()
        return ", ".join(f"{name} {count}/{len(raised)}" for name, count in sorted(names.items()))


Measured = Sequence[tuple[NetworkSettings, Calls]]


def calibrate(settings: LLCCalibrationSettings) -> pd.DataFrame:
    """All checks, in the columns of table `calibration`."""
    exact = exact_models(settings)
    networks = [(network, deep_linear_calls(network, settings)) for network in settings.networks]
    hard = [(network, deep_linear_calls(network, settings)) for network in settings.hard_networks]
    noisy = noisy_calls(settings)
    rows = [
        *exact_rows(exact, settings),
        *(row for network, calls in networks for row in network_rows("deep_linear", network, calls, settings)),
        *(
            row
            for network, calls in hard
            for row in network_rows("deep_linear, hard", network, calls, settings, required=False)
        ),
        *bias_rows(networks, settings),
        *network_rows("noisy_batches", settings.noisy.network, noisy, settings, required=False),
        *spread_rows({"deep linear": [calls for _, calls in networks], "noisy batches": [noisy]}, settings),
        *coverage_rows(exact, networks, settings),
        *flag_rows([calls for _, calls in networks], settings),
        *parity_rows(settings),
        *sweep_rows(settings),
    ]
    return pd.DataFrame(rows, columns=list(CALIBRATION.columns))


@dataclass(frozen=True)
class Exact:
    """A model whose nβ E[K] is known: by step size, and without a step's error at 0."""

    family: str
    case: str
    calls: Calls
    truth: dict[float, float]


def exact_models(settings: LLCCalibrationSettings) -> list[Exact]:
    """The calls of every model whose expectation at finite nβ and γ is known exactly."""
    exact, found = settings.exact, []
    nbeta, pull = exact.nbeta, exact.localization
    curvature = torch.logspace(-1, 0, exact.regular_parameters)
    found.append(
        Exact(
            "regular",
            f"{exact.regular_parameters} parameters",
            _calls(
                potentials.quadratic(curvature),
                potentials.origin(exact.regular_parameters),
                f"regular {exact.regular_parameters}",
                exact,
                exact.regular_step_sizes,
                settings.seed,
            ),
            {
                step: potentials.quadratic_expectation(curvature, nbeta, pull, step)
                for step in (*exact.regular_step_sizes, 0.0)
            },
        )
    )
    singular: list[tuple[str, str, Loss, Stack, float]] = []
    for power in exact.crossings:
        truth = potentials.crossing_expectation(power, nbeta, pull)
        case = "½(w₁w₂)²" if power == 1 else f"½(w₁w₂^{power})²"
        singular.append(("normal_crossing", case, potentials.crossing(power), potentials.origin(2), truth))
    for inputs, outputs in exact.two_hidden:
        truth = potentials.two_hidden_expectation(inputs, outputs, nbeta, pull)
        start = potentials.balanced_point([inputs, 2, outputs], 0)
        loss = potentials.deep_linear(torch.zeros(outputs, inputs))
        singular.append(("zero_map", f"{inputs}-2-{outputs}", loss, start, truth))
    for family, case, loss, start, truth in singular:
        calls = _calls(loss, start, f"{family} {case}", exact, exact.singular_step_sizes, settings.seed)
        # The law without a step's error; what a step adds is not known in closed form.
        found.append(Exact(family, case, calls, {0.0: truth}))
    return found


def exact_rows(models: Sequence[Exact], settings: LLCCalibrationSettings) -> list[dict]:
    rows, widths = [], []
    for model in models:
        for step, frame in model.calls.by_step.items():
            known = step in model.truth
            row = _by_interval(
                model.family,
                model.case,
                "llc",
                model.truth.get(step, model.truth[0.0]),
                _mean(_kept(frame), settings.strict_alpha),
                x=step,
                required=known,  # elsewhere the truth is that of ε = 0
                flag=model.calls.flags(step),
            )
            rows.append(row)
        measured = _mean(model.calls.extrapolated().llc, settings.strict_alpha)
        truth = model.truth[0.0]
        rows.append(_by_interval(model.family, model.case, "llc", truth, measured, x=0.0, flag=model.calls.flags()))
        widths.append((measured.ci_high - measured.ci_low) / 2 / truth)
    rows.append(
        _by_tolerance(
            "regular, normal_crossing, zero_map",
            "widest interval",
            "relative_half_width",
            0.0,
            Estimate(float(np.max(widths)), np.nan, np.nan, np.nan, len(widths)),
            settings.half_width,
        )
    )
    return rows


def deep_linear_calls(network: NetworkSettings, settings: LLCCalibrationSettings) -> Calls:
    """A network's calls from its balanced point, at each step size."""
    return _calls(*_deep_linear(network), f"deep_linear {network}", settings, settings.step_sizes, settings.seed)


def network_rows(
    family: str, network: NetworkSettings, calls: Calls, settings: LLCCalibrationSettings, *, required: bool = True
) -> list[dict]:
    """λ̂ against the closed form: at each step (reported), and extrapolated (`required`)."""
    truth = _coefficient(network)
    shape: dict[str, Any] = {"widths": network.widths, "rank": network.rank}
    tolerance = settings.tolerance * truth
    rows = []
    for step, frame in calls.by_step.items():
        measured, flag = _mean(_kept(frame), settings.alpha), calls.flags(step)
        rows.append(
            _by_tolerance(
                family, str(network), "llc", truth, measured, tolerance, x=step, required=False, flag=flag, **shape
            )
        )
    measured = _mean(calls.extrapolated().llc, settings.alpha)
    rows.append(
        _by_tolerance(
            *(family, str(network), "llc", truth, measured, tolerance),
            x=0.0,
            required=required,
            flag=calls.flags(),
            **shape,
        )
    )
    return rows


def bias_rows(networks: Measured, settings: LLCCalibrationSettings) -> list[dict]:
    """The mean relative error over the networks, at each step and extrapolated; the interval is over networks."""
    by_step: dict[float, list[float]] = {}
    for network, calls in networks:
        truth = _coefficient(network)
        for step, frame in calls.by_step.items():
            by_step.setdefault(step, []).append(_mean(_kept(frame), settings.alpha).estimate / truth - 1)
        by_step.setdefault(0.0, []).append(_mean(calls.extrapolated().llc, settings.alpha).estimate / truth - 1)
    return [
        _by_tolerance(
            "deep_linear",
            "all",
            "relative_bias",
            0.0,
            _mean(errors, settings.alpha),
            settings.bias_tolerance,
            x=step,
            required=step == 0.0,
        )
        for step, errors in by_step.items()
    ]


def noisy_calls(settings: LLCCalibrationSettings) -> Calls:
    """A deep linear network on mini-batches of noisy data, each call and chain with batches of its own."""
    noisy = settings.noisy
    start = potentials.balanced_point(noisy.network.widths, noisy.network.rank)
    true_map = potentials.product(start)[0]
    count, name = noisy.calls * noisy.chains, f"noisy {noisy.network}"

    def batches(step: int) -> Any:
        return potentials.regression_batch(
            true_map, count, noisy.batch_size, generator(STUDY, "noisy-batch", settings.seed, step)
        )

    loss = potentials.deep_linear_regression
    return _calls(loss, start, name, noisy, noisy.step_sizes, settings.seed, batches)


def spread_rows(groups: dict[str, list[Calls]], settings: LLCCalibrationSettings) -> list[dict]:
    """The spread between calls over the reported standard error, pooled over each group's models and steps."""
    rows = []
    for name, models in groups.items():
        kept = [frame[frame.flag == ""] for calls in models for frame in calls.by_step.values()]
        kept = [frame for frame in kept if len(frame) > 1]
        freedom = np.array([len(frame) - 1 for frame in kept])
        # Each model's spread relative to its own reported error, so that no one model dominates.
        ratios = np.array([frame.llc.var() / (frame.se**2).mean() for frame in kept])
        rows.append(
            _by_interval("spread", name, "spread_over_se", 1.0, _root_mean(ratios, freedom, settings.strict_alpha))
        )
    return rows


def _root_mean(ratios: np.ndarray, freedom: np.ndarray, alpha: float) -> Estimate:
    """√ of the pooled ratio of variances, with the χ² interval of a spread."""
    total = int(freedom.sum())
    if not total:
        return NOTHING
    pooled = (freedom * ratios).sum() / total
    low, high = (np.sqrt(total * pooled / stats.chi2.ppf(q, total)) for q in (1 - alpha / 2, alpha / 2))
    return Estimate(float(np.sqrt(pooled)), float(low), float(high), np.nan, total)


def coverage_rows(models: Sequence[Exact], networks: Measured, settings: LLCCalibrationSettings) -> list[dict]:
    """How often an interval at level 1 − alpha holds the truth: of single calls by their se, and over the networks."""
    width = stats.norm.ppf(1 - settings.alpha / 2)
    single: list[bool] = []
    for model in models:
        # Where the finite step's law is known, it is tested at each step; else only without its error.
        for step in [step for step in model.truth if step > 0] or [0.0]:
            frame = model.calls.by_step[step] if step > 0 else model.calls.extrapolated()
            kept = frame[frame.flag == ""] if step > 0 else frame
            single += (abs(kept.llc - model.truth[step]) <= width * kept.se).tolist()
    over_networks = []
    for network, calls in networks:
        interval = _mean(calls.extrapolated().llc, settings.alpha)
        over_networks.append(interval.ci_low <= _coefficient(network) <= interval.ci_high)
    return [
        _by_interval(
            "coverage", name, "coverage", 1 - settings.alpha, _share(hits, settings.strict_alpha), required=required
        )
        for name, hits, required in (
            ("exact law, single calls", single, True),
            ("closed form, extrapolated", over_networks, False),
        )
    ]


def flag_rows(healthy: Sequence[Calls], settings: LLCCalibrationSettings) -> list[dict]:
    """Flags stay down on sound chains and go up on what is no minimum and on a step that is too large."""
    raised = [flag != "" for calls in healthy for frame in calls.by_step.values() for flag in frame.flag]
    share = _share(raised, settings.alpha)
    rows = [_by_tolerance("flags", "deep linear, healthy", "flagged", 0.0, share, settings.false_alarms)]
    network = settings.networks[0]
    loss, start = _deep_linear(network)
    beside = {name: tensor + DISPLACEMENT for name, tensor in start.items()}
    # At 4/(nβh), h the largest curvature (at least 1 per layer), SGLD on a quadratic is unstable.
    too_large = 8 / settings.nbeta
    for case, begin, step_size, expected in (
        ("start beside a minimum", beside, min(settings.step_sizes), "not_a_minimum"),
        ("step too large", start, too_large, "diverged"),
    ):
        chosen = _sampling(settings, step_size, settings.step_sizes)
        frame = _estimates(loss, begin, NO_BATCH, chosen, settings.calls, f"flags {case}", settings.seed)
        hits = frame.flag.str.split(",").map(lambda names, expected=expected: expected in names)
        share = _share(hits, settings.alpha)
        rows.append(_by_tolerance("flags", case, "flagged", 1.0, share, 0.0, x=step_size, flag=expected))
    return rows


def parity_rows(settings: LLCCalibrationSettings) -> list[dict]:
    """Our λ̂ of one language model against devinterp's: interval of the difference of means (Welch), and its size."""
    chosen = settings.parity
    language = parity.language_model(chosen)
    frame = parity.ours(language, chosen, chosen.calls)
    ours, theirs = _kept(frame), parity.devinterps(language, chosen, chosen.calls)
    flag = Calls({chosen.learning_rate: frame}).flags(chosen.learning_rate)
    truth = float(theirs.mean())
    measured = error = NOTHING
    if len(ours) > 1:
        test = stats.ttest_ind(ours, theirs, equal_var=False)
        interval = test.confidence_interval(1 - settings.alpha)
        n = len(ours) + len(theirs)
        measured = Estimate(float(ours.mean()), truth + interval.low, truth + interval.high, float(test.pvalue), n)
        error = Estimate(measured.estimate / truth - 1, interval.low / truth, interval.high / truth, np.nan, n)
    case, x = "devinterp.slt.llc.llc, a language model", chosen.learning_rate
    return [
        _by_interval("parity", case, "llc", truth, measured, x=x, flag=flag),
        _by_tolerance("parity", case, "relative_difference", 0.0, error, chosen.tolerance, x=x, flag=flag),
    ]


def sweep_rows(settings: LLCCalibrationSettings) -> list[dict]:
    """Levels and orderings at other ε, nβ and γ, one varied at a time."""
    sweep = settings.sweep
    truths = [_coefficient(network) for network in sweep.networks]
    base = LLCSettings(
        chains=sweep.chains,
        draws=sweep.draws,
        burn_in=sweep.burn_in,
        learning_rate=sweep.learning_rate,
        nbeta=sweep.nbeta,
        localization=sweep.localization,
    )
    known: dict[tuple[str, LLCSettings], pd.Series] = {}
    rows = []
    for varied, values in sweep.values():
        for value in values:
            chosen = base.model_copy(update={varied: value})
            found = []
            for network, truth in zip(sweep.networks, truths, strict=True):
                if (str(network), chosen) not in known:
                    name = f"sweep {network} {varied} {value:g}"
                    frame = _estimates(*_deep_linear(network), NO_BATCH, chosen, 1, name, settings.seed)
                    known[str(network), chosen] = frame.iloc[0]
                estimate = known[str(network), chosen]
                found.append(estimate)
                half = stats.norm.ppf(1 - settings.alpha / 2) * estimate.se
                measured = Estimate(estimate.llc, estimate.llc - half, estimate.llc + half, np.nan, 1)
                rows.append(
                    _by_tolerance(
                        f"sweep {varied}",
                        str(network),
                        "llc",
                        truth,
                        measured,
                        settings.tolerance * truth,
                        x=value,
                        required=False,
                        flag=estimate.flag,
                        widths=network.widths,
                        rank=network.rank,
                    )
                )
            levels = [estimate.llc for estimate in found]
            order = stats.kendalltau(truths, levels, nan_policy="propagate").statistic
            rows.append(
                _by_tolerance(
                    f"sweep {varied}",
                    "all",
                    "kendall_tau",
                    1.0,
                    Estimate(float(order), np.nan, np.nan, np.nan, len(levels)),
                    1 - sweep.agreement,
                    x=value,
                    required=False,
                    flag=", ".join(sorted({estimate.flag for estimate in found} - {""})),
                )
            )
    return rows


def _deep_linear(network: NetworkSettings) -> tuple[Loss, Stack]:
    start = potentials.balanced_point(network.widths, network.rank)
    return potentials.deep_linear(potentials.product(start)[0]), start


def _coefficient(network: NetworkSettings) -> float:
    return float(learning_coefficients.deep_linear(network.widths, network.rank)[0])


def _sampling(how: Sampled, step_size: float, step_sizes: Sequence[float]) -> LLCSettings:
    """How chains are run at `step_size`: for the same time ε·steps as at the smallest of `step_sizes`."""
    share = min(min(step_sizes) / step_size, 1.0)
    return LLCSettings(
        chains=how.chains,
        draws=max(round(how.draws * share), 16),
        burn_in=round(how.burn_in * share),
        learning_rate=step_size,
        nbeta=how.nbeta,
        localization=how.localization,
    )


def _calls(
    loss: Loss,
    start: Stack,
    name: str,
    how: Sampled,
    step_sizes: Sequence[float],
    seed: int,
    batches: Callable[[int], Any] = NO_BATCH,
) -> Calls:
    """Independent calls at each step size."""
    return Calls(
        {
            step: _estimates(loss, start, batches, _sampling(how, step, step_sizes), how.calls, name, seed)
            for step in step_sizes
        }
    )


def _estimates(
    loss: Loss, start: Stack, batches: Callable, chosen: LLCSettings, calls: int, name: str, seed: int
) -> pd.DataFrame:
    """`llc.estimate`'s row of each of `calls` calls from the one network in `start`.

    The calls are networks of one stack: they share no noise, batch or baseline, so they differ as separate calls do.
    """
    noise = torch_seed(STUDY, name, seed, chosen.learning_rate)
    traces = llc.sample(loss, stack.take(start, [0] * calls), batches, chosen, noise)
    frame = llc.estimate(traces, chosen)
    log.info("%s, ε %g: λ̂ %.3f ± %.3f", name, chosen.learning_rate, frame.llc.mean(), frame.llc.sem())
    return frame


def _kept(frame: pd.DataFrame) -> np.ndarray:
    """λ̂ of the calls without a flag."""
    return frame.llc[frame.flag == ""].to_numpy()


def _mean(values: Sequence[float] | np.ndarray, alpha: float) -> Estimate:
    """The mean over calls or networks with its t interval; NOTHING if every call was flagged."""
    return mean_interval(values, alpha) if len(values) else NOTHING


def _share(hits: Sequence[bool] | pd.Series, alpha: float) -> Estimate:
    """A share with its exact binomial interval (Clopper & Pearson 1934)."""
    count, total = int(sum(hits)), len(hits)
    if not total:
        return NOTHING
    interval = stats.binomtest(count, total).proportion_ci(1 - alpha)
    return Estimate(count / total, interval.low, interval.high, np.nan, total)


def _by_interval(
    family: str, case: str, quantity: str, truth: float, measured: Estimate, **others: Any
) -> dict[str, Any]:
    passed = bool(measured.ci_low <= truth <= measured.ci_high)
    return _row(family, case, quantity, truth, measured, np.nan, passed, **others)


def _by_tolerance(
    family: str, case: str, quantity: str, truth: float, measured: Estimate, tolerance: float, **others: Any
) -> dict[str, Any]:
    passed = bool(abs(measured.estimate - truth) <= tolerance)
    return _row(family, case, quantity, truth, measured, tolerance, passed, **others)


def _row(
    family: str,
    case: str,
    quantity: str,
    truth: float,
    measured: Estimate,
    tolerance: float,
    passed: bool,
    *,
    x: float = np.nan,
    required: bool = True,
    flag: str = "",
    widths: list[int] | None = None,
    rank: int | None = None,
) -> dict[str, Any]:
    return {
        "instrument": "llc",
        "family": family,
        "case": case,
        "widths": widths,
        "rank": rank,
        "quantity": quantity,
        "x": x,
        "truth": truth,
        "estimate": measured.estimate,
        "ci_low": measured.ci_low,
        "ci_high": measured.ci_high,
        "tolerance": tolerance,
        "n": measured.n,
        "flag": flag,
        "required": required,
        "passed": passed,
    }
