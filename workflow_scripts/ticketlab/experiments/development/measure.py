"""Tables of tickets that are evaluated throughout training, from θ₀ to the end."""

from collections.abc import Callable, Iterable, Sequence

import pandas as pd

from workflow_scripts.ticketlab.experiments.development.masks import END, Masked
from workflow_scripts.ticketlab.settings.training import TrainingSettings
from workflow_scripts.ticketlab.training.join import join
from workflow_scripts.ticketlab.training.recording import at_end
from workflow_scripts.ticketlab.training.stack import Member, Stack, concatenate
from workflow_scripts.ticketlab.training.study import Study
from workflow_scripts.ticketlab.training.train import State, train


def measure(
    study: Study,
    tickets: Sequence[Masked],
    start: State,
    steps: Iterable[int],
    training: TrainingSettings,
    look: Callable[[list[Member], int, Stack], pd.DataFrame],
    keep: Callable[[list[Member], State], None],
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Tables `structure`, at `steps`, and `metrics`, at the end, of the tickets trained from `start` under their masks.

    look: from members, step and weights to rows of `structure`. keep: called at each of the steps with the
    tickets whose masks are of the end of dense training, and their state.
    """
    members, first = join([(ticket.members, start) for ticket in tickets])
    mask = concatenate([ticket.mask for ticket in tickets])
    of_end = [index for index, member in enumerate(members) if member.variant.startswith(END)]
    rows = []
    for state in train(study, members, first, training, steps, masks=mask):
        rows.append(look(members, state.step, state.weights))
        keep([members[index] for index in of_end], state.take(of_end))
    return pd.concat(rows), at_end(study, members, state.step, state.weights, mask)
