"""Training states and masks of stacks as rows of tables, and back."""

from collections.abc import Callable, Sequence

import numpy as np
import torch

from workflow_scripts.ticketlab.core.errors import TicketlabError
from workflow_scripts.ticketlab.tables import stacks
from workflow_scripts.ticketlab.tables.schemas.networks import MASKS, WEIGHTS
from workflow_scripts.ticketlab.training.stack import Member, Stack, concatenate
from workflow_scripts.ticketlab.training.study import Study
from workflow_scripts.ticketlab.training.train import State

Reader = Callable[[str, int, torch.device], tuple[list[Member], Stack]]


def add_state(
    writer: stacks.StackWriter, study: str, members: Sequence[Member], state: State, slots: bool = False
) -> None:
    """Append a state to a `weights` table, with the optimiser's slots if training is to be continued from it."""
    parts = {"weight": state.weights, **(state.slots if slots else {})}
    arrays: dict[tuple[str, ...], np.ndarray] = {
        (slot, name): tensor.detach().cpu().numpy()
        for slot, tensors in parts.items()
        for name, tensor in tensors.items()
    }
    writer.add(study, state.step, [member.keys() for member in members], arrays)


def read_weights(path: str, step: int, device: torch.device) -> tuple[list[Member], Stack]:
    """The networks of a `weights` file at `step`."""
    members, state = read_state(path, step, device, ())
    return members, state.weights


def read_state(path: str, step: int, device: torch.device, slots: Sequence[str]) -> tuple[list[Member], State]:
    """The networks of a `weights` file at `step` with these optimiser slots, ready to be trained on."""
    snapshot = stacks.read_stack(path, WEIGHTS, step, ("weight", *slots))
    parts: dict[str, Stack] = {slot: {} for slot in ("weight", *slots)}
    for (slot, name), array in snapshot.tensors.items():
        parts[slot][name] = torch.tensor(array, device=device)
    weights = parts.pop("weight")
    return [Member(**keys) for keys in snapshot.keys], State(step, weights, parts)


def read_prunable(path: str, step: int, study: Study) -> Stack:
    """The tensors that pruning may touch, of the networks of a `weights` file at `step`."""
    _, weights = read_weights(path, step, study.device)
    return {name: weights[name] for name in study.model.prunable}


def add_masks(writer: stacks.StackWriter, study: str, members: Sequence[Member], step: int, masks: Stack) -> None:
    """Append masks to a `masks` table; `step` is what `read_masks` finds them by: docs/artifacts.md."""
    arrays: dict[tuple[str, ...], np.ndarray] = {(name,): mask.cpu().numpy() for name, mask in masks.items()}
    writer.add(study, step, [member.keys() for member in members], arrays)


def write_weights(path: str, provenance: dict, study: str, members: Sequence[Member], state: State) -> None:
    """A `weights` table of networks at one step."""
    with stacks.writing(path, WEIGHTS, provenance) as writer:
        add_state(writer, study, members, state)


def write_masks(path: str, provenance: dict, study: str, members: Sequence[Member], step: int, masks: Stack) -> None:
    """A `masks` table of one mask per network."""
    with stacks.writing(path, MASKS, provenance) as writer:
        add_masks(writer, study, members, step, masks)


def read_masks(path: str, step: int, device: torch.device) -> tuple[list[Member], Stack]:
    """The masks of a `masks` file at `step`, as 0.0 and 1.0."""
    snapshot = stacks.read_stack(path, MASKS, step)
    masks = {name: torch.tensor(kept, dtype=torch.float32, device=device) for (name,), kept in snapshot.tensors.items()}
    return [Member(**keys) for keys in snapshot.keys], masks


def join(pairs: Sequence[tuple[list[Member], State]]) -> tuple[list[Member], State]:
    """Several stacks at the same step as one."""
    states = [state for _, state in pairs]
    slots = {slot: concatenate([state.slots[slot] for state in states]) for slot in states[0].slots}
    weights = concatenate([state.weights for state in states])
    return [member for members, _ in pairs for member in members], State(states[0].step, weights, slots)


def read(
    paths: Sequence[str], step: int, device: torch.device, reader: Reader = read_weights
) -> tuple[list[Member], Stack]:
    """The networks at `step` in these files, in this order; `reader` reads one (checkpoints.read_weights,
    read_masks)."""
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
