"""The strong form: masks that make an untrained network good, found by edge-popup (Ramanujan et al. 2020).

Every prunable weight gets a score; the forward pass uses each tensor's top share by score, the backward pass lets the
gradient through to all scores (straight-through). The weights themselves never change.
"""

from collections.abc import Callable

from workflow_scripts.ticketlab.pruning import masks as pruning
from workflow_scripts.ticketlab.training.stack import Stack


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
