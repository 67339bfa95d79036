"""Sizes in deep linear networks, each next to the exact 2λ.

For every network and seed: D* of random subspaces and of random trainable sets (the other weights frozen at θ₀), at a
loss of 0 and at a share of the loss at θ₀; and the smallest ticket that iterative magnitude pruning finds. Its target
is that of experiments/dimension/deep_linear.py (sparse in the coordinates of the weights), also turned by random
rotations, which do not change λ.
"""

from collections.abc import Iterator
from itertools import pairwise

import numpy as np
from scipy import stats

from workflow_scripts.ticketlab.core.random_streams import generator
from workflow_scripts.ticketlab.experiments.dimension import subspace_search
from workflow_scripts.ticketlab.experiments.dimension.deep_linear import ZERO, parameters, target
from workflow_scripts.ticketlab.instruments.exact_coefficients import deep_linear
from workflow_scripts.ticketlab.settings.deep_linear import NetworkSettings
from workflow_scripts.ticketlab.settings.dimension import DimensionSettings
from workflow_scripts.ticketlab.tables.schemas.dimension import (
    EXACT,
    FROZEN,
    LINEAR,
    RANDOM,
    ROUGHLY,
    TURNED,
    WEIGHTS,
    ZEROED,
)


def measure(network: NetworkSettings, settings: DimensionSettings) -> tuple[list[dict], list[dict]]:
    """Rows of `subspaces` and of `sizes` of one network."""
    searches: list[dict] = []
    widths, cell, seeds = network.widths, str(network), range(settings.seeds)
    count, exact = parameters(widths), int(2 * deep_linear(widths, network.rank)[0])
    origin = np.stack([_initial(widths, cell, seed) for seed in seeds])
    goals = np.broadcast_to(target(widths, network.rank), (len(seeds), widths[-1], widths[0]))
    first = 0.5 * np.square(subspace_search.residuals(origin, widths, goals)).sum(1)
    found = {EXACT: np.full(len(seeds), exact), WEIGHTS: np.full(len(seeds), count)}
    for kind, directions in ((RANDOM, _rotations), (FROZEN, _permutations)):
        basis = np.stack([directions(count, generator(LINEAR, kind, cell, seed)) for seed in seeds])
        for name, bound in ((kind, np.full(len(seeds), ZERO)), (kind + ROUGHLY, settings.tolerance * first)):
            random = generator(LINEAR, "starts", name, cell)

            def reaches(
                some: np.ndarray,
                sizes: np.ndarray,
                name: str = name,
                basis: np.ndarray = basis,
                bound: np.ndarray = bound,
                random: np.random.Generator = random,
            ) -> np.ndarray:
                kept = np.arange(max(sizes.max(), 1)) < sizes[:, None]
                losses = subspace_search.smallest_losses(
                    origin[some],
                    basis[some][:, :, : kept.shape[1]] * kept[:, None, :],
                    widths,
                    goals[some],
                    bound[some],
                    settings.starts,
                    random,
                )
                searches.extend(_searches(cell, name, some, sizes, losses, bound[some]))
                return losses <= bound[some]

            found[name] = subspace_search.smallest_dimension(reaches, len(seeds), exact - 1, count)
    for name, goal in ((ZEROED, goals), (ZEROED + TURNED, _turned(goals, cell))):
        found[name] = tickets(origin, widths, goal, settings.keep)
    sizes = [
        {"cell": cell, "quantity": name, "init_seed": seed, "size": float(values[seed])}
        for name, values in found.items()
        for seed in seeds
    ]
    return searches, sizes


def tickets(origin: np.ndarray, widths: list[int], goals: np.ndarray, keep: float) -> np.ndarray:
    """Size (N,) of the smallest ticket with a loss of 0 that iterative magnitude pruning finds, d if there is none.

    A round trains from θ₀ = `origin` (N, d) under its mask and prunes the smallest of the trained weights.
    """
    count, everything = origin.shape
    smallest, mask, active = np.full(count, everything), np.ones(origin.shape), np.arange(count)
    while len(active):
        free = mask[active][:, :, None] * np.eye(everything)
        none = np.zeros((len(active), everything))
        loss, end = subspace_search.descend(none, free, origin[active] * mask[active], widths, goals[active])
        active, end = active[loss <= ZERO], end[loss <= ZERO]
        smallest[active] = mask[active].sum(1)
        active, end = active[smallest[active] > 0], end[smallest[active] > 0]
        for place, weights in zip(active, end, strict=True):
            size = int(keep * smallest[place])
            order = np.argsort(np.where(mask[place] > 0, -np.abs(weights), np.inf), kind="stable")
            mask[place] = 0
            mask[place, order[:size]] = 1
    return smallest


def _initial(widths: list[int], cell: str, seed: int) -> np.ndarray:
    """θ₀ (d,): normal with variance 1/fan-in, like the networks of the studies."""
    random = generator(LINEAR, "init", cell, seed)
    return np.concatenate([random.standard_normal(a * b) / np.sqrt(a) for a, b in pairwise(widths)])


def _rotations(count: int, random: np.random.Generator) -> np.ndarray:
    return stats.ortho_group.rvs(count, random_state=random)


def _permutations(count: int, random: np.random.Generator) -> np.ndarray:
    return np.eye(count)[:, random.permutation(count)]


def _turned(goals: np.ndarray, cell: str) -> np.ndarray:
    """O T O′ with random rotations, different for each seed: maps of the same singular values."""
    turned = []
    for seed, goal in enumerate(goals):
        random = generator(LINEAR, "turned", cell, seed)
        turned.append(_rotations(len(goal), random) @ goal @ _rotations(goal.shape[1], random))
    return np.stack(turned)


def _searches(
    cell: str, kind: str, seeds: np.ndarray, sizes: np.ndarray, losses: np.ndarray, bounds: np.ndarray
) -> Iterator[dict]:
    for seed, size, loss, bound in zip(seeds, sizes, losses, bounds, strict=True):
        yield {
            "cell": cell,
            "kind": kind,
            "size": int(size),
            "init_seed": int(seed),
            "value": float(loss),
            "bound": float(bound),
        }
