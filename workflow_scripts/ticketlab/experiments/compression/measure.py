"""The critical density and the critical bits of each network, the least with which its loss stays within a stated rise.

density   the smallest share of largest weights that must stay, all others at 0, over all prunable tensors together
bits      log₂ of the smallest number of levels to which the weights of each prunable tensor are rounded: 2k + 1 levels,
          evenly spaced between minus and plus the tensor's largest |weight|

Nothing is trained. Each is found by bisection, which takes the loss to rise with compression; where it does not, the
result is one of the places at which it crosses the bound. (Urdshals et al., arXiv:2510.12077, compare bits with λ̂.)
"""

from collections.abc import Callable, Sequence

import numpy as np
import torch

from workflow_scripts.ticketlab.instruments import llc
from workflow_scripts.ticketlab.instruments.llc import Examples
from workflow_scripts.ticketlab.settings.compression import CompressionSettings
from workflow_scripts.ticketlab.training.stack import Stack
from workflow_scripts.ticketlab.training.study import Study

SHARES = 512  # densities are multiples of 1/SHARES


def compression(study: Study, weights: Stack, settings: CompressionSettings) -> dict[str, np.ndarray]:
    """`loss` (nats), `density` and `bits` of N networks, (N,) each; NaN where the loss is not finite, bits also where
    the finest rounding raises it too far."""
    examples = llc.examples_of(study, settings.examples)
    loss = _mean_loss(study, weights, examples)

    def within(compressed: Callable[[Stack, Sequence[str], np.ndarray], Stack]) -> Callable[[np.ndarray], np.ndarray]:
        def enough(sizes: np.ndarray) -> np.ndarray:
            moved = compressed(weights, study.model.prunable, sizes)
            return _mean_loss(study, moved, examples) - loss <= settings.rise

        return enough

    count = len(loss)
    shares = smallest(within(largest_weights), count, SHARES)
    levels = 2 * smallest(within(rounded), count, settings.finest) + 1
    return {"loss": loss, "density": shares / SHARES, "bits": np.log2(levels)}


def smallest(enough: Callable[[np.ndarray], np.ndarray], count: int, most: int) -> np.ndarray:
    """The smallest size 1 … `most` (count,) that is enough, for `count` networks at once; NaN where `most` is not.

    enough: sizes (count,) to booleans, monotone in the size.
    """
    low, high = np.zeros(count, dtype=int), np.full(count, most)
    reached = enough(high)
    while (high - low > 1).any():
        middle = (low + high) // 2
        trial = np.maximum(middle, 1)
        yes = enough(trial)
        high = np.where(yes & (high - low > 1), trial, high)
        low = np.where(~yes & (high - low > 1), trial, low)
    return np.where(reached, high, np.nan)


def largest_weights(weights: Stack, names: Sequence[str], shares: np.ndarray) -> Stack:
    """Of each network the `shares`/SHARES largest weights of the tensors `names`, at least one; their others at 0."""
    flat = torch.cat([weights[name].flatten(1).abs() for name in names], dim=1)
    total = flat.shape[1]
    kept = np.ceil(shares * total / SHARES).astype(int)
    ordered = flat.sort(dim=1, descending=True).values
    last = ordered.gather(1, torch.from_numpy(kept - 1).to(flat.device)[:, None])[:, 0]
    bounds = {name: last.view(-1, *[1] * (weights[name].ndim - 1)) for name in names}
    return weights | {name: weights[name] * (weights[name].abs() >= bound) for name, bound in bounds.items()}


def rounded(weights: Stack, names: Sequence[str], steps: np.ndarray) -> Stack:
    """The tensors `names` rounded to multiples of their network's largest |weight| in them over `steps` (N,)."""
    moved = dict(weights)
    for name in names:
        tensor = weights[name]
        shape = (-1, *[1] * (tensor.ndim - 1))
        largest = tensor.flatten(1).abs().amax(1).view(shape)
        grid = largest / torch.from_numpy(steps).to(tensor).view(shape)
        moved[name] = torch.where(grid > 0, (tensor / grid).round() * grid, tensor)
    return moved


def _mean_loss(study: Study, weights: Stack, examples: Examples) -> np.ndarray:
    return llc.example_losses(study, weights, examples).double().mean(1).cpu().numpy()
