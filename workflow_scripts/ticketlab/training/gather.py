"""The networks of several files as one stack."""

from collections.abc import Callable, Sequence

import torch

from workflow_scripts.ticketlab.core.errors import TicketlabError
from workflow_scripts.ticketlab.tables import stacks
from workflow_scripts.ticketlab.tables.schemas.networks import MASKS, WEIGHTS
from workflow_scripts.ticketlab.training.checkpoints import read_masks, read_weights
from workflow_scripts.ticketlab.training.stack import Member, Stack, concatenate

Reader = Callable[[str, int, torch.device], tuple[list[Member], Stack]]


def read(
    paths: Sequence[str], step: int, device: torch.device, reader: Reader = read_weights
) -> tuple[list[Member], Stack]:
    """The networks at `step` in these files, in this order; `reader` reads one."""
    parts = [reader(path, step, device) for path in paths]
    return [member for members, _ in parts for member in members], concatenate([stack for _, stack in parts])


def read_at(paths: Sequence[str], step: int, device: torch.device) -> tuple[list[Member], Stack]:
    """The networks at `step` of those `weights` files that hold this step.

    Raises TicketlabError if none does.
    """
    holding = [path for path in paths if step in stacks.steps(path, WEIGHTS)]
    if not holding:
        raise TicketlabError(f"no file of {paths} holds step {step}; choose another step")
    return read(holding, step, device)


def masks_by_member(paths: Sequence[str], device: torch.device) -> dict[Member, Stack]:
    """Each network's own mask (*shape by tensor), out of all steps of `masks` files."""
    known: dict[Member, Stack] = {}
    for path in paths:
        for taken_at in stacks.steps(path, MASKS):
            members, masks = read_masks(path, taken_at, device)
            known |= {member: {name: mask[i] for name, mask in masks.items()} for i, member in enumerate(members)}
    return known
