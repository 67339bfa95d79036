"""Measurements of networks whose queries and keys are rotated inside each head, which changes only the pruning basis.

W_Q → R W_Q and W_K → R W_K with R orthogonal inside a head leave every attention score unchanged (docs/theory.md,
statement 9), and so the function, λ and even λ̂; relative-position biases and norms are not involved. A ticket size that
depends on R is therefore no property of the function. There are two kinds of R: random ones, and the one to the
principal axes of the head's queries and keys, which concentrates their norm in as few rows as possible.
"""

from collections.abc import Iterator, Sequence

import numpy as np
import torch
from scipy import stats
from torch import Tensor

from workflow_scripts.ticketlab.core.errors import TicketlabError
from workflow_scripts.ticketlab.core.random_streams import generator
from workflow_scripts.ticketlab.instruments import llc
from workflow_scripts.ticketlab.models.network import Network, Place
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

ROTATED = ("query", "key")
Rotations = dict[int, Tensor]  # by layer (N, heads, head width, head width)


def rotate(model: Network, weights: Stack, rotations: Rotations) -> Stack:
    """The networks with the queries and keys of each layer in `rotations` rotated."""
    rotated = dict(weights)
    for layer, turns in rotations.items():
        for part in ROTATED:
            places = _places(model, layer, part)
            turned = turns @ _by_head(weights, places)
            for head, place in enumerate(places):
                if head == 0:
                    rotated[place.tensor] = weights[place.tensor].clone()
                place.of(rotated[place.tensor]).copy_(turned[:, head])
    return rotated


def random_rotations(model: Network, weights: Stack, study: str, members: Sequence[Member], index: int) -> Rotations:
    """Uniformly random rotations of every head, functions of (study, init seed, layer, index)."""
    found = {}
    for layer in _layers(model):
        query = _by_head(weights, _places(model, layer, "query"))
        _, heads, width, _ = query.shape
        drawn = []
        for member in members:
            # "blocks.0" and so on are names of random streams, whatever a model calls its layers.
            random = generator(study, "rotation", member.init_seed, f"blocks.{layer}", index)
            drawn.append(np.stack([stats.ortho_group.rvs(width, random_state=random) for _ in range(heads)]))
        found[layer] = torch.from_numpy(np.stack(drawn).astype(np.float32)).to(query.device)
    return found


def principal_rotations(model: Network, weights: Stack) -> Rotations:
    """Rotations to the eigenvectors of QQᵀ + KKᵀ of each head: rows of [Q K] become orthogonal, with the most unequal
    norms.

    A head that has diverged stays unchanged.
    """
    found = {}
    for layer in _layers(model):
        query, key = (_by_head(weights, _places(model, layer, part)) for part in ROTATED)
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

    The rows hold, for the unchanged networks and for each rotated basis: λ̂; the metric on the test split after one-shot
    magnitude pruning without further training, at each density (1: the unpruned network); and, if requested, that of
    the one-shot ticket trained from θ₀, which is rotated in the same way.
    Raises TicketlabError if the networks have no heads.
    """
    if study.model.components[0].kind != "head":
        raise TicketlabError(f"study {study.name}: its model has no attention heads to rotate; leave out `rotation`")
    bases: list[tuple[str, int, Rotations]] = [(NONE, 0, {})]
    bases += [
        (RANDOM_ROTATION, index, random_rotations(study.model, end, study.name, members, index))
        for index in range(settings.rotations)
    ]
    bases.append((PRINCIPAL, 0, principal_rotations(study.model, end)))
    for number, (rotation, index, turns) in enumerate(bases):
        weights, first = (rotate(study.model, networks, turns) for networks in (end, start))
        rotated = members if rotation == NONE else as_variant(members, variant="rotated", level=number)
        chains = llc.measure(study, rotated, weights, training.steps, sampling)
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
            *_, found = train(study, members, state, training, [training.steps], masks=masks)
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
    return evaluate(study, weights, ["test"])["test", metric]


def _layers(model: Network) -> list[int]:
    return sorted({component.layer for component in model.components})


def _places(model: Network, layer: int, part: str) -> list[Place]:
    """Where each head of a layer has this part."""
    return [model.weights_of(component)[part] for component in model.components if component.layer == layer]


def _by_head(weights: Stack, places: Sequence[Place]) -> Tensor:
    """(N, heads, head width, width)."""
    return torch.stack([place.of(weights[place.tensor]) for place in places], dim=1)
