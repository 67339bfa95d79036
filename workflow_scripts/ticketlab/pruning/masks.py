"""Masks of the weights that stay: pure functions from scores and counts to masks, over a stack.

A mask is 1.0 where a weight is kept. The number of kept weights is exactly that of the schedule, with ties broken by
position. Counting covers prunable tensors only; norms, biases and position tables are never pruned.
"""

from collections.abc import Iterable, Mapping, Sequence

import numpy as np
import torch
from torch import Tensor

from workflow_scripts.ticketlab.core.errors import TicketlabError
from workflow_scripts.ticketlab.core.random_streams import generator
from workflow_scripts.ticketlab.settings.schedule import ScheduleSettings
from workflow_scripts.ticketlab.training.stack import Member, Stack, size

# How many weights stay: of all tensors together (an int) or of each (by name).
Counts = int | dict[str, int]


def prunable(names: Iterable[str], weights: Stack) -> Stack:
    """The tensors of a stack that pruning may touch."""
    return {name: weights[name] for name in names}


def schedule(settings: ScheduleSettings, sizes: Mapping[str, int], level: int) -> Counts:
    """How many weights stay at `level`, for prunable tensors with these numbers of elements.

    Raises TicketlabError if a tensor would be emptied, or if keep_by_tensor names one that is not there.
    """
    unknown = sorted(set(settings.keep_by_tensor) - set(sizes))
    if unknown:
        raise TicketlabError(
            f"pruning.schedule.keep_by_tensor: no prunable tensor {unknown[0]}; there are {', '.join(sizes)}"
        )
    counts = settings.counts(sizes, level)
    for name, count in counts.items() if isinstance(counts, dict) else [("the network", counts)]:
        if count < 1:
            raise TicketlabError(f"pruning: round {level} would leave no weight in {name}; lower rounds or raise keep")
    return counts


def sizes(weights: Stack) -> dict[str, int]:
    """Elements per tensor of one network of the stack."""
    return {name: tensor[0].numel() for name, tensor in weights.items()}


def keep_top(scores: Stack, counts: Counts) -> Stack:
    """The mask that keeps each network's highest scores, exactly as many as `counts` says."""
    if isinstance(counts, int):
        flat = torch.cat([tensor.flatten(1) for tensor in scores.values()], dim=1)
        parts = _top(flat, counts).split([tensor[0].numel() for tensor in scores.values()], dim=1)
        return {name: part.reshape(scores[name].shape) for name, part in zip(scores, parts, strict=True)}
    return {name: _top(tensor.flatten(1), counts[name]).reshape(tensor.shape) for name, tensor in scores.items()}


def _top(scores: Tensor, count: int) -> Tensor:
    """The mask of the `count` highest scores of each row; of equal ones the first, and NaN counts as the highest.

    Selecting the count-th score is several times faster than sorting, and edge-popup does it at every step.
    """
    scores = scores.nan_to_num(nan=torch.inf, posinf=torch.inf, neginf=-torch.inf)
    last = scores.kthvalue(scores.shape[1] - count + 1, dim=1, keepdim=True).values
    above, level = scores > last, scores == last
    missing = count - above.sum(dim=1, keepdim=True)
    return (above | (level & (level.cumsum(dim=1) <= missing))).to(scores.dtype)


def magnitude(weights: Stack, mask: Stack | None = None) -> Stack:
    """|w| as a score; weights that `mask` has pruned come last, so they stay pruned."""
    scores = {name: tensor.abs() for name, tensor in weights.items()}
    if mask is None:
        return scores
    return {name: torch.where(mask[name] > 0, score, -torch.ones_like(score)) for name, score in scores.items()}


def largest(weights: Stack, counts: Counts) -> Stack:
    """The mask of each network's largest weights, to be compared with another; NaN for networks that have diverged."""
    return of_finite(keep_top(magnitude(weights), counts), weights)


def of_finite(mask: Stack, weights: Stack) -> Stack:
    """The mask, all NaN for each network whose weights are not finite: it says nothing of them, and must not count."""
    finite = torch.stack([tensor.flatten(1).isfinite().all(1) for tensor in weights.values()]).all(0)
    return {
        name: torch.where(finite.view(-1, *[1] * (tensor.ndim - 1)), tensor, torch.nan) for name, tensor in mask.items()
    }


def ones(weights: Stack) -> Stack:
    return {name: torch.ones_like(tensor) for name, tensor in weights.items()}


def shuffle(mask: Stack, study: str, members: Sequence[Member]) -> Stack:
    """Each tensor's mask permuted at random within the tensor: the same count per layer, at other places."""
    shuffled = {}
    for name, tensor in mask.items():
        rows = [
            torch.from_numpy(_stream(study, "shuffle", member, name).permutation(tensor[0].numel()))
            for member in members
        ]
        order = torch.stack(rows).to(tensor.device)
        shuffled[name] = tensor.flatten(1).gather(1, order).reshape(tensor.shape)
    return shuffled


def shuffle_rows(mask: Stack, study: str, members: Sequence[Member]) -> Stack:
    """Each row of each tensor's mask permuted at random within the row: each output unit, or symbol, keeps its count.

    A row is a tensor's first axis, flattened beyond it; of a vector the row is the vector.
    """
    shuffled = {}
    for name, tensor in mask.items():
        rows = tensor.reshape(len(tensor), len(tensor[0]) if tensor.ndim > 2 else 1, -1)
        places = np.broadcast_to(np.arange(rows.shape[2]), rows.shape[1:])
        orders = [_stream(study, "shuffle rows", member, name).permuted(places, axis=1) for member in members]
        shuffled[name] = rows.gather(2, torch.from_numpy(np.stack(orders)).to(tensor.device)).reshape(tensor.shape)
    return shuffled


def random_scores(weights: Stack, study: str, members: Sequence[Member]) -> Stack:
    """Independent uniform scores: keeping the top is keeping at random."""
    assert size(weights) == len(members)
    return {
        name: torch.stack(
            [
                torch.from_numpy(_stream(study, "random", member, name).random(tensor.shape[1:], dtype="float32"))
                for member in members
            ]
        ).to(tensor.device)
        for name, tensor in weights.items()
    }


def _stream(study: str, purpose: str, member: Member, tensor: str) -> np.random.Generator:
    return generator(study, purpose, member.init_seed, member.rewind_step, member.level, tensor)


def signed_constant(weights: Stack) -> Stack:
    """Each weight replaced by sign times its tensor's standard deviation (Zhou et al. 2019; Ramanujan et al. 2020)."""
    deviations = {name: tensor.flatten(1).std(1) for name, tensor in weights.items()}
    return {
        name: torch.sign(tensor) * deviations[name].reshape(-1, *[1] * (tensor.ndim - 1))
        for name, tensor in weights.items()
    }
