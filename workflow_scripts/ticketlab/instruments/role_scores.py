"""The role scores of components: the targets of a head's attention, the response of a unit, the effect of ablation.

Scores by kind of component
- heads, on the study's own data: attention to the previous, the first and the same position; mean distance (positions)
  and entropy (nats) of the attention; `attention:<relation>`, the attention to places in a relation that the task
  defines (Problem.relations); where inputs are symbols, on random sequences repeated once, [r, r]: induction (prefix
  matching) and duplicate-token attention (Olsson et al. 2022, arXiv:2209.11895);
- hidden units: selectivity for each class, the mean activation on the class less the mean over all examples, in the
  unit's standard deviations; where inputs are residues, instead: the share of each frequency in the unit's activation;
- both: `ablation:<slice>`, the rise of the loss (nats) on a slice of the data when the component gives only its mean.

A *probe* is an independent draw of examples and random sequences: probes 0 and 1 share no example.
"""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

import numpy as np
import pandas as pd
import torch
from torch import Tensor

from workflow_scripts.ticketlab.core.errors import TicketlabError
from workflow_scripts.ticketlab.core.random_streams import generator
from workflow_scripts.ticketlab.settings.roles import RolesSettings
from workflow_scripts.ticketlab.tasks.problem import losses
from workflow_scripts.ticketlab.training import stack
from workflow_scripts.ticketlab.training.stack import Member, Stack
from workflow_scripts.ticketlab.training.study import Study

PROBES = 2
# Networks × examples in one forward pass (a CPU's cache), but always all examples, and two networks: a single one would
# be run twice (stack.forward).
NETWORK_EXAMPLES = 128


@dataclass(frozen=True)
class Probe:
    """The data on which networks are scored.

    inputs, targets: (examples, …); slices: bool, as the losses, (examples,) or (examples, time), by slice.
    classes: those that targets name; repeated: random tokens [r, r], (sequences, 2·length). Empty and None where
    Problem says that these scores do not apply. relations: (examples, time, time) by name; noise, modulus: as there.
    """

    inputs: Tensor
    targets: Tensor
    slices: dict[str, Tensor]
    classes: list[int]
    repeated: Tensor | None
    relations: dict[str, Tensor] = field(default_factory=dict)
    noise: float | None = None
    modulus: int | None = None


def draw_probe(study: Study, slices: dict[str, np.ndarray], probe: int, settings: RolesSettings) -> Probe:
    """Probe 0 or 1 of a study: its half of the split's examples, and its own random sequences.

    slices: of the whole split, from the task's `slices`. A slice or class that either probe lacks is left out of both.
    Raises TicketlabError if the split has too few examples for two probes.
    """
    problem, device = study.problem, study.device
    inputs, targets = problem.evaluation[settings.split]
    if len(inputs) < PROBES:
        raise TicketlabError(
            f"study {study.name}: the {settings.split} split has {len(inputs)} examples, "
            f"roles need {PROBES}; enlarge it"
        )
    order = generator(study.name, "probe examples", 0).permutation(len(inputs))
    halves = [np.sort(order[index::PROBES][: settings.examples]) for index in range(PROBES)]
    common = {name: mask for name, mask in slices.items() if all(mask[half].any() for half in halves)}
    classes, repeated = [], None
    if problem.classes:
        classes = sorted(set.intersection(*(set(targets[half].tolist()) for half in halves)))
    if problem.repetition:
        half_length = problem.context // 2
        random = generator(study.name, "probe sequences", probe)
        tokens = random.integers(problem.inputs, size=(settings.random_sequences, half_length))
        repeated = torch.from_numpy(np.tile(tokens, 2)).to(device)
    return Probe(
        torch.from_numpy(inputs[halves[probe]]).to(device),
        torch.from_numpy(targets[halves[probe]]).to(device),
        {name: torch.from_numpy(mask[halves[probe]]).to(device) for name, mask in common.items()},
        classes,
        repeated,
        {
            name: torch.from_numpy(relation).float().to(device)
            for name, relation in problem.relations(inputs[halves[probe]]).items()
        },
        problem.noise,
        problem.modulus,
    )


@torch.no_grad()
def score(study: Study, weights: Stack, probe: Probe, settings: RolesSettings) -> dict[str, np.ndarray]:
    """Every score of every component: {score: (N, components) float64}, components in the model's order.

    Raises TicketlabError if none of the score families that the settings ask for applies to this model.
    """
    examples = max(len(probe.inputs), 0 if probe.repeated is None else len(probe.repeated))
    parts = []
    for chunk in stack.slices(stack.size(weights), max(2, NETWORK_EXAMPLES // examples)):
        some = {name: tensor[chunk] for name, tensor in weights.items()}
        scores = _activity_scores(study, some, probe)
        if settings.scores is None or "ablation" in settings.scores:
            effects = ablation_effects(study, some, probe.inputs, probe.targets, probe.slices, probe.noise)
            scores |= {f"ablation:{name}": effect for name, effect in effects.items()}
        parts.append(scores)
    wanted = [name for name in parts[0] if settings.scores is None or name.split(":")[0] in settings.scores]
    if not wanted:
        raise TicketlabError(f"none of the scores {settings.scores} applies to this model; change roles.scores")
    return {name: torch.cat([part[name] for part in parts]).double().cpu().numpy() for name in wanted}


def _activity_scores(study: Study, weights: Stack, probe: Probe) -> dict[str, Tensor]:
    """What components of the model's kind do on the probe: {score: (N, components)}."""
    network, count = stack.forward(study.model), stack.size(weights)
    _, activities = network(weights, probe.inputs.expand(count, *probe.inputs.shape))
    components = study.model.components
    if components[0].kind == "unit":
        activity = torch.cat(activities, dim=-1)
        if probe.modulus is not None:
            return frequency_shares(activity, probe.inputs, probe.modulus)
        return class_selectivity(activity, probe.targets, probe.classes)
    scores = attention_scores(activities) | relation_scores(activities, probe.relations)
    if probe.repeated is not None:
        _, activities = network(weights, probe.repeated.expand(count, *probe.repeated.shape))
        scores |= repetition_scores(activities)
    return scores


def attention_scores(patterns: Sequence[Tensor]) -> dict[str, Tensor]:
    """Where heads attend: patterns A by layer, each (N, examples, heads, time, time), to {score: (N, all heads)}.

    A[t, s] is the attention from position t to position s ≤ t. Every score is a mean over the examples and the
    positions t ≥ 1 (t ≥ 2 for the first position, which is the previous one for t = 1).
    """
    time = patterns[0].shape[-1]
    position = torch.arange(time, device=patterns[0].device)
    distance = (position[:, None] - position[None, :]).float()
    later = position[:, None] >= 1
    weighings = {
        "previous_token": (distance == 1) / (time - 1),
        "first_token": ((position[None, :] == 0) & (position[:, None] >= 2)) / max(time - 2, 1),
        "self": ((distance == 0) & later) / (time - 1),
        "distance": distance * later / (time - 1),
    }
    entropies = torch.cat([-torch.xlogy(layer, layer).sum(-1)[..., 1:].mean((1, 3)) for layer in patterns], dim=1)
    return {**_weigh(patterns, weighings), "entropy": entropies}


def relation_scores(patterns: Sequence[Tensor], relations: dict[str, Tensor]) -> dict[str, Tensor]:
    """The mean over examples and t ≥ 1 of Σ_s A[t, s] R[t, s], for each relation R (examples, time, time).

    Patterns as for `attention_scores`; {score: (N, all heads)}.
    """
    scores = {}
    for name, relation in relations.items():
        sums = [torch.einsum("nbhts,bts->nh", layer[..., 1:, :], relation[:, 1:]) for layer in patterns]
        scores[f"attention:{name}"] = torch.cat(sums, dim=1) / relation[:, 1:, 0].numel()
    return scores


def repetition_scores(patterns: Sequence[Tensor]) -> dict[str, Tensor]:
    """Attention on [r, r], r of length T, from t ≥ T: patterns as for `attention_scores`, to {score: (N, all heads)}.

    duplicate_token: mean A[t, t − T], to the same token; induction: mean A[t, t − T + 1], to the one after it.
    """
    time = patterns[0].shape[-1]
    length = time // 2
    position = torch.arange(time, device=patterns[0].device)
    back = torch.where(position[:, None] >= length, position[:, None] - position[None, :], -1)
    weighings = {"duplicate_token": (back == length) / length, "induction": (back == length - 1) / length}
    return _weigh(patterns, weighings)


def _weigh(patterns: Sequence[Tensor], weighings: dict[str, Tensor]) -> dict[str, Tensor]:
    means = torch.cat([layer.mean(dim=1) for layer in patterns], dim=1)
    return {name: torch.einsum("nhts,ts->nh", means, weighing.float()) for name, weighing in weighings.items()}


def class_selectivity(activity: Tensor, labels: Tensor, classes: Sequence[int]) -> dict[str, Tensor]:
    """(Mean on the class − mean over all) / sd over all: activity (N, examples, units), labels (examples,).

    A unit that never changes, as a dead one, is selective for nothing: 0. In float64, where equal activations have a
    standard deviation of exactly 0.
    """
    activity = activity.double()
    centred = activity - activity.mean(dim=1, keepdim=True)
    # A norm, since torch's root of a tensor is MKL's, which starts from the processor's own estimate of 1/√x.
    deviation = torch.linalg.vector_norm(centred, dim=1) / math.sqrt(activity.shape[1])
    return {
        f"selectivity:{label}": torch.where(deviation == 0, 0.0, centred[:, labels == label].mean(dim=1) / deviation)
        for label in classes
    }


def frequency_shares(activity: Tensor, residues: Tensor, modulus: int) -> dict[str, Tensor]:
    """The share of a unit's variance that waves of each frequency k in the inputs make up: {frequency:k: (N, units)}.

    activity h (N, examples, units), residues (examples, symbols) modulo p. For each symbol x of the input, twice the
    squared modulus of the mean of (h − mean h) exp(−2πikx/p) over the examples, in units of the variance of h; summed
    over symbols. Exact over all inputs; a sample of n adds about 4/n. A unit that never changes scores 0.
    """
    activity = activity.double()
    centred = activity - activity.mean(dim=1, keepdim=True)
    variance = centred.square().mean(dim=1)
    scores = {}
    for frequency in range(1, modulus // 2 + 1):
        angle = 2 * math.pi * frequency / modulus * residues.double()
        power = sum(
            torch.einsum("neu,es->nsu", centred, wave).div(len(residues)).square().sum(dim=1)
            for wave in (angle.cos(), angle.sin())
        )
        scores[f"frequency:{frequency}"] = torch.where(variance == 0, 0.0, 2 * power / variance)
    return scores


def ablation_effects(
    study: Study,
    weights: Stack,
    inputs: Tensor,
    targets: Tensor,
    slices: dict[str, Tensor],
    noise: float | None = None,
) -> dict[str, Tensor]:
    """Rise of the mean loss on each slice when one component is mean-ablated: {slice: (N, components)}, in nats."""
    network, count = stack.forward(study.model), stack.size(weights)
    components = len(study.model.components)
    inputs, targets = inputs.expand(count, *inputs.shape), targets.expand(count, *targets.shape)

    def slice_losses(gates: Tensor | None) -> Tensor:
        each = losses(network(weights, inputs, gates)[0], targets, noise)
        return torch.stack([each[:, mask].mean(dim=1) for mask in slices.values()])

    intact = slice_losses(None)
    effects = []
    for component in range(components):
        gates = torch.ones(count, components, device=inputs.device)
        gates[:, component] = 0
        effects.append(slice_losses(gates) - intact)
    return dict(zip(slices, torch.stack(effects, dim=-1), strict=True))


def rows(study: Study, members: Sequence[Member], step: int, probe: int, scores: dict[str, np.ndarray]) -> pd.DataFrame:
    """`score`'s result as rows of the `roles` table."""
    keys = pd.DataFrame([member.keys() for member in members])
    components = pd.DataFrame(study.model.components).rename(columns={"index": "component"})
    frame = keys.merge(components, how="cross")  # networks outer, components inner: the order of values.reshape(-1)
    frame = frame.assign(study=study.name, step=step, probe=probe)
    return pd.concat(
        [frame.assign(score=name, value=values.reshape(-1)) for name, values in scores.items()], ignore_index=True
    )


def on_probes(
    study: Study,
    slices: dict[str, np.ndarray],
    settings: RolesSettings,
    networks: Sequence[tuple[Sequence[Member], int, Stack]],
    probes: Iterable[int] = range(PROBES),
) -> pd.DataFrame:
    """Rows of the `roles` table for stacks of networks (members, step, weights), each scored on each of the probes."""
    parts = []
    for index in probes:
        probe = draw_probe(study, slices, index, settings)
        for members, step, weights in networks:
            parts.append(rows(study, members, step, index, score(study, weights, probe, settings)))
    return pd.concat(parts)
