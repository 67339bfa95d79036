"""What masks keep of networks: their density, and the parts of which they keep no weight."""

import logging
from collections.abc import Sequence

import torch

from workflow_scripts.ticketlab.training.stack import Member, Stack, size

log = logging.getLogger(__name__)


def density(masks: Stack) -> list[float]:
    """Share of prunable weights that each network keeps."""
    total = sum(tensor[0].numel() for tensor in masks.values())
    kept = torch.stack([tensor.flatten(1).sum(1, dtype=torch.float64) for tensor in masks.values()]).sum(0)
    return (kept / total).tolist()


def emptied(masks: Stack) -> list[list[str]]:
    """The parts of each network of which its mask keeps no weight.

    A part is the largest module whose prunable tensors are all emptied (a layer), or else a tensor, by its name.
    """
    kept = {name: tensor.flatten(1).any(1).tolist() for name, tensor in masks.items()}
    return [_parts([name for name in kept if not kept[name][index]], list(kept)) for index in range(size(masks))]


def _parts(empty: list[str], names: list[str]) -> list[str]:
    found: dict[str, None] = {}
    for name in empty:
        pieces = name.split(".")
        for part in (".".join(pieces[: count + 1]) for count in range(len(pieces))):
            if all(other in empty for other in names if f"{other}.".startswith(f"{part}.")):
                found[part] = None
                break
    return list(found)


def report_emptied(masks: Stack, members: Sequence[Member]) -> None:
    """A line in the log for each part that is emptied in any of the networks."""
    by_part: dict[str, list[Member]] = {}
    for member, parts in zip(members, emptied(masks), strict=True):
        for part in parts:
            by_part.setdefault(part, []).append(member)
    for part, where in by_part.items():
        log.warning(
            "pruning left no weight in %s of %d of %d networks (first: %s); keep more, or prune layerwise",
            *(part, len(where), len(members), where[0]),
        )
