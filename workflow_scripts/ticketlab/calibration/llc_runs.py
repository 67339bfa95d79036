"""Independent calls of the LLC sampler, for its calibration, on models whose learning coefficient is known.

The models are a quadratic, whose law at any step is known; normal crossings and the zero map of small deep linear
networks, by quadrature; and deep linear networks from their balanced point, in closed form
(instruments/exact_coefficients.py).
"""

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import torch

from workflow_scripts.ticketlab.calibration import toy_losses
from workflow_scripts.ticketlab.core.random_streams import generator, torch_seed
from workflow_scripts.ticketlab.instruments import exact_coefficients, llc
from workflow_scripts.ticketlab.instruments.llc import Loss
from workflow_scripts.ticketlab.settings.calibration.llc import ExactSettings, LLCCalibrationSettings, NoisySettings
from workflow_scripts.ticketlab.settings.deep_linear import NetworkSettings
from workflow_scripts.ticketlab.settings.llc import LLCSettings
from workflow_scripts.ticketlab.training import stack
from workflow_scripts.ticketlab.training.stack import Stack

log = logging.getLogger(__name__)

STUDY = "calibration"
NO_BATCH: Callable[[int], None] = lambda step: None  # noqa: E731
Sampled = ExactSettings | LLCCalibrationSettings | NoisySettings  # settings of the number and length of chains


@dataclass(frozen=True)
class Calls:
    """Estimates of one model by independent calls: `llc.estimate`'s rows (one per call) by step size ε."""

    by_step: dict[float, pd.DataFrame]

    def extrapolated(self) -> pd.DataFrame:
        """`llc` and `se` at ε = 0 of each call whose two smallest steps are both unflagged: the line through them."""
        fine, coarse = sorted(self.by_step)[:2]
        near, far = self.by_step[fine], self.by_step[coarse]
        llc = (coarse * near.llc - fine * far.llc) / (coarse - fine)
        se = np.hypot(coarse * near.se, fine * far.se) / (coarse - fine)
        return pd.DataFrame({"llc": llc, "se": se})[(near.flag == "") & (far.flag == "")]

    def flags(self, step: float | None = None) -> str:
        """The number of calls that raised each flag, at `step` or at the extrapolation's two: "drift 1/8, ess 2/8"."""
        chosen = sorted(self.by_step)[:2] if step is None else [step]
        raised = pd.concat([self.by_step[at].flag for at in chosen])
        names = raised[raised != ""].str.split(",").explode().value_counts()
        return ", ".join(f"{name} {count}/{len(raised)}" for name, count in sorted(names.items()))


@dataclass(frozen=True)
class Exact:
    """A model whose nβ E[K] is known by step size; at 0 it is free of a step's error."""

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
                toy_losses.quadratic(curvature),
                toy_losses.origin(exact.regular_parameters),
                f"regular {exact.regular_parameters}",
                exact,
                exact.regular_step_sizes,
                settings.seed,
            ),
            {
                step: toy_losses.quadratic_expectation(curvature, nbeta, pull, step)
                for step in (*exact.regular_step_sizes, 0.0)
            },
        )
    )
    singular: list[tuple[str, str, Loss, Stack, float]] = []
    for power in exact.crossings:
        truth = toy_losses.crossing_expectation(power, nbeta, pull)
        case = "½(w₁w₂)²" if power == 1 else f"½(w₁w₂^{power})²"
        singular.append(("normal_crossing", case, toy_losses.crossing(power), toy_losses.origin(2), truth))
    for inputs, outputs in exact.two_hidden:
        truth = toy_losses.two_hidden_expectation(inputs, outputs, nbeta, pull)
        start = toy_losses.balanced_point([inputs, 2, outputs], 0)
        loss = toy_losses.deep_linear(torch.zeros(outputs, inputs))
        singular.append(("zero_map", f"{inputs}-2-{outputs}", loss, start, truth))
    for family, case, loss, start, truth in singular:
        calls = _calls(loss, start, f"{family} {case}", exact, exact.singular_step_sizes, settings.seed)
        # The law without a step's error; the error of a step is not known in closed form.
        found.append(Exact(family, case, calls, {0.0: truth}))
    return found


def deep_linear_calls(network: NetworkSettings, settings: LLCCalibrationSettings) -> Calls:
    """A network's calls from its balanced point, at each step size."""
    return _calls(*deep_linear(network), f"deep_linear {network}", settings, settings.step_sizes, settings.seed)


def noisy_calls(settings: LLCCalibrationSettings) -> Calls:
    """A deep linear network on mini-batches of noisy data; each call and chain has its own batches."""
    noisy = settings.noisy
    start = toy_losses.balanced_point(noisy.network.widths, noisy.network.rank)
    true_map = toy_losses.product(start)[0]
    count, name = noisy.calls * noisy.chains, f"noisy {noisy.network}"

    def batches(step: int) -> Any:
        return toy_losses.regression_batch(
            true_map, count, noisy.batch_size, generator(STUDY, "noisy-batch", settings.seed, step)
        )

    loss = toy_losses.deep_linear_regression
    return _calls(loss, start, name, noisy, noisy.step_sizes, settings.seed, batches)


def deep_linear(network: NetworkSettings) -> tuple[Loss, Stack]:
    start = toy_losses.balanced_point(network.widths, network.rank)
    return toy_losses.deep_linear(toy_losses.product(start)[0]), start


def coefficient(network: NetworkSettings) -> float:
    return float(exact_coefficients.deep_linear(network.widths, network.rank)[0])


def sampling(how: Sampled, step_size: float, step_sizes: Sequence[float]) -> LLCSettings:
    """The settings of chains at `step_size`, for the same time ε·steps as at the smallest of `step_sizes`."""
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
            step: estimates(loss, start, sampling(how, step, step_sizes), how.calls, name, seed, batches)
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
