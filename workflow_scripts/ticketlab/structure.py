"""What a network's predictions look like, during training: its distance to named reference predictors.

The distance of a network q to a predictor p is KL(p ‖ q) = Σ_w p(w) (log p(w) − log q(w)) in nats, averaged over all
predicted places of an evaluation set; it is 0 only where the network says what the predictor says. A structure is
*acquired* as the distance falls and *forgotten* as it rises again (transience; FIELD: Edelman et al. 2402.11004, Hoogland
et al. 2402.02364).

`reference_floor` of a predictor is its own loss, the mean of −log p(target) on the same evaluation set. It is the level
that the network's loss has when it predicts what the predictor does: a network whose loss is below the floor knows more
than the predictor.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor, nn

from workflow_scripts.ticketlab import stack
from workflow_scripts.ticketlab.errors import TicketlabError
from workflow_scripts.ticketlab.settings.structure import StructureSettings
from workflow_scripts.ticketlab.stack import Stack
from workflow_scripts.ticketlab.tasks import Problem

# Log-probabilities that are handled together: networks × examples × places × outputs (64 MiB).
CHUNK = 1 << 24


class References(NamedTuple):
    """Reference predictors on one evaluation set.

    inputs: (examples, …). log_probabilities: by predictor, (examples, …, outputs) float32 in nats; all of them are held
    in memory. floors: each predictor's own loss, in nats.
    """

    inputs: Tensor
    log_probabilities: dict[str, Tensor]
    floors: dict[str, float]


def references(
    problem: Problem,
    predictors: dict[str, Callable[[np.ndarray], np.ndarray]],
    settings: StructureSettings,
    device: torch.device,
) -> References:
    """The chosen predictors (of the task's `references`) on the chosen split.

    Raises TicketlabError if the settings name a predictor that the task does not have.
    """
    unknown = sorted(set(settings.structures or ()) - set(predictors))
    if unknown:
        raise TicketlabError(
            f"structure.structures: {', '.join(unknown)} unknown; this task has {', '.join(predictors)}"
        )
    inputs, targets = problem.evaluation[settings.split]
    predictions = {name: predictors[name](inputs) for name in settings.structures or predictors}
    floors = {
        name: -float(np.take_along_axis(array, targets[..., None], axis=-1).mean(dtype=np.float64))
        for name, array in predictions.items()
    }
    tensors = {name: torch.from_numpy(array).to(device) for name, array in predictions.items()}
    return References(torch.from_numpy(inputs).to(device), tensors, floors)


def divergence(references: References, log_q: Callable[[slice], Tensor], count: int, chunk: int) -> dict[str, np.ndarray]:
    """KL(predictor ‖ q) in nats, for `count` predictions q at once: (count,) float64 by predictor.

    log_q: a slice of the examples to normalised log-probabilities (count, examples, …, outputs).
    """
    first = next(iter(references.log_probabilities.values()))
    totals = torch.zeros(len(references.log_probabilities), count, dtype=torch.float64, device=first.device)
    for part in stack.slices(len(first), chunk):
        log_p = torch.stack([tensor[part].flatten() for tensor in references.log_probabilities.values()])
        p = log_p.exp()
        # Σ p log q for all networks and predictors is one matrix product.
        totals += torch.special.entr(p).sum(1, keepdim=True).double().neg() - (p @ log_q(part).flatten(1).T).double()
    places = first[..., 0].numel()
    return dict(zip(references.log_probabilities, (totals / places).cpu().numpy(), strict=True))


@torch.no_grad()
def distances(model: nn.Module, weights: Stack, references: References) -> dict[str, np.ndarray]:
    """Distance of each of a stack's N networks to each predictor: (N,) float64, in nats, by predictor."""
    network = stack.forward(model)
    count = stack.size(weights)

    def log_q(part: slice) -> Tensor:
        inputs = references.inputs[part]
        logits, _ = network(weights, inputs.expand(count, *inputs.shape))
        return logits.log_softmax(dim=-1)

    first = next(iter(references.log_probabilities.values()))
    return divergence(references, log_q, count, max(1, CHUNK // (count * first[0].numel())))


def between(references: References) -> dict[str, dict[str, float]]:
    """KL(p ‖ q) in nats between the predictors, by p and then q: what a network that equals q measures as."""
    stacked = torch.stack(list(references.log_probabilities.values()))
    chunk = max(1, CHUNK // stacked[:, 0].numel())
    found = divergence(references, lambda part: stacked[:, part], len(stacked), chunk)
    return {name: dict(zip(found, values.tolist(), strict=True)) for name, values in found.items()}


class Course(NamedTuple):
    """Acquisition and forgetting of each seed: (seeds,) each.

    acquired: A = 1 − min d / d(0); 1 if the network came to equal the predictor, 0 or less if it never came nearer.
    forgotten: F = (d(end) − min d) / (d(0) − min d); 0 if it stayed as near as it came, 1 if it ended as far as it began.
    turning_step: the step that stands for the minimum.
    """

    acquired: np.ndarray
    forgotten: np.ndarray
    turning_step: np.ndarray


def acquisition_and_forgetting(steps: Sequence[int], distances: np.ndarray) -> Course:
    """A and F of a structure from its distances (seeds, steps), the first at step 0.

    The minimum of a noisy curve lies below the curve, so locating and evaluating it on the same seed makes F positive
    where nothing was forgotten. Here the seeds fall into two halves (even and odd places), and each half is evaluated at
    the minimum of the other half's mean curve (cross-fitting).

    A seed with A ≤ 0 never acquired the structure at that step, and its F is NaN: nothing can be forgotten. A seed with
    a distance that is not finite (a diverged network) is NaN and takes no part in locating the other half's minimum.
    Where no seed is left to locate it, above all with fewer than two seeds, A and F are NaN and the turning step is −1.
    Raises ValueError if the shapes disagree or the steps do not rise from 0.
    """
    distances = np.asarray(distances, dtype=np.float64)
    if distances.ndim != 2 or distances.shape[1] != len(steps):
        raise ValueError(f"distances must be (seeds, {len(steps)} steps), not {distances.shape}")
    if not len(steps) or steps[0] != 0 or any(np.diff(steps) <= 0):
        raise ValueError(f"steps must rise from 0, not {list(steps)}")
    seeds = len(distances)
    usable = np.isfinite(distances).all(axis=1)
    half = np.arange(seeds) % 2
    acquired, forgotten, turning = np.full(seeds, np.nan), np.full(seeds, np.nan), np.full(seeds, -1)
    for evaluated in (0, 1):
        located_on = usable & (half != evaluated)
        seeds_here = np.flatnonzero(usable & (half == evaluated))
        if not located_on.any():
            continue
        index = int(distances[located_on].mean(axis=0).argmin())
        start, lowest, end = (distances[seeds_here, place] for place in (0, index, -1))
        gained = start - lowest
        acquired[seeds_here] = np.divide(gained, start, out=np.zeros_like(gained), where=start > 0)
        forgotten[seeds_here] = np.divide(end - lowest, gained, out=np.full_like(gained, np.nan), where=gained > 0)
        turning[seeds_here] = steps[index]
    return Course(acquired, forgotten, turning)
