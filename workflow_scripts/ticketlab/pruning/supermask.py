"""Masks that make an untrained network good (the strong form), found by edge-popup (Ramanujan et al. 2020).

Every prunable weight gets a score; the forward pass uses each tensor's top share by score, the backward pass lets the
gradient through to all scores (straight-through). The weights themselves never change.
"""

from collections.abc import Callable, Iterable, Sequence

import pandas as pd

from workflow_scripts.ticketlab.pruning import masks as pruning
from workflow_scripts.ticketlab.settings.supermask import SupermaskSettings
from workflow_scripts.ticketlab.settings.training import TrainingSettings
from workflow_scripts.ticketlab.training.recording import record
from workflow_scripts.ticketlab.training.stack import Member, Stack
from workflow_scripts.ticketlab.training.study import Study
from workflow_scripts.ticketlab.training.train import initial_state, train


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
) -> tuple[Stack, pd.DataFrame]:
    """The masks that edge-popup finds over θ₀ = `weights`, and rows of table `metrics` at `steps` of the search.

    training: the study's recipe, of which the search has its own steps and rate and no decay.
    """
    changes = {"steps": settings.steps, "learning_rate": settings.learning_rate, "weight_decay": 0.0}
    training, names = training.model_copy(update=changes), study.model.prunable
    scores = pruning.random_scores(pruning.prunable(names, weights), study.name, members)
    effective = masked_by_scores(frozen_weights(weights, names, init, density), names, density)
    start = initial_state({**weights, **scores}, training)
    states = train(study, members, start, training, steps, effective=effective)
    end, metrics = record(study, members, states, top_share(scores, density), settings.steps, effective)
    return top_share(pruning.prunable(names, end.weights), density), metrics
