"""Masks of the tickets that are evaluated throughout training from θ₀, and their shuffled controls.

The mask of the end is IMP's. The mask of a transient's peak keeps the largest weights of the dense networks at the step
at which they are nearest to the transient's predictor (Minegishi et al. 2023 took masks in the phases of grokking).
Each mask has a control permuted within layers (Frankle et al. 2021), which shows the effect of sparsity alone.
"""

from collections.abc import Callable, Sequence
from typing import NamedTuple

import pandas as pd

from workflow_scripts.ticketlab.core.errors import TicketlabError
from workflow_scripts.ticketlab.pruning import masks as pruning
from workflow_scripts.ticketlab.pruning.masks import Counts
from workflow_scripts.ticketlab.training.stack import Member, Stack, as_variant

END = "end"
SHUFFLED = "_shuffled"


class Masked(NamedTuple):
    """Networks of one variant with their masks, and the step of dense training from which these were taken."""

    members: list[Member]
    mask: Stack
    taken_at: int


def peak_of(name: str) -> str:
    """The variant with the mask of a structure's peak."""
    return f"peak_{name}"


def nearest_step(distances: pd.DataFrame, name: str) -> int:
    """The recorded step at which a block's dense networks are on average nearest to a structure.

    distances: their `structure` table. It only decides the step of a mask, so all seeds may take part.
    Raises TicketlabError if the table has no such structure.
    """
    mine = distances[distances["structure"] == name]
    if mine.empty:
        there = ", ".join(sorted(distances["structure"].unique()))
        raise TicketlabError(
            f"development.structures: no structure {name!r} is traced in this study; there are {there}"
        )
    return int(mine.groupby("step")["distance"].mean().idxmin())


def masks(
    study: str,
    dense: Sequence[Member],
    level: int,
    counts: Counts,
    imp: Stack,
    last_step: int,
    peaks: dict[str, int],
    dense_weights: Callable[[int], Stack],
) -> list[Masked]:
    """Each mask and its shuffled control, for the dense networks' initialisations and data orders.

    imp: IMP's masks at `level`, taken at `last_step`; counts: the number of weights that these and all other masks
    keep. peaks: steps by structure; dense_weights: prunable tensors of the dense networks at a step.
    """
    taken = {END: (imp, last_step)}
    for name, step in peaks.items():
        taken[peak_of(name)] = (pruning.keep_top(pruning.magnitude(dense_weights(step)), counts), step)
    found = []
    for variant, (mask, step) in taken.items():
        members = as_variant(dense, variant=variant, level=level)
        # By init seed, rewind step and level: the end's shuffled mask is that of T1's control.
        shuffled = pruning.shuffle(mask, study, members)
        found.append(Masked(members, mask, step))
        found.append(Masked(as_variant(members, variant=variant + SHUFFLED), shuffled, step))
    return found
