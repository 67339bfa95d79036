"""Training states and masks of stacks as rows of tables, and back."""

from collections.abc import Sequence

import numpy as np
import torch

from workflow_scripts.ticketlab.tables import stacks
from workflow_scripts.ticketlab.tables.schemas.networks import MASKS, WEIGHTS
from workflow_scripts.ticketlab.training.stack import Member, Stack
from workflow_scripts.ticketlab.training.study import Study
from workflow_scripts.ticketlab.training.train import State


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
