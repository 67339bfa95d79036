"""Rows of table `calibration` for the LLC sampler, each with the truth and the measurement.

family            truth                                                            a check passes if
regular           the exact law, of SGLD with its step ε too                       the truth lies in the interval
normal_crossing   quadrature at the same nβ and γ, of two parameters               likewise; SGLD is only reported
zero_map          the same of deep linear networks with two hidden units           likewise
sampler           SGLD's error on these models, at their largest step              the default's is no larger
deep_linear       the closed form (exact_coefficients.py), from the balanced       the relative error is small enough
                  point of each network
deep_linear, hard the same, of networks further from their limit                   (reported, never required)
noisy_batches     mini-batches of noisy data: the exact law with their noise, and  the truth lies in the interval; the
                  its share of the injected noise; quadrature without it           relative error is small enough
spread            the reported standard error is the spread between calls          their ratio's interval holds 1
coverage          nominal, of single calls' and of networks' intervals             nominal lies in a binomial interval
flags             healthy chains pass; a start off a minimum, or too large         the share flagged is as it must be
                  a step, does not
half_rank         rank(H)/2 at this scale, a bound, of the deep linear networks    the interval reaches it
stratum           the closed form of reduced-rank regression where layers have     the relative error is small enough
                  these ranks
two_minima        quadrature, of a model whose λ at w* is larger than elsewhere    the truth lies in the interval, where
                                                                                   the law stays at w*
parity            devinterp's own `llc` on one language model                      the truth lies in the interval
invariance        λ̂ of the same model, moved by a symmetry                         likewise
minimum           that model as its own teacher: the Hessian's dimension bounds    the interval reaches it; the share
                  λ̂, and `not_a_minimum` is silent; early in training it is not    flagged is as it must be
sweep             the closed form, at other ε, nβ and γ                            (reported, never required)

x is the step size ε; in a sweep it is the varied value. The default sampler is exact for `regular` at every step; on
`normal_crossing` and `zero_map` its error, of second order in ε, must be smaller than the interval. So no estimate is
extrapolated to ε = 0. A deep linear network reaches its closed form only as 1/log nβ, so its error has a tolerance and
its interval's coverage is reported but not required.

An estimate is the mean over independent calls, and its interval comes from the spread between them, so it covers all
differences from call to call, not only disagreement between chains. Flagged calls are counted in `flag` and left out.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from scipy import stats

from workflow_scripts.ticketlab.calibration import checks, devinterp_llc, llc_networks, llc_runs, llc_strata
from workflow_scripts.ticketlab.calibration.devinterp_llc import LanguageModel
from workflow_scripts.ticketlab.calibration.llc_runs import Calls, Exact, Noisy
from workflow_scripts.ticketlab.core.statistics import Estimate, mean_interval
from workflow_scripts.ticketlab.settings.calibration.llc import LLCCalibrationSettings
from workflow_scripts.ticketlab.settings.deep_linear import NetworkSettings
from workflow_scripts.ticketlab.settings.llc import LLCSettings, Sampler

Settings = LLCCalibrationSettings  # of this instrument's section of the config

DISPLACEMENT = 0.2  # added to each weight of the balanced point to leave the minimum
NOTHING = Estimate(np.nan, np.nan, np.nan, np.nan, 0)
Measured = Sequence[tuple[NetworkSettings, Calls]]


def calibrate(settings: LLCCalibrationSettings) -> pd.DataFrame:
    """All checks, with the columns of table `calibration`."""
    exact = llc_runs.exact_models(settings)
    networks = [(network, llc_runs.deep_linear_calls(network, settings)) for network in settings.networks]
    hard = [(network, llc_runs.deep_linear_calls(network, settings)) for network in settings.hard_networks]
    noisy = llc_runs.noisy_models(settings)
    language = devinterp_llc.language_model(settings.parity)
    rows = [
        *exact_rows(exact, settings),
        *(row for network, calls in networks for row in network_rows("deep_linear", network, calls, settings)),
        *(
            row
            for network, calls in hard
            for row in network_rows("deep_linear, hard", network, calls, settings, required=False)
        ),
        *bias_rows(networks, settings),
        *noisy_rows(noisy, settings),
        *spread_rows(
            {"deep linear": [calls for _, calls in networks], "noisy batches": [model.calls for model in noisy]},
            settings,
        ),
        *coverage_rows(exact, networks, settings),
        *flag_rows([calls for _, calls in networks], settings),
        *llc_strata.rank_rows(networks, settings),
        *llc_strata.stratum_rows(settings),
        *llc_strata.two_minima_rows(settings),
        *parity_rows(language, settings),
        *llc_networks.network_rows(language, settings),
        *sweep_rows(settings),
    ]
    return checks.table(rows)


def exact_rows(models: Sequence[Exact], settings: LLCCalibrationSettings) -> list[dict]:
    rows, widths = [], []
    errors: dict[Sampler, list[float]] = {sampler: [] for sampler in llc_runs.SAMPLERS}
    for model in models:
        truth = model.truth[0.0]
        for sampler, calls in model.calls.items():
            is_default = sampler == LLCSettings().sampler
            for step, frame in calls.by_step.items():
                # SGLD's known error may raise a flag: above_d/2.
                found = _kept(frame) if is_default else frame.llc.dropna().to_numpy()
                measured = _mean(found, settings.strict_alpha)
                rows.append(
                    _by_interval(
                        model.family if is_default else f"{model.family}, {sampler}",
                        model.case,
                        "llc",
                        truth if is_default else model.truth.get(step, truth),
                        measured,
                        x=step,
                        required=is_default or step in model.truth,  # elsewhere the truth is that of ε = 0
                        flag=calls.flags(step),
                    )
                )
                if is_default:
                    widths.append((measured.ci_high - measured.ci_low) / 2 / truth)
                if step == max(calls.by_step):
                    errors[sampler].append(abs(measured.estimate / truth - 1))
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
    default, sgld = (float(np.mean(errors[sampler])) for sampler in (LLCSettings().sampler, "sgld"))
    of = {"instrument": "llc", "family": "sampler", "case": "all, at their largest step", "quantity": "relative_error"}
    return [*rows, checks.at_most(of, sgld, default, n=len(models))]


def network_rows(
    family: str, network: NetworkSettings, calls: Calls, settings: LLCCalibrationSettings, *, required: bool = True
) -> list[dict]:
    """λ̂ at each step compared with the closed form."""
    truth = llc_runs.coefficient(network)
    shape: dict[str, Any] = {"widths": network.widths, "rank": network.rank}
    return [
        _by_tolerance(
            *(family, str(network), "llc", truth, _mean(_kept(frame), settings.alpha), settings.tolerance * truth),
            x=step,
            required=required,
            flag=calls.flags(step),
            **shape,
        )
        for step, frame in calls.by_step.items()
    ]


def bias_rows(networks: Measured, settings: LLCCalibrationSettings) -> list[dict]:
    """The mean relative error over the networks at each step; the interval is over networks."""
    by_step: dict[float, list[float]] = {}
    for network, calls in networks:
        truth = llc_runs.coefficient(network)
        for step, frame in calls.by_step.items():
            by_step.setdefault(step, []).append(_mean(_kept(frame), settings.alpha).estimate / truth - 1)
    return [
        _by_tolerance(
            *("deep_linear", "all", "relative_bias", 0.0, _mean(errors, settings.alpha), settings.bias_tolerance),
            x=step,
        )
        for step, errors in by_step.items()
    ]


def noisy_rows(models: Sequence[Noisy], settings: LLCCalibrationSettings) -> list[dict]:
    """λ̂ on mini-batches, and the share of the injected noise that they add."""
    rows = []
    for model in models:
        for step, frame in model.calls.by_step.items():
            of: dict[str, Any] = {"x": step, "flag": model.calls.flags(step)}
            truth, measured = model.truth[step], _mean(_kept(frame), settings.strict_alpha)
            if step not in model.share:
                tolerance = settings.noisy.tolerance * truth
                rows.append(_by_tolerance("noisy_batches", model.case, "llc", truth, measured, tolerance, **of))
                continue
            rows.append(_by_interval("noisy_batches", model.case, "llc", truth, measured, **of))
            share = _mean(frame["noise_share"].to_numpy(), settings.strict_alpha)
            rows.append(_by_interval("noisy_batches", model.case, "noise_share", model.share[step], share, **of))
    return rows


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
    """The square root of the pooled ratio of variances, with the χ² interval of a spread."""
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
        for frame in model.calls[LLCSettings().sampler].by_step.values():
            kept = frame[frame.flag == ""]
            single += (abs(kept.llc - model.truth[0.0]) <= width * kept.se).tolist()
    over_networks = []
    for network, calls in networks:
        for frame in calls.by_step.values():
            interval = _mean(_kept(frame), settings.alpha)
            over_networks.append(interval.ci_low <= llc_runs.coefficient(network) <= interval.ci_high)
    return [
        _by_interval(
            "coverage", name, "coverage", 1 - settings.alpha, _share(hits, settings.strict_alpha), required=required
        )
        for name, hits, required in (
            ("exact law, single calls", single, True),
            ("closed form", over_networks, False),
        )
    ]


def flag_rows(healthy: Sequence[Calls], settings: LLCCalibrationSettings) -> list[dict]:
    """Checks that sound chains raise no flag, and that a start off the minimum and too large a step each raise one."""
    raised = [flag != "" for calls in healthy for frame in calls.by_step.values() for flag in frame.flag]
    share = _share(raised, settings.alpha)
    rows = [_by_tolerance("flags", "deep linear, healthy", "flagged", 0.0, share, settings.false_alarms)]
    network = settings.networks[0]
    loss, start = llc_runs.deep_linear(network)
    beside = {name: tensor + DISPLACEMENT for name, tensor in start.items()}
    # At 4/(nβh), h the largest curvature (at least 1 per layer), SGLD on a quadratic is unstable.
    too_large = 8 / settings.nbeta
    for case, begin, step_size, expected in (
        ("start beside a minimum", beside, min(settings.step_sizes), "not_a_minimum"),
        ("step too large", start, too_large, "diverged"),
    ):
        chosen = llc_runs.sampling(settings, step_size, settings.step_sizes)
        frame = llc_runs.estimates(loss, begin, chosen, settings.calls, f"flags {case}", settings.seed)
        hits = frame.flag.str.split(",").map(lambda names, expected=expected: expected in names)
        share = _share(hits, settings.alpha)
        rows.append(_by_tolerance("flags", case, "flagged", 1.0, share, 0.0, x=step_size, flag=expected))
    return rows


def parity_rows(language: LanguageModel, settings: LLCCalibrationSettings) -> list[dict]:
    """Our λ̂ of one language model compared with devinterp's: interval of the difference of means (Welch), its size."""
    chosen = settings.parity
    frame = devinterp_llc.ours(language, chosen, chosen.calls)
    ours, theirs = _kept(frame), devinterp_llc.devinterps(language, chosen, chosen.calls)
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
    truths = [llc_runs.coefficient(network) for network in sweep.networks]
    base = LLCSettings(
        chains=sweep.chains,
        draws=sweep.draws,
        burn_in=sweep.burn_in,
        learning_rate=sweep.learning_rate,
        nbeta=sweep.nbeta,
        localization=sweep.localization,
    )
    known: dict[tuple[str, str], pd.Series] = {}
    rows = []
    for varied, values in sweep.values():
        for value in values:
            chosen = base.model_copy(update={varied: value})
            found = []
            for network, truth in zip(sweep.networks, truths, strict=True):
                key = (str(network), chosen.model_dump_json())
                if key not in known:
                    name = f"sweep {network} {varied} {value:g}"
                    frame = llc_runs.estimates(*llc_runs.deep_linear(network), chosen, 1, name, settings.seed)
                    known[key] = frame.iloc[0]
                estimate = known[key]
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


def _by_interval(family: str, case: str, quantity: str, truth: float, measured: Estimate, **others: Any) -> dict:
    return _row(family, case, quantity, truth, measured, np.nan, measured.ci_low <= truth <= measured.ci_high, others)


def _by_tolerance(
    family: str, case: str, quantity: str, truth: float, measured: Estimate, tolerance: float, **others: Any
) -> dict:
    passed = abs(measured.estimate - truth) <= tolerance
    return _row(family, case, quantity, truth, measured, tolerance, passed, others)


def _row(
    family: str,
    case: str,
    quantity: str,
    truth: float,
    measured: Estimate,
    tolerance: float,
    passed: bool,
    others: dict[str, Any],
) -> dict:
    of = {"instrument": "llc", "family": family, "case": case, "quantity": quantity, "flag": "", **others}
    interval = (measured.ci_low, measured.ci_high)
    return checks.row(of, truth, measured.estimate, interval, tolerance, measured.n, passed)
