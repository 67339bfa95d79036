"""The training batches of every step, each a function of (study, data seed, step) only.

A finite training set is gone through in epochs: the examples of epoch e come in an order that is drawn for (study, data
seed, e), and step t takes `batch_size` examples from position t·batch_size of the orders one after another. A batch may
end one epoch and begin the next. So another data order is the same examples in another order, as far as whole epochs
go: networks that train for less than one see different parts of the set. Networks that split at step t continue at
the same position of their own orders; in the epoch of the split they may see an example twice, or not at all.

A "reordered" network gets the very batches of its data seed's run, each once, at other steps: only their order differs.
"""

from collections.abc import Sequence
from functools import lru_cache

import numpy as np
import torch
from torch import Tensor

from workflow_scripts.ticketlab.core.random_streams import REORDERED, generator
from workflow_scripts.ticketlab.settings.training import TrainingSettings
from workflow_scripts.ticketlab.training.stack import Member
from workflow_scripts.ticketlab.training.study import Study

ORDERS_KEPT = 64  # the last orders drawn: one per data seed of a stack, so that each is drawn once an epoch


def batches(
    study: Study, members: Sequence[Member], steps: Sequence[int], settings: TrainingSettings
) -> tuple[Tensor, Tensor]:
    """The batches of `steps` on the study's device: inputs and targets, (steps, N, batch, …)."""
    drawn = [
        [
            batch(study, member.data_seed, _place(study.name, member, step, settings.steps), settings)
            for member in members
        ]
        for step in steps
    ]
    inputs = np.stack([np.stack([x for x, _ in row]) for row in drawn])
    targets = np.stack([np.stack([y for _, y in row]) for row in drawn])
    return torch.from_numpy(inputs).to(study.device), torch.from_numpy(targets).to(study.device)


def batch(study: Study, data_seed: int, step: int, settings: TrainingSettings) -> tuple[np.ndarray, np.ndarray]:
    """One network's batch at one step: inputs and targets, (batch, …)."""
    epochs = study.problem.epochs
    if epochs is None or settings.sampling == "replacement":
        return study.problem.sample(generator(study.name, "batch", data_seed, step), settings.batch_size)
    position, stop = step * settings.batch_size, (step + 1) * settings.batch_size
    parts = []
    while position < stop:
        epoch, start = divmod(position, epochs.size)
        chosen = _order(study.name, data_seed, epoch, epochs.size)[start : start + stop - position]
        parts.append(epochs.take(epoch, chosen))
        position += len(chosen)
    inputs, targets = zip(*parts, strict=True)
    return np.concatenate(inputs), np.concatenate(targets)


def _place(study: str, member: Member, step: int, steps: int) -> int:
    """The step of the dense run, of `steps` steps, whose batch the member gets at `step`."""
    return int(_steps_reordered(study, member.data_seed, steps)[step]) if member.variant == REORDERED else step


@lru_cache(maxsize=ORDERS_KEPT)
def _steps_reordered(study: str, data_seed: int, steps: int) -> np.ndarray:
    return generator(study, "reordered batches", data_seed, 0).permutation(steps)


@lru_cache(maxsize=ORDERS_KEPT)
def _order(study: str, data_seed: int, epoch: int, size: int) -> np.ndarray:
    """The examples of an epoch in the order of a data seed: (size,) int32."""
    return generator(study, "epoch", data_seed, epoch).permutation(np.arange(size, dtype=np.int32))
