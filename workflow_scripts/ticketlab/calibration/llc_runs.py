"""Independent calls of the LLC sampler, for its calibration, on models whose learning coefficient is known.

The models are a quadratic, whose law at any step is known; normal crossings and the zero map of small deep linear
networks, by quadrature; and deep linear networks from their balanced point, in closed form
(instruments/exact_coefficients.py).
"""

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, get_args

import pandas as pd
import torch

from workflow_scripts.ticketlab.calibration import toy_losses
from workflow_scripts.ticketlab.core.random_streams import generator, torch_seed
from workflow_scripts.ticketlab.instruments import exact_coefficients, llc
from workflow_scripts.ticketlab.instruments.llc import Loss
from workflow_scripts.ticketlab.settings.calibration.llc import (
    ExactSettings,
    LLCCalibrationSettings,
    NoisySettings,
    StrataSettings,
    TwoMinimaSettings,
)
from workflow_scripts.ticketlab.settings.deep_linear import NetworkSettings
from workflow_scripts.ticketlab.settings.llc import LLCSettings, Sampler
from workflow_scripts.ticketlab.training import stack
from workflow_scripts.ticketlab.training.stack import Stack

log = logging.getLogger(__name__)

STUDY = "calibration"
SAMPLERS: tuple[Sampler, ...] = get_args(Sampler)
NO_BATCH: Callable[[int], None] = lambda step: None  # noqa: E731
# Settings of the number and length of chains.
Sampled = ExactSettings | LLCCalibrationSettings | NoisySettings | StrataSettings | TwoMinimaSettings


@dataclass(frozen=True)
class Calls:
    """Estimates of one model by independent calls: `llc.estimate`'s rows (one per call) by step size ε."""

    by_step: dict[float, pd.DataFrame]

    def flags(self, step: float) -> str:
        """The number of calls that raised each flag at a step: "drift 1/8, ess 2/8"."""
        raised = self.by_step[step].flag
        names = raised[raised != ""].str.split(",").explode().value_counts()
        return ", ".join(f"{name} {count}/{len(raised)}" for name, count in sorted(names.items()))


@dataclass(frozen=True)
class Exact:
    """A model whose nβ E[K] is known: at 0 without a step's error, and by step where SGLD's law with it is known."""

    family: str
    case: str
    calls: dict[Sampler, Calls]
    truth: dict[float, float]


@dataclass(frozen=True)
class Noisy:
    """A model on mini-batches of noisy data.

    truth: nβ E[K] by step size. share: the batches' share of the injected noise, where that is known.
    """

    case: str
    calls: Calls
    truth: dict[float, float]
    share: dict[float, float]


def exact_models(settings: LLCCalibrationSettings) -> list[Exact]:
    """The calls of every model whose expectation at finite nβ and γ is known exactly, with both samplers."""
    exact, found = settings.exact, []
    nbeta, pull = exact.nbeta, exact.localization
    curvature = torch.logspace(-1, 0, exact.regular_parameters)
    count = exact.regular_parameters
    laws = {
        step: toy_losses.quadratic_expectation(curvature, nbeta, pull, step)
        for step in (0.0, *exact.regular_step_sizes)
    }
    models: list[tuple[str, str, Loss, Stack, dict[float, float]]] = [
        ("regular", f"{count} parameters", toy_losses.quadratic(curvature), toy_losses.origin(count), laws)
    ]
    for power in exact.crossings:
        law = {0.0: toy_losses.crossing_expectation(power, nbeta, pull)}
        case = "½(w₁w₂)²" if power == 1 else f"½(w₁w₂^{power})²"
        models.append(("normal_crossing", case, toy_losses.crossing(power), toy_losses.origin(2), law))
    for inputs, outputs in exact.two_hidden:
        law = {0.0: toy_losses.two_hidden_expectation(inputs, outputs, nbeta, pull)}
        start = toy_losses.balanced_point([inputs, 2, outputs], 0)
        loss = toy_losses.deep_linear(torch.zeros(outputs, inputs))
        models.append(("zero_map", f"{inputs}-2-{outputs}", loss, start, law))
    for family, case, loss, start, law in models:
        steps = exact.regular_step_sizes if family == "regular" else exact.singular_step_sizes
        calls = {
            sampler: _calls(loss, start, f"{family} {case}", exact, steps, settings.seed, sampler=sampler)
            for sampler in SAMPLERS
        }
        found.append(Exact(family, case, calls, law))
    return found


def deep_linear_calls(network: NetworkSettings, settings: LLCCalibrationSettings) -> Calls:
    """A network's calls from its balanced point, at each step size."""
    return _calls(*deep_linear(network), f"deep_linear {network}", settings, settings.step_sizes, settings.seed)


def noisy_models(settings: LLCCalibrationSettings) -> list[Noisy]:
    """The calls of the models on mini-batches of noisy data; each call and chain has its own batches."""
    noisy, found = settings.noisy, []
    nbeta, pull = noisy.nbeta, noisy.localization
    inputs, outputs = noisy.linear
    laws = {
        step: toy_losses.regression_expectation(inputs, outputs, nbeta, pull, step, noisy.batch_size)
        for step in noisy.step_sizes
    }
    of_linear = {step: law for step, (law, _) in laws.items()}, {step: share for step, (_, share) in laws.items()}
    first, last = noisy.two_hidden
    truth = toy_losses.two_hidden_expectation(first, last, nbeta, pull)
    of_zero_map: tuple[dict[float, float], dict[float, float]] = dict.fromkeys(noisy.step_sizes, truth), {}
    for widths, (truths, shares) in (([inputs, outputs], of_linear), ([first, 2, last], of_zero_map)):
        case = "-".join(map(str, widths))

        def batches(step: int, widths: list[int] = widths) -> Any:
            random = generator(STUDY, "noisy-batch", settings.seed, step)
            true_map = torch.zeros(widths[-1], widths[0])
            return toy_losses.regression_batch(true_map, noisy.calls * noisy.chains, noisy.batch_size, random)

        start = toy_losses.balanced_point(widths, 0)
        loss, steps = toy_losses.deep_linear_regression, noisy.step_sizes
        calls = _calls(loss, start, f"noisy {case}", noisy, steps, settings.seed, batches)
        found.append(Noisy(case, calls, truths, shares))
    return found


def deep_linear(network: NetworkSettings) -> tuple[Loss, Stack]:
    start = toy_losses.balanced_point(network.widths, network.rank)
    return toy_losses.deep_linear(toy_losses.product(start)[0]), start


def coefficient(network: NetworkSettings) -> float:
    return float(exact_coefficients.deep_linear(network.widths, network.rank)[0])


def sampling(
    how: Sampled, step_size: float, step_sizes: Sequence[float], sampler: Sampler = "leimkuhler_matthews"
) -> LLCSettings:
    """The settings of chains at `step_size`, for the same time ε·steps as at the smallest of `step_sizes`."""
    share = min(min(step_sizes) / step_size, 1.0)
    return LLCSettings(
        sampler=sampler,
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
    sampler: Sampler = "leimkuhler_matthews",
) -> Calls:
    """Independent calls at each step size."""
    return Calls(
        {
            step: estimates(loss, start, sampling(how, step, step_sizes, sampler), how.calls, name, seed, batches)
            for step in step_sizes
        }
    )


def estimates(
    loss: Loss,
    start: Stack,
    chosen: LLCSettings,
    calls: int,
    name: str,
    seed: int,
    batches: Callable[[int], Any] = NO_BATCH,
) -> pd.DataFrame:
    """`llc.estimate`'s row of each of `calls` calls from the one network in `start`.

    The calls are networks of one stack: they share no noise, batch or baseline, so they differ as separate calls do.
    """
    noise = [torch_seed(STUDY, name, seed, chosen.learning_rate, call) for call in range(calls)]
    traces = llc.sample(loss, stack.take(start, [0] * calls), batches, chosen, noise)
    frame = llc.estimate(traces, chosen)
    log.info("%s, ε %g: λ̂ %.3f ± %.3f", name, chosen.learning_rate, frame.llc.mean(), frame.llc.sem())
    return frame
