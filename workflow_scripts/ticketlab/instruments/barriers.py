"""Linear mode connectivity: the barrier of a metric on the straight line between the end weights of two networks.

Networks that split at step t (different data orders from the same weights) end in one linearly connected region of low
loss if training was stable by t (Frankle et al. 2020, arXiv:1912.05671). The barrier of a metric L is

    max over α of L((1 − α) w + α w′) − [(1 − α) L(w) + α L(w′)],

the excess over the straight line between the ends' own values (Entezari et al. 2022, arXiv:2110.06296).
Frankle et al. subtract the mean of the ends instead, which is the same if the ends are equally good and otherwise
counts a slope as a barrier. α runs over a grid that includes both ends, so a barrier is never negative.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
import torch

from workflow_scripts.ticketlab.training import stack
from workflow_scripts.ticketlab.training.evaluation import evaluate
from workflow_scripts.ticketlab.training.stack import Member, Stack
from workflow_scripts.ticketlab.training.study import Study

SPLIT = "test"
TOGETHER = 8  # networks that are mixed and evaluated at once


@dataclass(frozen=True)
class Pair:
    """Two networks by their place in a list, `pair` as in instruments/role_agreement.py, and the step at which their
    orders split."""

    split_step: int
    pair: str
    first: int
    second: int


def pairs_of(members: Sequence[Member]) -> list[Pair]:
    """The pairs whose barriers are measured.

    Each spawned network is paired with its dense parent ("same_init"; "replicate" on the parent's own data order from
    step 0, which is the same network: barrier 0). Where there are two initialisations, each dense network is paired
    with that of the next one ("other_init": nothing is shared, the ceiling).
    """
    dense = {member.init_seed: place for place, member in enumerate(members) if member.variant == "dense"}
    found = []
    for place, child in enumerate(members):
        if child.variant == "spawned":
            parent = dense[child.init_seed]
            repeats = child.rewind_step == 0 and child.data_seed == members[parent].data_seed
            found.append(Pair(child.rewind_step, "replicate" if repeats else "same_init", parent, place))
    if len(dense) > 1:
        inits = sorted(dense)
        nexts = zip(inits, inits[1:] + inits[:1], strict=True)
        found += [Pair(0, "other_init", dense[one], dense[other]) for one, other in nexts]
    return found


@torch.no_grad()
def along_line(study: Study, weights: Stack, pairs: Sequence[Pair], points: int) -> dict[str, np.ndarray]:
    """Each metric on SPLIT at `points` even steps from the first network of a pair to the second: (pairs, points).

    weights: of all networks, (N, *shape) by tensor.
    """
    alphas = np.linspace(0, 1, points)
    ends = evaluate(study, weights, [SPLIT])
    first, second = ([getattr(pair, side) for pair in pairs] for side in ("first", "second"))
    values = {metric: np.full((len(pairs), points), np.nan) for _, metric in ends}
    for _, metric in ends:
        values[metric][:, 0], values[metric][:, -1] = ends[SPLIT, metric][first], ends[SPLIT, metric][second]
    inner = [(row, column) for row in range(len(pairs)) for column in range(1, points - 1)]
    for part in stack.slices(len(inner), TOGETHER):
        rows, columns = (list(side) for side in zip(*inner[part], strict=True))
        one, other = (stack.take(weights, [side[row] for row in rows]) for side in (first, second))
        for name, tensor in one.items():
            alpha = torch.tensor(alphas[columns], dtype=tensor.dtype, device=tensor.device)
            tensor.lerp_(other[name], alpha.view(-1, *[1] * (tensor.dim() - 1)))
        for (_, metric), found in evaluate(study, one, [SPLIT]).items():
            values[metric][rows, columns] = found
    return values


def barrier(values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The barrier of each line (…, points), in the unit of its values, and the α at which it is highest.

    NaN where a value is not finite: a network that diverged, or a mixture whose loss overflows.
    """
    alphas = np.linspace(0, 1, values.shape[-1])
    excess = values - (values[..., :1] * (1 - alphas) + values[..., -1:] * alphas)
    excess[..., [0, -1]] = 0.0  # exactly, in spite of rounding
    place = excess.argmax(-1)
    height = np.take_along_axis(excess, place[..., None], -1)[..., 0]
    sound = np.isfinite(values).all(-1)
    return np.where(sound, height, np.nan), np.where(sound, alphas[place], np.nan)


def rows(study: str, members: Sequence[Member], pairs: Sequence[Pair], values: dict[str, np.ndarray]) -> pd.DataFrame:
    """Rows of the `barriers` table from the values that along_line returns."""
    first, second = ([members[getattr(pair, side)] for pair in pairs] for side in ("first", "second"))
    keys = pd.DataFrame(
        {
            "study": study,
            "split_step": [pair.split_step for pair in pairs],
            "pair": [pair.pair for pair in pairs],
            "init_seed": [member.init_seed for member in first],
            "other_init_seed": [member.init_seed for member in second],
            "data_seed": [member.data_seed for member in first],
            "other_data_seed": [member.data_seed for member in second],
            "split": SPLIT,
        }
    )
    parts = []
    for metric, lines in values.items():
        height, place = barrier(lines)
        ends = {"first": lines[:, 0], "second": lines[:, -1], "highest": lines.max(1)}
        parts.append(keys.assign(metric=metric, **ends, place=place, barrier=height))
    return pd.concat(parts, ignore_index=True)
