"""The distances of networks to named reference predictors, during training.

The distance of a network q to a predictor p is KL(p ‖ q) = Σ_w p(w) (log p(w) − log q(w)) in nats, averaged over all
predicted places of an evaluation set; it is 0 only if the network equals the predictor. In a regression both are
Gaussians about their outputs with the noise σ of the targets, and KL is the squared difference of the outputs over 2σ².
A structure is *acquired* as the distance falls and *forgotten* as it rises again (transience: Edelman et al. 2024,
arXiv:2402.11004; Hoogland et al. 2024, arXiv:2402.02364).

The `reference_floor` of a predictor is its own loss (problem.losses) on the same evaluation set. A network that equals
the predictor has this loss; a network whose loss is below the floor knows more than the predictor.

In addition to the predictions, a task may define distances of parts of the network (problem.Components): a structure
can disappear from the predictions and remain in the weights, or the reverse.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
import pandas as pd
import torch
from torch import Tensor

from workflow_scripts.ticketlab.settings.structure import StructureSettings
from workflow_scripts.ticketlab.tasks.problem import Components, Problem
from workflow_scripts.ticketlab.training import stack
from workflow_scripts.ticketlab.training.stack import Member, Stack
from workflow_scripts.ticketlab.training.study import Study

# Predictions of a network that are processed together: examples × places × outputs (4 MiB in float64).
CHUNK = 1 << 19


class References(NamedTuple):
    """Reference predictors on one evaluation set.

    inputs: (examples, …). predictions: by predictor, (examples, …, outputs) float32, log-probabilities in nats or, with
    `noise`, means; all of them are in memory. floors: each predictor's own loss, in nats.
    """

    inputs: Tensor
    predictions: dict[str, Tensor]
    floors: dict[str, float]
    noise: float | None = None


def references(
    problem: Problem,
    predictors: dict[str, Callable[[np.ndarray], np.ndarray]],
    settings: StructureSettings,
    device: torch.device,
) -> References:
    """The chosen predictors (of the task's `references`) on the chosen split."""
    inputs, targets = problem.evaluation[settings.split]
    predictions = {name: predictors[name](inputs) for name in settings.structures or predictors}
    floors = {name: _own_loss(array, targets, problem.noise) for name, array in predictions.items()}
    tensors = {name: torch.from_numpy(array).to(device) for name, array in predictions.items()}
    return References(torch.from_numpy(inputs).to(device), tensors, floors, problem.noise)


def _own_loss(prediction: np.ndarray, targets: np.ndarray, noise: float | None) -> float:
    """A predictor's loss, like that of a network's outputs (problem.losses), but without normalising its
    log-probabilities."""
    if noise is None:
        return -float(np.take_along_axis(prediction, targets[..., None], axis=-1).mean(dtype=np.float64))
    return float(np.square(prediction[..., 0] - targets).mean(dtype=np.float64) / (2 * noise**2))


def divergence(
    references: References, prediction: Callable[[slice], Tensor], count: int, chunk: int
) -> dict[str, np.ndarray]:
    """KL(predictor ‖ q) in nats, for `count` predictions q at once: (count,) float64 by predictor.

    prediction: a slice of the examples to (count, examples, …, outputs): log-probabilities, or means with `noise`.
    """
    first = next(iter(references.predictions.values()))
    totals = torch.zeros(len(references.predictions), count, dtype=torch.float64, device=first.device)
    for part in stack.slices(len(first), chunk):
        p = torch.stack([tensor[part].flatten() for tensor in references.predictions.values()]).double()
        q = prediction(part).flatten(1).double()
        totals += _categorical(p.exp(), q) if references.noise is None else _gaussian(p, q, references.noise)
    places = first[..., 0].numel()
    return dict(zip(references.predictions, (totals / places).cpu().numpy(), strict=True))


def _categorical(p: Tensor, log_q: Tensor) -> Tensor:
    """Σ p (log p − log q) over the last axis for every p (P, K) and q (N, K): (P, N).

    Σ p log q for all of them is one matrix product; in float32 its rounding would show (1e-4).
    """
    return -torch.special.entr(p).sum(1, keepdim=True) - p @ log_q.T


def _gaussian(p: Tensor, q: Tensor, noise: float) -> Tensor:
    """The same for Gaussians of standard deviation `noise` about p and q."""
    return torch.stack([(mean - q).square().sum(1) for mean in p]) / (2 * noise**2)


@torch.no_grad()
def distances(study: Study, weights: Stack, references: References) -> dict[str, np.ndarray]:
    """Distance of each of a stack's N networks to each predictor: (N,) float64, in nats, by predictor."""
    network = stack.forward(study.model)
    count = stack.size(weights)

    def prediction(part: slice) -> Tensor:
        inputs = references.inputs[part]
        outputs, _ = network(weights, inputs.expand(count, *inputs.shape))
        return outputs.log_softmax(dim=-1) if references.noise is None else outputs

    first = next(iter(references.predictions.values()))
    return divergence(references, prediction, count, max(1, CHUNK // first[0].numel()))


def between(references: References) -> dict[str, dict[str, float]]:
    """KL(p ‖ q) in nats between the predictors, by p and then q: the distances of a network that equals q."""
    stacked = torch.stack(list(references.predictions.values()))
    chunk = max(1, CHUNK // stacked[:, 0].numel())
    found = divergence(references, lambda part: stacked[:, part], len(stacked), chunk)
    return {name: dict(zip(found, values.tolist(), strict=True)) for name, values in found.items()}


@torch.no_grad()
def component_distances(study: Study, weights: Stack, components: Components) -> dict[str, np.ndarray]:
    """Distance of each of a stack's N networks in each of the task's components: (N,) float64, by structure."""
    network, count = stack.forward(study.model), stack.size(weights)
    inputs = torch.from_numpy(components.inputs).to(study.device)
    parts = []
    for chunk in stack.slices(count, 2):  # there may be many inputs, for instance all pairs of symbols
        some = {name: tensor[chunk] for name, tensor in weights.items()}
        logits, _ = network(some, inputs.expand(stack.size(some), *inputs.shape))
        arrays = {name: tensor.cpu().numpy() for name, tensor in some.items()}
        parts.append({name: f(logits.cpu().numpy(), arrays) for name, f in components.distances.items()})
    return {name: np.concatenate([part[name] for part in parts]) for name in components.distances}


def rows(
    study: Study,
    members: Sequence[Member],
    step: int,
    weights: Stack,
    references: References,
    components: Components | None,
) -> pd.DataFrame:
    """Rows of table `structure` for networks `members` with their `weights` at a step, one for each structure."""
    found = distances(study, weights, references)
    if components is not None:
        found |= component_distances(study, weights, components)
    keys = pd.DataFrame([member.keys() for member in members]).assign(study=study.name, step=step)
    return pd.concat(
        keys.assign(structure=name, distance=distance, reference_floor=references.floors.get(name, np.nan))
        for name, distance in found.items()
    )
