"""Nested affine subspaces through θ₀ for training, with many dimensions and networks as one stack.

A subspace is θ₀ + √(d/D)·Pz with z the D trained numbers and P with orthonormal columns. Either the columns are random
(Larsen et al. 2022; Li et al. 2018), or they are random coordinates: a trainable set, the other weights frozen at θ₀.
A random P is a product of random signs, a Hartley transform and a random choice of its columns, so that it costs
d log d and needs no storage (a subsampled randomised transform, as in Ailon & Chazelle 2009); its columns are
orthonormal. Statement 6 of docs/theory.md only requires that θ₀ be generic. Adam moves each trained number equally far;
the factor √(d/D) makes the length of its step in weight space independent of D.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from workflow_scripts.ticketlab.core.random_streams import generator
from workflow_scripts.ticketlab.tables.schemas.dimension import FROZEN
from workflow_scripts.ticketlab.training.stack import Member, Stack, take

COORDINATES = "z"


def flatten(weights: Stack) -> Tensor:
    """(N, d), tensor after tensor."""
    return torch.cat([tensor.flatten(1) for tensor in weights.values()], dim=1)


def unflatten(flat: Tensor, like: Stack) -> Stack:
    """The stack with the shapes of `like` (of any number of networks) whose flat vectors are the rows of `flat`."""
    parts = flat.split([tensor[0].numel() for tensor in like.values()], dim=1)
    return {name: part.reshape(-1, *like[name].shape[1:]) for name, part in zip(like, parts, strict=True)}


def hartley(x: Tensor) -> Tensor:
    """The orthonormal Hartley transform of each row of x (N, d): real, symmetric and its own inverse."""
    spectrum = torch.fft.fft(x, norm="ortho")
    return spectrum.real - spectrum.imag


@dataclass(frozen=True)
class Subspaces:
    """One affine subspace for each of N networks.

    weights: from trained coordinates {"z": (N, d)} to the networks' weights. free: {"z": (N, d)}, 1 where a coordinate
    is one of the D; the others must stay 0.
    """

    weights: Callable[[Stack], Stack]
    free: Stack


def nested(kind: str, study: str, members: Sequence[Member], start: Stack, dimensions: Sequence[int]) -> Subspaces:
    """The subspaces of these dimensions through each of the networks' θ₀ = `start`, dimension by dimension.

    kind: FROZEN or RANDOM; a subspace is a function of (study, kind, init seed) and of its dimension. A network's
    smaller subspaces lie in its larger ones.
    """
    origin = flatten(start)
    device, count = origin.device, origin.shape[1]
    streams = [generator(study, kind, member.init_seed) for member in members]
    place = np.stack([random.permutation(count) for random in streams])
    signs = np.stack([random.integers(0, 2, count) for random in streams]) * 2.0 - 1.0
    repeated = list(range(len(members))) * len(dimensions)
    rank = torch.from_numpy(place)[repeated]
    sizes = torch.tensor(dimensions).repeat_interleave(len(members))[:, None]
    scale = torch.tensor([math.sqrt(count / size) for size in dimensions], device=device)
    scale = scale.repeat_interleave(len(members))[:, None]
    base = take(start, repeated)
    turn = torch.from_numpy(signs.astype(np.float32))[repeated].to(device)

    def weights(trained: Stack) -> Stack:
        moved = trained[COORDINATES] if kind == FROZEN else turn * hartley(trained[COORDINATES])
        return unflatten(flatten(base) + scale * moved, base)

    return Subspaces(weights, {COORDINATES: (rank < sizes).float().to(device)})
