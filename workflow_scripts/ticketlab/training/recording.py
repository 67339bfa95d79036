"""The last state of networks that are evaluated during training, and their rows of tables `metrics` and `examples`."""

from collections.abc import Callable, Iterable, Sequence

import pandas as pd
import torch

from workflow_scripts.ticketlab.training.evaluation import evaluate, example_rows, metric_rows, per_example
from workflow_scripts.ticketlab.training.stack import Member, Stack
from workflow_scripts.ticketlab.training.study import Study
from workflow_scripts.ticketlab.training.train import State


def record(
    study: Study,
    members: Sequence[Member],
    states: Iterable[State],
    masks: Stack | None = None,
    last: int | None = None,
    effective: Callable[[Stack], Stack] = lambda trained: trained,
    keep: Callable[[State], None] = lambda state: None,
) -> tuple[State, pd.DataFrame]:
    """Run through `states` (of train), evaluate each and pass it to `keep`.

    masks: of the N networks; None if they are dense. last: the one step at which the training set is evaluated too;
    None evaluates it at every state. effective: as of train.
    """
    parts = []
    for state in states:
        keep(state)
        sets = [name for name in study.problem.evaluation if name != "train" or last in (None, state.step)]
        with torch.no_grad():
            values = evaluate(study, effective(state.weights), sets)
        parts.append(metric_rows(study.name, members, state.step, masks, values))
    return state, pd.concat(parts)


def at_end(
    study: Study, members: Sequence[Member], step: int, weights: Stack, masks: Stack | None = None
) -> pd.DataFrame:
    """Rows of table `metrics` of networks at one step, on every evaluation set; dense unless `masks` are given."""
    return metric_rows(study.name, members, step, masks, evaluate(study, weights))


def examples(study: Study, members: Sequence[Member], end: State) -> pd.DataFrame:
    """Rows of table `examples` of networks at their end: each metric on each test example."""
    return example_rows(study.name, members, end.step, per_example(study, end.weights))
