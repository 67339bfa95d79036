"""Queries and keys rotated inside each head: the same function, the same λ and even λ̂; another basis to prune in.

W_Q → R W_Q and W_K → R W_K with R orthogonal inside a head leave every attention score as it is (docs/theory.md,
statement 9); relative-position biases and norms do not enter. So a size of tickets that depends on R is no property of
the function. Two kinds of R: random ones, and the one to the principal axes of the head's queries and keys, in which as
much of their norm as possible lies in few rows.
"""

from collections.abc import Iterator, Sequence

import numpy as np
import torch
from scipy import stats
from torch import Tensor

from workflow_scripts.ticketlab.core.errors import TicketlabError
from workflow_scripts.ticketlab.core.random_streams import generator
from workflow_scripts.ticketlab.instruments import llc
from workflow_scripts.ticketlab.pruning import masks as pruning
from workflow_scripts.ticketlab.settings.dimension import RotationSettings
from workflow_scripts.ticketlab.settings.llc import LLCSettings
from workflow_scripts.ticketlab.settings.schedule import ScheduleSettings
from workflow_scripts.ticketlab.settings.training import TrainingSettings
from workflow_scripts.ticketlab.tables.schemas.dimension import (
    COMPLEXITY,
    NONE,
    PRINCIPAL,
    PRUNED,
    RANDOM_ROTATION,
    TRAINED,
)
from workflow_scripts.ticketlab.training.evaluation import evaluate
from workflow_scripts.ticketlab.training.stack import Member, Stack, as_variant
from workflow_scripts.ticketlab.training.study import Study
from workflow_scripts.ticketlab.training.train import initial_state, train

QUERY, KEY = ".attention.query.weight", ".attention.key.weight"
Rotations = dict[str, Tensor]  # by layer (N, heads, head width, head width)


def rotate(weights: Stack, rotations: Rotations) -> Stack:
    """The networks with the queries and keys of each layer in `rotations` rotated."""
    rotated = dict(weights)
    for layer, turns in rotations.items():
        for name in (layer + QUERY, layer + KEY):
            rotated[name] = (turns @ _by_head(weights[name], turns.shape[1])).reshape(weights[name].shape)
    return rotated


def random_rotations(weights: Stack, heads: int, study: str, members: Sequence[Member], index: int) -> Rotations:
    """Uniformly random rotations of every head, functions of (study, init seed, layer, index)."""
    found = {}
    for layer, (query, _) in _layers(weights, heads).items():
        width, drawn = query.shape[2], []
        for member in members:
            random = generator(study, "rotation", member.init_seed, layer, index)
            drawn.append(np.stack([stats.ortho_group.rvs(width, random_state=random) for _ in range(heads)]))
        found[layer] = torch.from_numpy(np.stack(drawn).astype(np.float32)).to(query.device)
    return found


def principal_rotations(weights: Stack, heads: int) -> Rotations:
    """To the eigenvectors of QQᵀ + KKᵀ of each head: rows of [Q K] become orthogonal, their norms most unequal.

    A head that has diverged is left as it is.
    """
    found = {}
    for layer, (query, key) in _layers(weights, heads).items():
        both = torch.cat([query, key], dim=3).double()
        gram = both @ both.transpose(2, 3)
        finite = gram.isfinite().flatten(2).all(2)[..., None, None]
        gram = torch.where(finite, gram, torch.eye(gram.shape[2], dtype=gram.dtype, device=gram.device))
        found[layer] = torch.linalg.eigh(gram).eigenvectors.transpose(2, 3).to(query.dtype)
    return found


def measure(
    study: Study,
    members: Sequence[Member],
    start: Stack,
    end: Stack,
    settings: RotationSettings,
    training: TrainingSettings,
    sampling: LLCSettings,
    schedule: ScheduleSettings,
    metric: str,
) -> Iterator[dict]:
    """Rows of table `rotations` without the study, of networks with θ₀ = `start` and trained weights `end`.

    For the networks as they are, and in each rotated basis: λ̂; the metric on the test split after one-shot magnitude
    pruning without further training, at each density (1: the network as it is); and, if asked for, that of the one-shot
    ticket trained from θ₀, rotated likewise.
    Raises TicketlabError if the networks have no heads.
    """
    heads = study.model.components[-1].index + 1
    if study.model.components[0].kind != "head":
        raise TicketlabError(f"study {study.name}: its model has no attention heads to rotate; leave out `rotation`")
    bases: list[tuple[str, int, Rotations]] = [(NONE, 0, {})]
    bases += [
        (RANDOM_ROTATION, index, random_rotations(end, heads, study.name, members, index))
        for index in range(settings.rotations)
    ]
    bases.append((PRINCIPAL, 0, principal_rotations(end, heads)))
    for number, (rotation, index, turns) in enumerate(bases):
        weights, first = rotate(end, turns), rotate(start, turns)
        rotated = members if rotation == NONE else as_variant(members, variant="rotated", level=number)
        chains = llc.measure(study.model, study.problem, study.name, rotated, weights, training.steps, sampling)
        estimates = llc.estimate(chains, sampling)
        rows = [(COMPLEXITY, 1.0, estimates["llc"].to_numpy(), estimates["flag"].tolist())]
        scores = pruning.magnitude(pruning.prunable(study.model.prunable, weights))
        total = sum(pruning.sizes(scores).values())
        for density in (1.0, *settings.densities):
            masks = pruning.keep_top(scores, round(density * total))
            kept = weights | {name: weights[name] * mask for name, mask in masks.items()}
            rows.append((PRUNED, density, _metric(study, kept, metric), [""] * len(members)))
        if settings.trained_level:
            counts = pruning.schedule(schedule, pruning.sizes(scores), settings.trained_level)
            masks = pruning.keep_top(scores, counts)
            state = initial_state(first, training)
            *_, found = train(
                study.model, study.problem, study.name, members, state, training, [training.steps], masks=masks
            )
            rows.append(
                (TRAINED, pruning.density(masks)[0], _metric(study, found.weights, metric), [""] * len(members))
            )
        for quantity, density, values, flags in rows:
            for member, value, flag in zip(members, values, flags, strict=True):
                yield {
                    "init_seed": member.init_seed,
                    "rotation": rotation,
                    "index": index,
                    "quantity": quantity,
                    "density": density,
                    "value": float(value),
                    "flag": flag,
                }


def _metric(study: Study, weights: Stack, metric: str) -> np.ndarray:
    return evaluate(study.model, study.problem, weights, ["test"])["test", metric]


def _layers(weights: Stack, heads: int) -> dict[str, tuple[Tensor, Tensor]]:
    """Queries and keys by head, (N, heads, head width, width) each, of each layer."""
    layers = [name.removesuffix(QUERY) for name in weights if name.endswith(QUERY)]
    return {layer: (_by_head(weights[layer + QUERY], heads), _by_head(weights[layer + KEY], heads)) for layer in layers}


def _by_head(matrix: Tensor, heads: int) -> Tensor:
    count, width, inputs = matrix.shape
    return matrix.view(count, heads, width // heads, inputs)
