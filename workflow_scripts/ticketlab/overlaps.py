"""Overlaps of masks as rows of the `overlap` table: over chance, and over what the initial weights explain."""

from collections.abc import Sequence

import pandas as pd

from workflow_scripts.ticketlab import pruning
from workflow_scripts.ticketlab.stack import Member, Stack


def rows(
    study: str, members: Sequence[Member], step: int, reference: str, masks: Stack, others: Stack, initial: Stack
) -> pd.DataFrame:
    """A row per network and tensor: `masks` of the members at `step` against `others`, the reference's.

    initial: the members' θ₀. Overlap that weights of like |θ₀| would have by chance is no sign of selection: a weight
    that was large stays large. All stacks are in the order of the members.
    """
    parts = []
    keys = pd.DataFrame([member.keys() for member in members])
    for tensor, mask in masks.items():
        jaccard, chance = pruning.overlap(mask, others[tensor])
        given = pruning.overlap_given(initial[tensor].abs(), mask, others[tensor])
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
            )
        )
    return pd.concat(parts, ignore_index=True)
