"""Toy losses for the LLC sampler, each with the known values of nβ E[K] at finite nβ and γ.

Every loss maps a stack of N weights and a batch to (N,), like a network's. The sampler's law is
p(w) ∝ exp(−nβ K(w) − γ/2 ‖w − w*‖²), with w* the start that accompanies each loss. A singular model reaches its
learning coefficient only as 1/log nβ, so tests of the sampler compare with the expectation at the same nβ and γ.
"""

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import numpy as np
import torch
from numpy.polynomial.legendre import leggauss
from scipy.integrate import quad
from torch import Tensor

from workflow_scripts.ticketlab.instruments.llc import Loss
from workflow_scripts.ticketlab.training.stack import Stack

NOISE = 1.0  # standard deviation of the targets of a deep linear regression: K is then the relative entropy


def quadratic(curvature: Tensor) -> Loss:
    """K = ½ Σ hᵢ wᵢ² with `curvature` h (d,), the regular model; its minimum is w = 0 (`origin(d)`)."""
    return lambda weights, batch: 0.5 * (curvature * weights["w"] ** 2).sum(1)


def quadratic_expectation(curvature: Tensor, nbeta: float, localization: float, step_size: float) -> float:
    """nβ E[K] under SGLD with this step, exactly: Σ ½ nβhᵢ / (Aᵢ(1 − εAᵢ/4)), A = nβh + γ.

    SGLD on a quadratic is an autoregression w ← (1 − εA/2) w + √ε ξ, whose stationary variance is 1/(A(1 − εA/4)).
    ε = 0 gives the law itself.
    """
    scaled = nbeta * curvature.double()
    precision = scaled + localization
    return float((0.5 * scaled / (precision * (1 - step_size * precision / 4))).sum())


def crossing(power: int) -> Loss:
    """K = ½ (w₁ w₂^power)², a normal crossing; its most singular minimum is `origin(2)`."""
    return lambda weights, batch: 0.5 * (weights["w"][:, 0] * weights["w"][:, 1] ** power) ** 2


def crossing_expectation(power: int, nbeta: float, localization: float) -> float:
    """nβ E[K] by quadrature over w₂, after the Gaussian integral over w₁."""

    def precision(y: float) -> float:
        return nbeta * y ** (2 * power) + localization

    def density(y: float) -> float:
        return np.exp(-0.5 * localization * y * y) / np.sqrt(precision(y))

    def rise(y: float) -> float:
        return 0.5 * (1 - localization / precision(y))

    end = 9 / np.sqrt(localization)
    integrals = [quad(f, 0, end, limit=400, epsabs=0, epsrel=1e-10) for f in (lambda y: rise(y) * density(y), density)]
    return integrals[0][0] / integrals[1][0]


def origin(parameters: int) -> Stack:
    """w = 0 of one network (1, d)."""
    return {"w": torch.zeros(1, parameters)}


def balanced_point(widths: Sequence[int], rank: int) -> Stack:
    """The deep linear network (1, H_l, H_{l−1}) per layer whose `rank` singular values are 1 in each layer, else 0.

    The layers share the map's rank and scale evenly and hold nothing else: it is the most singular of all networks with
    this map. A generic network with this map has a larger learning coefficient.
    """
    weights = {}
    for layer, (inputs, outputs) in enumerate(pairwise(widths)):
        weights[f"layers.{layer}"] = torch.zeros(1, outputs, inputs)
        weights[f"layers.{layer}"][0].diagonal()[:rank] = 1
    return weights


def at_ranks(widths: tuple[int, int, int], ranks: tuple[int, int], rank: int) -> Stack:
    """Two layers B A (1, …), a map of `rank` ones, where A has rank a and B rank b (`ranks`); singular values are 1.

    They share `rank` hidden units. A writes to others that B does not read, and B reads others that A leaves at 0.
    """
    inputs, hidden, outputs = widths
    first, last = torch.zeros(1, hidden, inputs), torch.zeros(1, outputs, hidden)
    first[0].diagonal()[: ranks[0]] = 1
    last[0].diagonal()[:rank] = 1
    for place in range(rank, ranks[1]):
        last[0, place, ranks[0] + place - rank] = 1
    return {"layers.0": first, "layers.1": last}


def two_minima(weights: Stack, batch: Any) -> Tensor:
    """K = ½ ((w₁ − 1)(w₁² + w₂²)²)²: λ is ½ on the line w₁ = 1 and ¼ at the origin, which is the global one."""
    del batch
    first, second = weights["w"].unbind(1)
    return 0.5 * ((first - 1) * (first**2 + second**2) ** 2) ** 2


def two_minima_law(nbeta: float, localization: float) -> tuple[float, float]:
    """nβ E[K] of `two_minima` from w* = (1, 0), and the law's share beyond the barrier at w₁ = ⅘, by a sum over a grid.

    The first is about ½ nβ/(nβ + γ) while the law stays at w*, less where most of it is at the origin. For γ ≥ 10 and
    nβ ≤ 10⁴, which the grid resolves.
    """
    reach = 9 / np.sqrt(localization)
    first, second = 1 + np.linspace(-reach, reach, 8001)[:, None], np.linspace(0, reach, 401)[None]
    rise = nbeta * 0.5 * ((first - 1) * (first**2 + second**2) ** 2) ** 2
    density = np.exp(-rise - localization / 2 * ((first - 1) ** 2 + second**2))
    density[:, 0] /= 2  # half of the plane, which is symmetric
    total = density.sum()
    return float((density * rise).sum() / total), float((density * (first < 0.8)).sum() / total)


def half_rank(loss: Loss, start: Stack) -> float:
    """Half the rank of the Hessian of one network's loss at `start`, from all its eigenvalues."""
    names, sizes = list(start), [tensor.numel() for tensor in start.values()]

    def of_vector(vector: Tensor) -> Tensor:
        parts = vector.split(sizes)
        return loss({name: part.view(start[name].shape) for name, part in zip(names, parts, strict=True)}, None)[0]

    hessian = torch.autograd.functional.hessian(of_vector, torch.cat([tensor.flatten() for tensor in start.values()]))
    return torch.linalg.matrix_rank(hessian, hermitian=True, tol=1e-4).item() / 2


def product(weights: Stack) -> Tensor:
    """The map W_L ⋯ W₁ of each of N deep linear networks, (N, H_L, H₀)."""
    first, *others = weights.values()
    for layer in others:
        first = layer @ first
    return first


def deep_linear(true_map: Tensor) -> Loss:
    """K = ½ ‖W_L ⋯ W₁ − M‖² with `true_map` M (H_L, H₀): regression under N(0, 1) inputs and unit noise, n → ∞."""
    return lambda weights, batch: 0.5 * (product(weights) - true_map).square().sum((1, 2))


def deep_linear_regression(weights: Stack, batch: tuple[Tensor, Tensor]) -> Tensor:
    """½ ‖Wx − y‖² over a batch: x (N, batch, H₀), y (N, batch, H_L) to (N,); its mean is K + H_L/2."""
    inputs, targets = batch
    return 0.5 * (inputs @ product(weights).transpose(1, 2) - targets).square().sum(2).mean(1)


def regression_expectation(
    inputs: int, outputs: int, nbeta: float, localization: float, step_size: float, batch_size: int
) -> tuple[float, float]:
    """nβ E[K] of a linear map under Leimkuhler–Matthews steps on mini-batches, exactly, and their share of the noise.

    With the true map 0 a row w of the map moves as w ← (1 − εA/2) w − ε nβ/2 · ((S − 1) w − n) + √ε ξ, A = nβ + γ, with
    S the mean of xxᵀ and n that of x times the target's noise over the batch. Of size B, (S − 1) w has the variance
    (|w|² + wⱼ²)/B and n 1/B. The share is of those variances in that of √ε ξ.
    """
    precision = nbeta + localization
    heat = (step_size * nbeta) ** 2 / (4 * batch_size)
    shrink = step_size * precision * (1 - step_size * precision / 4)
    variance = (step_size * (1 - step_size * precision / 4) + heat) / (shrink - heat * (inputs + 1))
    share = heat * ((inputs + 1) * variance + 1) / step_size
    return 0.5 * nbeta * inputs * outputs * variance, share


def regression_batch(true_map: Tensor, count: int, size: int, random: np.random.Generator) -> tuple[Tensor, Tensor]:
    """`size` examples for each of `count` networks: x (count, size, H₀), y = Mx + noise (count, size, H_L)."""
    outputs, inputs = true_map.shape
    x = torch.from_numpy(random.standard_normal((count, size, inputs), dtype=np.float32))
    noise = torch.from_numpy(random.standard_normal((count, size, outputs), dtype=np.float32))
    return x, x @ true_map.T + NOISE * noise


def two_hidden_expectation(inputs: int, outputs: int, nbeta: float, localization: float) -> float:
    """nβ E[K] of the deep linear network inputs–2–outputs with a true map of 0, from its origin, by quadrature.

    With K = ½‖BA‖², the Gaussian integral over B leaves ∏ (nβ l + γ)^{−outputs/2} in the two eigenvalues l of AAᵀ,
    which have the density ∏ l^{(inputs−3)/2} e^{−γl/2} · |l₁ − l₂| of Wishart (James 1964). Needs inputs ≥ 2.
    """
    # l₂ = eᵘ is the larger, l₁ = e^{u−v} the smaller; both ranges end where the integrand has vanished.
    nodes, weights = leggauss(400)
    low, high = -60.0, np.log(200 / localization)
    u = (low + (high - low) * (nodes + 1) / 2)[:, None]
    v = (60.0 * (nodes + 1) / 2)[None]
    logs = (u, u - v)
    log_density = np.log(-np.expm1(-v)) + u  # |l₁ − l₂|
    rise: Any = 0.0
    for log_l in logs:
        scaled = nbeta * np.exp(log_l)
        log_density = log_density + 0.5 * (inputs - 3) * log_l - 0.5 * localization * np.exp(log_l) + log_l
        log_density = log_density - 0.5 * outputs * np.log(scaled + localization)
        rise = rise + 0.5 * outputs * scaled / (scaled + localization)
    density = np.exp(log_density - log_density.max()) * weights[:, None] * weights[None]
    return float((density * rise).sum() / density.sum())
