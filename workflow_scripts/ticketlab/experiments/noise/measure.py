"""The agreement of networks with their siblings on other data orders after training at one batch size."""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from workflow_scripts.ticketlab.experiments.mask_agreement import mask_agreement
from workflow_scripts.ticketlab.instruments import role_agreement, role_scores
from workflow_scripts.ticketlab.pruning import masks as pruning
from workflow_scripts.ticketlab.settings.roles import RolesSettings
from workflow_scripts.ticketlab.settings.schedule import ScheduleSettings
from workflow_scripts.ticketlab.settings.training import TrainingSettings
from workflow_scripts.ticketlab.training.recording import at_end
from workflow_scripts.ticketlab.training.stack import Member, Stack, concatenate, spawned_members
from workflow_scripts.ticketlab.training.study import Study
from workflow_scripts.ticketlab.training.train import initial_state, train


def measure(
    study: Study,
    dense: Sequence[Member],
    initial: Stack,
    orders: int,
    slices: dict[str, np.ndarray],
    training: TrainingSettings,
    scoring: RolesSettings,
    schedule: ScheduleSettings,
    level: int,
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Tables `agreement` and `metrics` of the dense networks and their siblings.

    initial: θ₀ of the dense networks. orders: other data orders of each. slices: of the task, for role scores. Masks
    keep as many of the largest final weights as round `level` of the schedule keeps.
    """
    start = initial_state(initial, training)
    children = spawned_members(dense, 0, orders)
    place = {parent.init_seed: index for index, parent in enumerate(dense)}
    ends = []
    for members, first in ((dense, start), (children, start.take([place[child.init_seed] for child in children]))):
        *_, end = train(study, members, first, training, [training.steps])
        ends.append(end.weights)
    everyone, weights = [*dense, *children], concatenate(ends)
    scores = role_scores.on_probes(study, slices, scoring, [(everyone, training.steps, weights)])
    prunable = pruning.prunable(study.model.prunable, weights)
    masks = pruning.largest(prunable, pruning.schedule(schedule, pruning.sizes(prunable), level))
    begun = start.take([place[member.init_seed] for member in everyone]).weights
    agreement = [
        role_agreement.compare(scores, scoring.permutations),
        mask_agreement(study.name, everyone, masks, begun),
    ]
    return pd.concat(agreement), at_end(study, everyone, training.steps, weights)
