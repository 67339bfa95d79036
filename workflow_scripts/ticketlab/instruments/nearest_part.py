"""What is left in a network of a predictor that its predictions have left: the nearest part, and the cut context.

A structure that a later one outvotes is gone from the predictions (instruments/reference_distances.py) and still in the
network. Two ways to see it:

- *part*: components are mean-ablated, one after another, as long as this brings the network nearer to the predictor (a
  greedy search). It is made on one half of the examples and evaluated on the other, so that no distance is the least of
  many on the same examples.
- *context*: the network is given only as many symbols as the predictor sees (tasks that say so by `seen`); none at all
  is the mean of the inputs.

The same is done at every recorded step; the share of what was acquired at the nearest step that a part of the end
network still has is R (instruments/transience.py). *part of another*: the search's choice in the next network of the
stack, which tells a structure's own place from one that any network has there.

*path* is the null of a detour: the least distance on the straight line in logits (or means) from each network's own
initial predictions to its own final ones. A network that only amplified what it ends with would go along it, past every
coarser predictor, and leave it again.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import pandas as pd
import torch
from torch import Tensor

from workflow_scripts.ticketlab.instruments.reference_distances import CHUNK, References, divergence
from workflow_scripts.ticketlab.instruments.transience import CONTEXT, ELSEWHERE, PART, PATH
from workflow_scripts.ticketlab.tasks.problem import Components
from workflow_scripts.ticketlab.training import stack
from workflow_scripts.ticketlab.training.stack import Member, Stack
from workflow_scripts.ticketlab.training.study import Study

PATH_POINTS = 33  # of the straight path, with both ends
ROUNDS = 16  # of the search: a network with more components gives up several at once
EXAMPLES = 32  # of either half
TOGETHER = 1 << 21  # weights of the networks that the search runs as one stack


class Part(NamedTuple):
    """distance: of each of N networks' parts, (N,) nats; gates: 1 for the components that the part keeps, (N, all)."""

    distance: np.ndarray
    gates: Tensor


def halves(references: References) -> tuple[References, References]:
    """The examples at even places and those at odd places, at most EXAMPLES of each."""
    first, second = (
        references._replace(
            inputs=references.inputs[start::2][:EXAMPLES],
            predictions={name: array[start::2][:EXAMPLES] for name, array in references.predictions.items()},
        )
        for start in (0, 1)
    )
    return first, second


@torch.no_grad()
def nearest_parts(study: Study, weights: Stack, references: References) -> dict[str, Part]:
    """The part of each of a stack's N networks that is nearest to each predictor, by predictor."""
    search, evaluation = halves(references)
    found = {}
    for name in references.predictions:
        gates = _search(study, weights, _only(search, name))
        found[name] = Part(_distance(study, weights, _only(evaluation, name), gates), gates)
    return found


def _only(references: References, name: str) -> References:
    return references._replace(predictions={name: references.predictions[name]})


def _search(study: Study, weights: Stack, references: References) -> Tensor:
    """The gates (N, components) of the greedy search, nearest to the one predictor of `references`."""
    count, components = stack.size(weights), len(study.model.components)
    at_once = -(-components // ROUNDS)
    gates = torch.ones(count, components, device=study.device)
    kept, least = gates.clone(), _distance(study, weights, references, gates)
    now = least
    while True:
        without = _without_one_more(study, weights, references, gates)
        order = np.argsort(without, axis=1, kind="stable")[:, :at_once]
        nearer = np.take_along_axis(without, order, axis=1) < now[:, None]
        if not nearer.any():
            return kept
        for network, component in zip(*np.nonzero(nearer), strict=True):
            gates[network, order[network, component]] = 0
        now = _distance(study, weights, references, gates)
        better = now < least
        least = np.where(better, now, least)
        kept[torch.from_numpy(better)] = gates[torch.from_numpy(better)]


def _without_one_more(study: Study, weights: Stack, references: References, gates: Tensor) -> np.ndarray:
    """Distance (N, components) if one more component is ablated; infinite for those that are ablated already."""
    count, components = gates.shape
    together = max(1, TOGETHER // sum(tensor.numel() for tensor in weights.values()))
    parts = []
    for chunk in stack.slices(components, together):
        size = chunk.stop - chunk.start
        trials = gates.repeat(size, 1, 1)
        trials[range(size), :, range(chunk.start, chunk.stop)] = 0
        copies = {name: tensor.repeat(size, *[1] * (tensor.ndim - 1)) for name, tensor in weights.items()}
        parts.append(_distance(study, copies, references, trials.flatten(0, 1)).reshape(size, count).T)
    return np.where(gates.cpu().numpy() == 0, np.inf, np.concatenate(parts, axis=1))


def _distance(study: Study, weights: Stack, references: References, gates: Tensor) -> np.ndarray:
    """Distance (N,) of networks with these gates to the one predictor; means are over all the examples."""
    count = stack.size(weights)
    outputs, _ = stack.forward(study.model)(weights, references.inputs.expand(count, *references.inputs.shape), gates)
    return _of_outputs(outputs, references)


def _of_outputs(outputs: Tensor, references: References) -> np.ndarray:
    predictions = outputs.log_softmax(dim=-1) if references.noise is None else outputs
    (found,) = divergence(references, lambda part: predictions[:, part], len(outputs), len(references.inputs)).values()
    return found


@torch.no_grad()
def elsewhere(study: Study, weights: Stack, references: References, parts: dict[str, Part]) -> dict[str, np.ndarray]:
    """Distance (N,) of each network's part by the choice of the next one of the stack (the first, for the last)."""
    _, evaluation = halves(references)
    return {
        name: _distance(study, weights, _only(evaluation, name), part.gates.roll(-1, dims=0))
        for name, part in parts.items()
    }


@torch.no_grad()
def in_cut_context(study: Study, weights: Stack, references: References, seen: dict[str, int]) -> dict[str, np.ndarray]:
    """Distance (N,) of networks that are given only the last `seen` symbols, to each predictor that sees no more.

    Places with fewer symbols before them are left out. The inputs' mean stands for no symbol at all.
    """
    _, evaluation = halves(references)
    network, count = stack.forward(study.model), stack.size(weights)
    found = {}
    for name, length in seen.items():
        if name not in references.predictions:
            continue
        p = evaluation.predictions[name]
        if length:
            inputs = evaluation.inputs.unfold(1, length, 1).flatten(0, 1)
            p = p[:, length - 1 :]
        else:
            inputs = (
                torch.nn.functional.one_hot(evaluation.inputs, study.problem.inputs).float().mean((0, 1))[None, None]
            )
        outputs, _ = network(weights, inputs.expand(count, *inputs.shape))
        last = outputs[:, :, -1].expand(count, p[..., 0].numel(), -1)
        found[name] = _of_outputs(last, evaluation._replace(predictions={name: p.flatten(0, 1)}))
    return found


@torch.no_grad()
def nearest_on_path(
    study: Study, start: Stack, end: Stack, references: References, components: Components | None
) -> dict[str, np.ndarray]:
    """The least distance (N,) to each predictor, and in each of the task's components, between two states of networks.

    Their predictions are (1 − s)·first + s·last, s from 0 to 1, of logits or means; so are a component's logits and
    weights.
    """
    network, count = stack.forward(study.model), stack.size(start)
    shares = torch.linspace(0, 1, PATH_POINTS, device=study.device)

    def between(part: slice) -> Tensor:
        inputs = references.inputs[part]
        inputs = inputs.expand(count, *inputs.shape)
        first, last = (network(weights, inputs)[0] for weights in (start, end))
        path = torch.stack([torch.lerp(first, last, share) for share in shares]).flatten(0, 1)
        return path.log_softmax(dim=-1) if references.noise is None else path

    one = next(iter(references.predictions.values()))
    chunk = max(1, CHUNK // (one[0].numel() * PATH_POINTS))
    found = divergence(references, between, PATH_POINTS * count, chunk)
    least = {name: values.reshape(PATH_POINTS, count).min(axis=0) for name, values in found.items()}
    if components is not None:
        least |= _components_on_path(study, start, end, components)
    return least


def _components_on_path(study: Study, start: Stack, end: Stack, components: Components) -> dict[str, np.ndarray]:
    network = stack.forward(study.model)
    inputs = torch.from_numpy(components.inputs).to(study.device)
    least = {name: np.full(stack.size(start), np.inf) for name in components.distances}
    for chunk in stack.slices(stack.size(start), 2):  # as in reference_distances.component_distances
        first, last = ({name: tensor[chunk] for name, tensor in weights.items()} for weights in (start, end))
        of_first, of_last = (network(some, inputs.expand(stack.size(some), *inputs.shape))[0] for some in (first, last))
        for share in torch.linspace(0, 1, PATH_POINTS).tolist():
            logits = torch.lerp(of_first, of_last, share).cpu().numpy()
            arrays = {name: torch.lerp(first[name], last[name], share).cpu().numpy() for name in first}
            for name, distance in components.distances.items():
                least[name][chunk] = np.minimum(least[name][chunk], distance(logits, arrays))
    return least


def rows(study: Study, members: Sequence[Member], step: int, way: str, found: dict[str, np.ndarray]) -> pd.DataFrame:
    """Rows of table `retained`: distances (N,) by structure, of networks at a step, found in one of the ways."""
    keys = pd.DataFrame([member.keys() for member in members]).assign(study=study.name, step=step, way=way)
    return pd.concat([keys.assign(structure=name, distance=distance) for name, distance in found.items()])


def of_networks(
    study: Study,
    members: Sequence[Member],
    step: int,
    weights: Stack,
    references: References,
    seen: dict[str, int],
) -> pd.DataFrame:
    """Rows of table `retained` for networks at a step: PART, ELSEWHERE and CONTEXT.

    seen: the task's `SEEN`, the predictors that have a CONTEXT.
    """
    parts = nearest_parts(study, weights, references)
    ways = {
        PART: {name: part.distance for name, part in parts.items()},
        ELSEWHERE: elsewhere(study, weights, references, parts),
        CONTEXT: in_cut_context(study, weights, references, seen),
    }
    return pd.concat([rows(study, members, step, way, found) for way, found in ways.items() if found])


def of_path(
    study: Study,
    members: Sequence[Member],
    step: int,
    start: Stack,
    end: Stack,
    references: References,
    components: Components | None,
) -> pd.DataFrame:
    """Rows PATH of table `retained` for networks whose last state, at `step`, is `end`."""
    return rows(study, members, step, PATH, nearest_on_path(study, start, end, references, components))
