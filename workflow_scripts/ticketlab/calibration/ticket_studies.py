"""Small studies of tickets in a calibration: the `metrics` of dense networks, tickets and controls."""

from collections.abc import Sequence
from dataclasses import dataclass

import pandas as pd

from workflow_scripts.ticketlab.core.random_streams import generator
from workflow_scripts.ticketlab.models.mlp import MLP
from workflow_scripts.ticketlab.pruning import controls, imp
from workflow_scripts.ticketlab.pruning import masks as pruning
from workflow_scripts.ticketlab.pruning.controls import Sources, Ticket
from workflow_scripts.ticketlab.pruning.imp import Round
from workflow_scripts.ticketlab.settings.schedule import ScheduleSettings
from workflow_scripts.ticketlab.settings.training import TrainingSettings
from workflow_scripts.ticketlab.tasks import images
from workflow_scripts.ticketlab.training.join import join
from workflow_scripts.ticketlab.training.recording import record
from workflow_scripts.ticketlab.training.stack import Member, as_variant, concatenate, dense_members
from workflow_scripts.ticketlab.training.study import Study
from workflow_scripts.ticketlab.training.train import State, initial_state, initial_weights, train


@dataclass(frozen=True)
class Bench:
    """A study in which pruning is calibrated, and how its networks are trained and pruned."""

    study: Study
    training: TrainingSettings
    schedule: ScheduleSettings
    rounds: int


def on_images(study: str, task: images.Settings, hidden: list[int], permuted: bool = False) -> Study:
    """A multilayer perceptron on images; `permuted`: labels are permuted within each split, so nothing generalises."""
    frame, facts = images.prepare(task, study)
    if permuted:
        random = generator(study, "permuted labels", 0)
        frame["target"] = frame.groupby("split")["target"].transform(lambda labels: random.permutation(labels))
    problem = images.load(frame, facts, task)
    return Study(study, problem, MLP(problem.inputs, hidden, problem.outputs))


def tickets(
    bench: Bench, seeds: Sequence[int], steps: Sequence[int], levels: Sequence[int], names: Sequence[str]
) -> tuple[list[Round], pd.DataFrame]:
    """Every round, the dense networks as round 0, and the `metrics` at the recorded `steps`, which hold the last one.

    levels: the rounds at which the controls `names` are trained.
    """
    last = bench.training.steps
    members = dense_members(list(seeds))
    start, fresh = (
        initial_state(initial_weights(bench.study, seeds, purpose), bench.training) for purpose in ("init", "reinit")
    )
    mask = pruning.ones(pruning.prunable(bench.study.model.prunable, start.weights))
    end, rows = record(bench.study, members, train(bench.study, members, start, bench.training, steps), mask, last)
    rounds, parts = [Round(0, mask, end)], [rows]
    for level in range(1, bench.rounds + 1):
        keys, how = as_variant(members, variant="ticket", level=level), (level, bench.schedule, bench.training, steps)
        mask, states = imp.imp_round(bench.study, keys, start, end.weights, mask, *how)
        end, rows = record(bench.study, keys, states, mask, last)
        rounds.append(Round(level, mask, end))
        parts.append(rows)
    controlled = []
    for found in (rounds[level] for level in levels):
        known = sources(bench, members, found, start, rounds[0].end, fresh)
        for name in names:
            control = controls.CONTROLS[name](Ticket(found.mask, start, last), known)
            controlled.append((as_variant(known.members, variant=name), control))
    keys, begin = join([(variants, control.start) for variants, control in controlled])
    mask = concatenate([control.mask for _, control in controlled])
    states = train(bench.study, keys, begin, bench.training, steps, masks=mask)
    return rounds, pd.concat([*parts, record(bench.study, keys, states, mask, last)[1]])


def sources(
    bench: Bench, members: Sequence[Member], found: Round, start: State, dense_end: State, fresh: State
) -> Sources:
    """What the controls of the round `found` are made of; fresh: other initialisations before their first step."""
    return Sources(
        study=bench.study.name,
        members=as_variant(members, variant="ticket", level=found.level),
        counts=pruning.schedule(bench.schedule, pruning.sizes(found.mask), found.level),
        dense_weights=lambda step: pruning.prunable(bench.study.model.prunable, (dense_end if step else start).weights),
        dense_start=start,
        fresh_start=lambda: fresh,
        last_step=bench.training.steps,
        search_steps=(found.level + 1) * bench.training.steps,
    )
