"""What trains at other learning rates: the dense networks, the tickets and their decisive controls.

Masks, and the states that training restarts from, are those of the recipe's own rate: only what is trained under a mask
is trained again. So each variant can be judged at its own best rate, while the search for the mask is the recipe's.
"""

from collections.abc import Callable, Iterable, Sequence

from workflow_scripts.ticketlab.pruning import controls
from workflow_scripts.ticketlab.pruning import masks as pruning
from workflow_scripts.ticketlab.pruning.controls import Ticket
from workflow_scripts.ticketlab.settings.schedule import ScheduleSettings
from workflow_scripts.ticketlab.settings.training import TrainingSettings
from workflow_scripts.ticketlab.training.stack import Member, Stack
from workflow_scripts.ticketlab.training.study import Study
from workflow_scripts.ticketlab.training.train import State


def at_factor(training: TrainingSettings, factor: float) -> TrainingSettings:
    """The recipe with `factor` times its learning rate."""
    return training.model_copy(update={"learning_rate": factor * training.learning_rate})


def trained_again(
    decisive: Sequence[str],
    study: Study,
    masks: Iterable[tuple[list[Member], Stack]],
    dense_state: Callable[[int], tuple[list[Member], State]],
    dense_weights: Callable[[int], Stack],
    schedule: ScheduleSettings,
    training: TrainingSettings,
) -> list[tuple[list[Member], Ticket]]:
    """The dense networks, the tickets of `masks` and the controls `decisive` of these, as controls.tickets gives them.

    training: the recipe, at its own rate.
    """
    given = list(masks)
    dense, start = dense_state(0)
    whole = pruning.ones(pruning.prunable(study.model.prunable, start.weights))
    found = [(dense, Ticket(whole, start, training.steps))]
    for members, mask in given:
        found.append((members, Ticket(mask, dense_state(members[0].rewind_step)[1], training.steps)))
    for control in decisive:
        found += controls.tickets(control, study, given, dense_state, dense_weights, [], schedule, training)
    return found
