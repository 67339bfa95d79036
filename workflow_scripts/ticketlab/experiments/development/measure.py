"""Tables of tickets that are evaluated throughout training, from θ₀ to the end."""

from collections.abc import Callable, Iterable, Sequence

import pandas as pd

from workflow_scripts.ticketlab.experiments.development.masks import END, Masked
from workflow_scripts.ticketlab.instruments import reference_distances
from workflow_scripts.ticketlab.instruments.reference_distances import References
from workflow_scripts.ticketlab.pruning import masks as pruning
from workflow_scripts.ticketlab.settings.training import TrainingSettings
from workflow_scripts.ticketlab.tasks.problem import Components
from workflow_scripts.ticketlab.training.checkpoints import join
from workflow_scripts.ticketlab.training.recording import at_end
from workflow_scripts.ticketlab.training.stack import Member, concatenate
from workflow_scripts.ticketlab.training.study import Study
from workflow_scripts.ticketlab.training.train import State, train


def measure(
    study: Study,
    tickets: Sequence[Masked],
    start: State,
    steps: Iterable[int],
    training: TrainingSettings,
    references: References,
    components: Components | None,
    keep: Callable[[list[Member], State], None],
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Tables `structure`, at `steps`, and `metrics`, at the end, of the tickets trained from `start` under their masks.

    keep: called at each of the steps with the tickets whose masks are of the end of dense training, and their state.
    """
    members, first = join([(ticket.members, start) for ticket in tickets])
    mask = concatenate([ticket.mask for ticket in tickets])
    of_end = [index for index, member in enumerate(members) if member.variant.startswith(END)]
    rows = []
    for state in train(study, members, first, training, steps, masks=mask):
        rows.append(reference_distances.rows(study, members, state.step, state.weights, references, components))
        keep([members[index] for index in of_end], state.take(of_end))
    return pd.concat(rows), at_end(study, members, state.step, state.weights, pruning.density(mask))
