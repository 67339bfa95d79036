"""Several stacks in training as one."""

from collections.abc import Sequence

from workflow_scripts.ticketlab.training.stack import Member, concatenate
from workflow_scripts.ticketlab.training.train import State


def join(pairs: Sequence[tuple[list[Member], State]]) -> tuple[list[Member], State]:
    """Several stacks at the same step as one."""
    states = [state for _, state in pairs]
    slots = {slot: concatenate([state.slots[slot] for state in states]) for slot in states[0].slots}
    weights = concatenate([state.weights for state in states])
    return [member for members, _ in pairs for member in members], State(states[0].step, weights, slots)
