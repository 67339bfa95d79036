"""Masks that make an untrained network good (the strong form), found by edge-popup (Ramanujan et al. 2020).

Every prunable weight gets a score; the forward pass uses each tensor's top share by score, the backward pass lets the
gradient through to all scores (straight-through). The weights themselves never change.

A transformer's position biases start at 0, so that a mask alone would leave it without positions. Here they are drawn
at random and masked like the weights.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace

import pandas as pd
import torch

from workflow_scripts.ticketlab.core.random_streams import generator
from workflow_scripts.ticketlab.pruning import masks as pruning
from workflow_scripts.ticketlab.settings.supermask import SupermaskSettings
from workflow_scripts.ticketlab.settings.training import TrainingSettings
from workflow_scripts.ticketlab.training.recording import examples, record
from workflow_scripts.ticketlab.training.stack import Member, Stack
from workflow_scripts.ticketlab.training.study import Study
from workflow_scripts.ticketlab.training.train import initial_state, initial_weights, train


def wider_weights(study: Study, members: Sequence[Member], width: int) -> Stack:
    """θ₀ of a study `widened`, by the model's own initialiser, from a stream of its own for each width."""
    return initial_weights(study, [member.init_seed for member in members], f"init x{width}")


def random_positions(study: Study, members: Sequence[Member], weights: Stack, deviation: float) -> Stack:
    """The model's position biases, drawn from N(0, deviation²) for each initialisation."""

    def drawn(member: Member, name: str) -> torch.Tensor:
        stream = generator(study.name, "random positions", member.init_seed, name)
        return torch.from_numpy(stream.standard_normal(weights[name].shape[1:], dtype="float32"))

    return {
        name: deviation * torch.stack([drawn(member, name) for member in members]).to(study.device)
        for name in study.model.positions
    }


def frozen_weights(weights: Stack, names: list[str], init: str, density: float) -> Stack:
    """θ₀ made ready for masking: scaled by 1/sqrt(density), so that masking preserves the variance of activations.

    init: "kaiming" keeps θ₀'s normal values, "signed_constant" replaces them by sign times standard deviation.
    """
    chosen = {name: weights[name] for name in names}
    if init == "signed_constant":
        chosen = pruning.signed_constant(chosen)
    return {**weights, **{name: tensor / density**0.5 for name, tensor in chosen.items()}}


def masked_by_scores(frozen: Stack, names: list[str], density: float) -> Callable[[Stack], Stack]:
    """The function from trained scores to the weights that the network runs with (straight-through estimator)."""

    def effective(scores: Stack) -> Stack:
        mask = top_share({name: scores[name].detach() for name in names}, density)
        passed = {name: mask[name] + scores[name] - scores[name].detach() for name in names}
        return {name: tensor * passed[name] if name in passed else tensor for name, tensor in frozen.items()}

    return effective


def top_share(scores: Stack, density: float) -> Stack:
    """The mask of each tensor's highest scores; at least one weight per tensor."""
    counts = {name: max(1, round(count * density)) for name, count in pruning.sizes(scores).items()}
    return pruning.keep_top(scores, counts)


def search(
    study: Study,
    members: Sequence[Member],
    weights: Stack,
    init: str,
    density: float,
    settings: SupermaskSettings,
    training: TrainingSettings,
    steps: Iterable[int],
) -> tuple[Stack, pd.DataFrame, pd.DataFrame]:
    """The masks that edge-popup finds over θ₀ = `weights`; rows of table `metrics` at `steps` of the search, and of
    table `examples` at its end.

    Position biases are drawn, and masked too; they are not scaled, since they add to scores and pass no activity on.

    training: the study's recipe, of which the search has its own steps and rate and no decay.
    """
    changes = {"steps": settings.steps, "learning_rate": settings.learning_rate, "weight_decay": 0.0}
    training, names = training.model_copy(update=changes), [*study.model.prunable, *study.model.positions]
    scores = pruning.random_scores(pruning.prunable(names, weights), study.name, members)
    positions = random_positions(study, members, weights, settings.position_deviation)
    frozen = frozen_weights(weights, study.model.prunable, init, density) | positions
    effective = masked_by_scores(frozen, names, density)
    start = initial_state({**weights, **scores}, training)
    states = train(study, members, start, training, steps, effective=effective)
    end, metrics = record(study, members, states, top_share(scores, density), settings.steps, effective)
    masked = replace(end, weights=effective(end.weights))
    return top_share(pruning.prunable(names, end.weights), density), metrics, examples(study, members, masked)
