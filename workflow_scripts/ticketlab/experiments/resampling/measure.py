"""The agreement of networks that keep a part of θ₀ with their siblings after training."""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from workflow_scripts.ticketlab.experiments.mask_agreement import mask_agreement
from workflow_scripts.ticketlab.experiments.resampling import parts
from workflow_scripts.ticketlab.instruments import role_scores
from workflow_scripts.ticketlab.pruning import masks as pruning
from workflow_scripts.ticketlab.settings.roles import RolesSettings
from workflow_scripts.ticketlab.settings.schedule import ScheduleSettings
from workflow_scripts.ticketlab.settings.training import TrainingSettings
from workflow_scripts.ticketlab.training.recording import at_end
from workflow_scripts.ticketlab.training.stack import Member, Stack, as_variant, concatenate, take
from workflow_scripts.ticketlab.training.study import Study
from workflow_scripts.ticketlab.training.train import initial_state, initial_weights, train

Networks = tuple[Sequence[Member], Stack]


def measure(
    study: Study,
    dense: Sequence[Member],
    initial: Stack,
    trained: Stack,
    siblings: Networks,
    ticket: Stack,
    keep: Sequence[str],
    roles: pd.DataFrame,
    slices: dict[str, np.ndarray],
    training: TrainingSettings,
    scoring: RolesSettings,
    schedule: ScheduleSettings,
    level: int,
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Tables `agreement` and `metrics` of the networks that keep the parts `keep`.

    initial, trained: weights of the dense networks at both ends. siblings: with their final weights. ticket: IMP's
    masks. roles: rows of `roles` of dense networks and siblings. Masks keep as many of the largest final weights as
    round `level` of the schedule does.
    """
    fresh = initial_weights(study, [member.init_seed for member in dense], "resample")
    starts: list[Stack] = []
    members: list[Member] = []
    for name in keep:
        kept = parts.part(name, ticket, pruning.prunable(study.model.prunable, initial), study.name, dense)
        starts.append(parts.exchange(initial, fresh, kept))
        members += as_variant(dense, variant=parts.variant(name))
    start = concatenate(starts)
    *_, end = train(study, members, initial_state(start, training), training, [training.steps])
    scored = role_scores.on_probes(study, slices, scoring, [(members, training.steps, end.weights)])

    others, of_others = siblings
    everyone = [*members, *dense, *others]
    ends = pruning.prunable(study.model.prunable, concatenate([end.weights, trained, of_others]))
    place = {member.init_seed: index for index, member in enumerate(dense)}
    theirs = take(initial, [place[member.init_seed] for member in others])
    begun = pruning.prunable(study.model.prunable, concatenate([start, initial, theirs]))
    masks = pruning.largest(ends, pruning.schedule(schedule, pruning.sizes(ends), level))
    agreement = [
        parts.role_agreement(pd.concat([roles, scored])),
        mask_agreement(study.name, everyone, masks, begun, parts.pairs_of),
    ]
    return pd.concat(agreement), at_end(study, members, training.steps, end.weights)
