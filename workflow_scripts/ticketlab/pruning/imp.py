"""Iterative magnitude pruning (Frankle & Carbin 2019), with rewinding (Frankle et al. 2020).

A round prunes the smallest weights of the network that the previous round trained, resets the others to their values at
the rewind step, and trains them. Each network of a stack is pruned by its own weights.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from workflow_scripts.ticketlab.pruning import masks
from workflow_scripts.ticketlab.settings.schedule import ScheduleSettings
from workflow_scripts.ticketlab.settings.training import TrainingSettings
from workflow_scripts.ticketlab.training.stack import Member, Stack, as_variant
from workflow_scripts.ticketlab.training.study import Study
from workflow_scripts.ticketlab.training.train import State, train


@dataclass(frozen=True)
class Round:
    """A round's networks: the mask, and the state after training under it."""

    level: int
    mask: Stack
    end: State


def imp_round(
    study: Study,
    members: Sequence[Member],
    rewound: State,
    trained: Stack,
    mask: Stack | None,
    level: int,
    schedule: ScheduleSettings,
    training: TrainingSettings,
    record: Iterable[int],
) -> tuple[Stack, Iterator[State]]:
    """Round `level`: the new mask, and the states of the tickets at the steps of `record` while they train.

    trained, mask: weights and mask of the round before; of the dense networks, None. rewound: where training restarts.
    """
    weights = masks.prunable(study.model.prunable, trained)
    counts = masks.schedule(schedule, masks.sizes(weights), level)
    mask = masks.keep_top(masks.magnitude(weights, mask), counts)
    return mask, train(study, members, rewound, training, record, masks=mask)


def search(
    study: Study,
    members: Sequence[Member],
    start: State,
    rounds: int,
    schedule: ScheduleSettings,
    training: TrainingSettings,
) -> dict[int, Stack]:
    """The masks of rounds 1 … `rounds` by level, for dense networks that are trained from `start` on the members' data.

    The last mask is not trained.
    """
    mask = None
    found: dict[int, Stack] = {}
    states = train(study, members, start, training, [training.steps])
    for level in range(1, rounds + 1):
        *_, end = states
        mask, states = imp_round(study, members, start, end.weights, mask, level, schedule, training, [training.steps])
        found[level] = mask
    return found


def iterate(
    study: Study,
    members: Sequence[Member],
    rewound: State,
    trained: Stack,
    rounds: int,
    schedule: ScheduleSettings,
    training: TrainingSettings,
) -> Iterator[Round]:
    """Every round from the dense networks, whose weights at the end of their training are `trained`."""
    mask = None
    for level in range(1, rounds + 1):
        tickets = as_variant(members, variant="ticket", level=level)
        last = [training.steps]
        mask, states = imp_round(study, tickets, rewound, trained, mask, level, schedule, training, last)
        *_, end = states
        trained = end.weights
        yield Round(level, mask, end)
