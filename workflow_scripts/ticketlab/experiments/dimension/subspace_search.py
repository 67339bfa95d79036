"""A second-order search for zeros of a deep linear network's loss in affine subspaces, for many subspaces at once.

It calibrates subspace training: 2λ is known here, so D* is compared with its true value (docs/theory.md, statement 6).
Levenberg–Marquardt reaches 1e-20 where gradient steps crawl along a degenerate valley, so a subspace in which no zero
is found has none nearby. Networks, loss and target are those of experiments/dimension/deep_linear.py; N of them are one
array (N, d).
"""

from collections.abc import Callable, Sequence
from itertools import pairwise

import numpy as np

from workflow_scripts.ticketlab.experiments.dimension.deep_linear import ZERO

STEPS = 200  # of a descent; zeros are found within a few dozen
PATIENCE = 25  # steps in which the loss must halve, or the descent is over
Reaches = Callable[[np.ndarray, np.ndarray], np.ndarray]


def residuals(theta: np.ndarray, widths: Sequence[int], goals: np.ndarray) -> np.ndarray:
    """W_L ⋯ W_1 − T of each network: theta (N, d) and goals (N, H_L, H₀) to (N, H_L · H₀)."""
    product = np.eye(widths[0])
    for layer in _layers(theta, widths):
        product = layer @ product
    return (product - goals).reshape(len(theta), -1)


def jacobian(theta: np.ndarray, widths: Sequence[int]) -> np.ndarray:
    """Derivatives of the residuals, (N, H_L · H₀, d)."""
    layers = _layers(theta, widths)
    below, above = [np.broadcast_to(np.eye(widths[0]), (len(theta), widths[0], widths[0]))], [np.eye(widths[-1])]
    for layer in layers:
        below.append(layer @ below[-1])
    for layer in reversed(layers):
        above.append(above[-1] @ layer)
    above = [np.broadcast_to(matrix, (len(theta), *matrix.shape[-2:])) for matrix in above[-2::-1]]
    # A dW B, entry by entry: rows o, columns i of the map against rows a, columns b of the layer.
    parts = [np.einsum("noa,nbi->noiab", a, b) for a, b in zip(above, below, strict=False)]
    count = widths[-1] * widths[0]
    return np.concatenate([part.reshape(len(theta), count, -1) for part in parts], axis=2)


def descend(
    origin: np.ndarray, directions: np.ndarray, start: np.ndarray, widths: Sequence[int], goals: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Levenberg–Marquardt in each affine subspace: the final losses (N,) and the weights there (N, d).

    origin (N, d); directions (N, d, D), in which columns may be 0; start (N, D), the first coordinates.
    """
    place, loss = start.copy(), np.empty(len(start))
    active = np.arange(len(start))
    for index in active:
        loss[index] = _loss(origin[[index]], directions[[index]], place[[index]], widths, goals[[index]])[0]
    damping, checked = np.ones(len(start)), loss.copy()
    for step in range(STEPS):
        active = active[loss[active] > ZERO]
        if step and step % PATIENCE == 0:
            active = active[loss[active] < checked[active] / 2]
            checked = loss.copy()
        if not len(active):
            break
        some = (origin[active], directions[active])
        theta = some[0] + (some[1] @ place[active][:, :, None])[:, :, 0]
        rest, slope = residuals(theta, widths, goals[active]), jacobian(theta, widths) @ some[1]
        # Marquardt's damping in units of the residual, which converges fast where the derivative degenerates.
        push = damping[active] * np.sqrt(2 * loss[active])
        trial = place[active] - _damped(slope, rest, push)
        found = _loss(*some, trial, widths, goals[active])
        better = found < loss[active]
        place[active[better]], loss[active[better]] = trial[better], found[better]
        damping[active] = np.clip(damping[active] * np.where(better, 0.3, 4.0), 1e-6, 1e12)
    return loss, origin + (directions @ place[:, :, None])[:, :, 0]


def _damped(slope: np.ndarray, rest: np.ndarray, push: np.ndarray) -> np.ndarray:
    """(JᵀJ + μ)⁻¹Jᵀr, by the smaller of the two equal systems."""
    turned = slope.transpose(0, 2, 1)
    if slope.shape[1] <= slope.shape[2]:
        square = slope @ turned + push[:, None, None] * np.eye(slope.shape[1])
        return (turned @ np.linalg.solve(square, rest[:, :, None]))[:, :, 0]
    square = turned @ slope + push[:, None, None] * np.eye(slope.shape[2])
    return np.linalg.solve(square, turned @ rest[:, :, None])[:, :, 0]


def _loss(
    origin: np.ndarray, directions: np.ndarray, place: np.ndarray, widths: Sequence[int], goals: np.ndarray
) -> np.ndarray:
    theta = origin + (directions @ place[:, :, None])[:, :, 0]
    return 0.5 * np.square(residuals(theta, widths, goals)).sum(1)


def smallest_losses(
    origin: np.ndarray,
    directions: np.ndarray,
    widths: Sequence[int],
    goals: np.ndarray,
    enough: np.ndarray,
    starts: int,
    random: np.random.Generator,
) -> np.ndarray:
    """The smallest loss (N,) found in each affine subspace: from θ₀ = `origin` itself, then from `starts` − 1 others.

    Those are normal around θ₀ with the spread of its weights; the search of a subspace ends once its loss is below
    `enough` (N,).
    """
    best = np.full(len(origin), np.inf)
    for start in range(starts):
        left = np.flatnonzero(best > enough)
        if not len(left):
            break
        spread = origin[left].std(1, keepdims=True) if start else 0.0
        first = spread * random.standard_normal((len(left), directions.shape[2]))
        # Columns of zeros, which are no directions, do not move.
        loss, _ = descend(origin[left], directions[left], first, widths, goals[left])
        best[left] = np.minimum(best[left], loss)
    return best


def smallest_dimension(reaches: Reaches, count: int, guess: int, most: int) -> np.ndarray:
    """The smallest dimension (count,) at which `reaches` is true, for each of `count` families of nested subspaces.

    reaches: (families (n,), dimensions (n,)) to booleans, monotone in the dimension; the search starts at `guess`,
    first in doubling steps and then by bisection. It assumes that `most` reaches it, and that 0 is the smallest answer.
    """
    low, high = np.full(count, -1), np.full(count, most)
    trial, step = np.full(count, guess), 1
    while len(open_ := np.flatnonzero(high - low > 1)):
        yes = reaches(open_, trial[open_])
        high[open_[yes]], low[open_[~yes]] = trial[open_[yes]], trial[open_[~yes]]
        middle = (low + high) // 2
        trial = np.where(high == most, np.minimum(middle, low + step), middle)
        trial = np.where((low == -1) & (high < most), np.maximum(middle, high - step), trial)
        step *= 2
    return high


def _layers(theta: np.ndarray, widths: Sequence[int]) -> list[np.ndarray]:
    """(N, H_l, H_{l−1}) by layer."""
    layers, place = [], 0
    for inputs, outputs in pairwise(widths):
        layers.append(theta[:, place : place + inputs * outputs].reshape(-1, outputs, inputs))
        place += inputs * outputs
    return layers
