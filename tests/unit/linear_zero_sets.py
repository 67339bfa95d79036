"""The zero sets of deep linear networks by other means than the jobs': what the theory page is checked against.

Weights are one flat vector θ, row by row, first layer first.
"""

from collections.abc import Iterator, Sequence
from itertools import pairwise

import numpy as np
from scipy import optimize

from workflow_scripts.ticketlab.experiments.dimension.deep_linear import ZERO, target


def balanced(widths: Sequence[int], rank: int) -> np.ndarray:
    """θ (d,) with each layer the identity on the first `rank` coordinates: the most singular zero of K."""
    return np.concatenate([target(pair, rank).ravel() for pair in pairwise(widths)])


def residuals(theta: np.ndarray, widths: Sequence[int], goal: np.ndarray) -> np.ndarray:
    """W_L ⋯ W_1 − T, flat (H_L · H₀,)."""
    product = np.eye(widths[0])
    for layer in _layers(theta, widths):
        product = layer @ product
    return (product - goal).ravel()


def jacobian(theta: np.ndarray, widths: Sequence[int]) -> np.ndarray:
    """Derivative of the residuals (H_L · H₀, d). At a zero of K its rank is that of the Hessian."""
    layers = list(_layers(theta, widths))
    below, above = [np.eye(widths[0])], [np.eye(widths[-1])]
    for layer in layers:
        below.append(layer @ below[-1])
    for layer in reversed(layers):
        above.append(above[-1] @ layer)
    # vec(A dW B) = (A ⊗ Bᵀ) vec(dW), rows first.
    parts = [np.kron(a, b.T) for a, b in zip(above[-2::-1], below, strict=False)]
    return np.concatenate(parts, axis=1)


def codimension(widths: Sequence[int], rank: int) -> int:
    """Codimension of {θ: W_L ⋯ W_1 = T}, counted stratum by stratum, independently of any learning coefficient.

    Tuples of matrices are representations of a line quiver. Up to a change of basis in each layer they are sums of
    intervals [i, j]: a line that enters at layer i and ends at layer j. The codimension of an orbit is dim Ext(M, M) =
    dim Hom(M, M) − Σ Hᵢ² + Σ HᵢHᵢ₊₁, and the product's rank is the multiplicity of [0, L]. Enumerates all orbits: for
    small widths only. (Lehalleur & Rimányi, arXiv:2411.19920, prove that 2λ is this number.)
    """
    last = len(widths) - 1
    euler = sum(h * h for h in widths) - sum(a * b for a, b in pairwise(widths))
    intervals = [(i, j) for i in range(last + 1) for j in range(i, last + 1)]
    # A map from [a, b] to [c, d] exists, up to a factor once, where a quotient of the one is a part of the other.
    hom = np.array([[c <= a <= d <= b for c, d in intervals] for a, b in intervals], dtype=int)
    orbits = (np.array(m) for m in _multiplicities(list(widths), intervals, rank))
    smallest = min(int(m @ hom @ m) - euler for m in orbits)
    return smallest + rank * (widths[0] + widths[-1] - rank)


def _multiplicities(left: list[int], intervals: list[tuple[int, int]], rank: int) -> Iterator[list[int]]:
    """How often each interval may occur so that layer i is covered left[i] times, with [0, L] `rank` times."""
    if not intervals:
        if not any(left):
            yield []
        return
    (i, j), *others = intervals
    whole = (i, j) == (0, len(left) - 1)
    most = min(left[i : j + 1])
    for count in [rank] if whole else range(most + 1):
        if count <= most:
            rest = [width - count * (i <= layer <= j) for layer, width in enumerate(left)]
            yield from ([count, *more] for more in _multiplicities(rest, others, rank))


def smallest_loss(
    origin: np.ndarray,
    directions: np.ndarray,
    widths: Sequence[int],
    goal: np.ndarray,
    starts: int,
    random: np.random.Generator,
) -> float:
    """The smallest K found in the affine subspace origin + span(directions), by Levenberg–Marquardt-like steps.

    origin: θ₀ (d,). directions: (d, D), orthonormal columns (D = 0 is allowed). The first start is θ₀ itself, the
    others are normal around it with the spread of θ₀'s own weights. Stops at the first zero.
    """
    dimension = directions.shape[1]
    best = 0.5 * float(np.sum(residuals(origin, widths, goal) ** 2))
    if dimension == 0:
        return best
    for start in range(starts):
        if best < ZERO:
            break
        first = random.normal(size=dimension) * (origin.std() if start else 0.0)
        found = optimize.least_squares(
            lambda x: residuals(origin + directions @ x, widths, goal),
            first,
            lambda x: jacobian(origin + directions @ x, widths) @ directions,
            xtol=1e-15,
            ftol=1e-15,
            gtol=1e-15,
            max_nfev=300,
        )
        best = min(best, float(found.cost))
    return best


def random_directions(parameters: int, dimension: int, random: np.random.Generator) -> np.ndarray:
    """A uniformly random subspace: (d, D), orthonormal columns."""
    return np.linalg.qr(random.normal(size=(parameters, dimension)))[0]


def coordinate_directions(parameters: int, dimension: int, random: np.random.Generator) -> np.ndarray:
    """D coordinates at random, (d, D): a ticket whose pruned weights stay frozen."""
    return np.eye(parameters)[:, random.permutation(parameters)[:dimension]]


def _layers(theta: np.ndarray, widths: Sequence[int]) -> Iterator[np.ndarray]:
    place = 0
    for inputs, outputs in pairwise(widths):
        yield theta[place : place + inputs * outputs].reshape(outputs, inputs)
        place += inputs * outputs
