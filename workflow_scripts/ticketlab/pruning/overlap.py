"""Overlaps of masks as rows of the `overlap` table: beyond chance, and beyond the initial weights' contribution."""

from collections.abc import Iterable, Sequence
from math import nan

import pandas as pd
import torch
from torch import Tensor

from workflow_scripts.ticketlab.pruning import masks as pruning
from workflow_scripts.ticketlab.pruning.masks import Counts
from workflow_scripts.ticketlab.training.stack import Member, Stack, take

# The number of parts of similar initial magnitude into which a tensor's weights are cut.
STRATA = 20


def rows(
    study: str,
    members: Sequence[Member],
    step: int,
    reference: str,
    masks: Stack,
    others: Stack,
    initial: Stack,
    updates: tuple[Stack, Stack] | None = None,
) -> pd.DataFrame:
    """A row per network and tensor: `masks` of the members at `step` compared with `others`, the reference's.

    initial: the members' θ₀. The chance overlap of weights of similar |θ₀| is no sign of selection: a weight that was
    large stays large. updates: what training added to θ₀, of the members and of the reference; None where the reference
    is a mask alone. All stacks are in the order of the members.
    """
    parts = []
    keys = pd.DataFrame([member.keys() for member in members])
    for tensor, mask in masks.items():
        jaccard, chance = overlap(mask, others[tensor])
        given = overlap_given(initial[tensor].abs(), mask, others[tensor])
        parts.append(
            keys.assign(
                study=study,
                step=step,
                reference=reference,
                tensor=tensor,
                jaccard=jaccard.cpu().numpy(),
                chance=chance.cpu().numpy(),
                excess=((jaccard - chance) / (1 - chance).clamp(min=1e-12)).cpu().numpy(),
                given_initial=given.cpu().numpy(),
                beyond_initial=((jaccard - given) / (1 - given).clamp(min=1e-12)).cpu().numpy(),
                update_correlation=nan
                if updates is None
                else correlation(*(of[tensor] for of in updates)).cpu().numpy(),
            )
        )
    return pd.concat(parts, ignore_index=True)


def correlation(first: Tensor, second: Tensor) -> Tensor:
    """Pearson's correlation (N,) of the entries of two stacks of one tensor (N, …); NaN where one is constant."""
    a, b = (tensor.flatten(1).double() for tensor in (first, second))
    a, b = a - a.mean(1, keepdim=True), b - b.mean(1, keepdim=True)
    return (a * b).sum(1) / (a.square().sum(1) * b.square().sum(1)).sqrt()


def overlap(first: Tensor, second: Tensor) -> tuple[Tensor, Tensor]:
    """Jaccard index of two masks (N, …) of one tensor, and its value by chance at their densities; NaN of a NaN mask.

    For independent masks of densities p and q the expected intersection is pq of the tensor, so chance is
    pq/(p + q − pq) (the ratio of expectations).
    """
    a, b = first.flatten(1).double(), second.flatten(1).double()
    both = (a * b).mean(1)
    p, q = a.mean(1), b.mean(1)
    return both / (p + q - both).clamp(min=1e-12), p * q / (p + q - p * q).clamp(min=1e-12)


def overlap_given(scores: Tensor, first: Tensor, second: Tensor, strata: int = STRATA) -> Tensor:
    """The Jaccard index (N,) that two masks have if, among weights of like score, they are independent.

    scores (N, …): |θ₀| for what a shared initialisation explains by itself, large initial weights staying large. Each
    network's weights are cut by the rank of their score into `strata` equal parts; in a part of n weights of which the
    masks keep shares p and q the expected intersection is npq. Stratifying is what Mantel and Haenszel (1959) did.
    """
    ranks = scores.flatten(1).argsort(1).argsort(1)
    part = ranks * strata // ranks.shape[1]
    counts, a, b = (
        torch.zeros(len(part), strata, dtype=torch.float64, device=part.device).scatter_add_(1, part, values.double())
        for values in (torch.ones_like(part), first.flatten(1), second.flatten(1))
    )
    both = (a * b / counts.clamp(min=1)).sum(1)
    return both / (a.sum(1) + b.sum(1) - both).clamp(min=1e-12)


def along_training(
    study: str, states: Iterable[tuple[int, list[Member], Stack]], imp: Stack, counts: Counts, last: int
) -> pd.DataFrame:
    """Rows of table `overlap`: the magnitude masks of dense networks at each step, with their final ones and IMP's.

    states: step, members and prunable tensors of the dense networks, the first and the `last` step among them. imp:
    IMP's masks, also compared as those of the next initialisation, which is chance.
    """
    found = {step: (members, weights) for step, members, weights in states}
    members, initial = found[min(found)]
    imp = pruning.of_finite(imp, found[last][1])
    references = {"final_magnitude": pruning.largest(found[last][1], counts), "imp": imp}
    if len(members) > 1:
        references["imp_other_init"] = take(imp, [(index + 1) % len(members) for index in range(len(members))])
    return pd.concat(
        rows(study, members, step, reference, pruning.largest(weights, counts), other, initial)
        for step, (_, weights) in found.items()
        for reference, other in references.items()
    )


def of_siblings(
    study: str,
    dense: Sequence[Member],
    initial: Stack,
    trained: Stack,
    siblings: Iterable[tuple[list[Member], Stack]],
    counts: Counts,
    last: int,
) -> pd.DataFrame:
    """Rows of table `overlap`: final magnitude masks of siblings on other data orders, with their dense parents'.

    initial, trained: prunable tensors of the dense networks at both ends; siblings: members and final prunable tensors.
    Each is also compared with the next initialisation's dense network, which is chance.
    """
    final = pruning.largest(trained, counts)
    place = {member.init_seed: index for index, member in enumerate(dense)}
    shifts = {"dense_final": 0} | ({"dense_final_other_init": 1} if len(dense) > 1 else {})
    parts = []
    for members, weights in siblings:
        kept = [index for index, member in enumerate(members) if member.data_seed != member.init_seed]
        children = [members[index] for index in kept]
        ends = take(weights, kept)
        mine = pruning.largest(ends, counts)
        own = [place[child.init_seed] for child in children]
        begun = take(initial, own)
        for reference, shift in shifts.items():
            of = [(index + shift) % len(dense) for index in own]
            updates = _less(ends, begun), _less(take(trained, of), take(initial, of))
            parts.append(rows(study, children, last, reference, mine, take(final, of), begun, updates))
    return pd.concat(parts)


def _less(first: Stack, second: Stack) -> Stack:
    return {name: tensor - second[name] for name, tensor in first.items()}
