"""All blocks of a study as one stack, for rules that look at a whole study."""

from collections.abc import Callable, Sequence

import torch

from workflow_scripts.ticketlab import states
from workflow_scripts.ticketlab.stack import Member, Stack, concatenate

Reader = Callable[[str, int, torch.device], tuple[list[Member], Stack]]


def read(
    paths: Sequence[str], step: int, device: torch.device, reader: Reader = states.read_weights
) -> tuple[list[Member], Stack]:
    """The networks at `step` in these files, in this order; `reader` reads one (states.read_weights, read_masks)."""
    parts = [reader(path, step, device) for path in paths]
    return [member for members, _ in parts for member in members], concatenate([stack for _, stack in parts])
