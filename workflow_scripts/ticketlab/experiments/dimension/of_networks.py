"""The smallest sizes at which a study's networks train as well as dense, within its margin, for one size of its model.

Sizes count free weights: D of a random subspace, of a random trainable set (the others frozen at θ₀), and the weights
that a ticket of iterative magnitude pruning keeps (the others zero). 2λ̂, by the study's own settings, accompanies them.
λ̂ follows the loss, which is lower in wider networks, so it is also estimated where each network's training loss first
falls to a value that all sizes reach. Small subspaces need longer steps than those of the study's recipe. So all
networks here, dense ones too, have `rate` times its learning rate. The rate falls to 0 along a cosine; otherwise large
subspaces would end with the noise of large steps.
"""

from collections.abc import Iterator, Sequence

import numpy as np
import pandas as pd
import torch

from workflow_scripts.ticketlab.core.recorded_steps import log_spaced_steps
from workflow_scripts.ticketlab.experiments.dimension import subspaces
from workflow_scripts.ticketlab.experiments.dimension.threshold import NOT_REACHED, crossing
from workflow_scripts.ticketlab.instruments import llc
from workflow_scripts.ticketlab.pruning import masks as pruning
from workflow_scripts.ticketlab.pruning.imp import iterate
from workflow_scripts.ticketlab.settings.dimension import CellSettings
from workflow_scripts.ticketlab.settings.llc import LLCSettings
from workflow_scripts.ticketlab.settings.training import TrainingSettings
from workflow_scripts.ticketlab.tables.schemas.dimension import (
    DENSE,
    ESTIMATED,
    FROZEN,
    LOSS,
    MATCHED,
    OF_TICKET,
    RANDOM,
    WEIGHTS,
    ZEROED,
)
from workflow_scripts.ticketlab.training.evaluation import evaluate
from workflow_scripts.ticketlab.training.stack import Stack, as_variant, dense_members, take
from workflow_scripts.ticketlab.training.study import Study
from workflow_scripts.ticketlab.training.train import State, initial_state, initial_weights, train

LOOKS = 64  # steps of a dense run at which its training loss is compared with the matched one


def measure(
    study: Study, cell: str, settings: CellSettings, training: TrainingSettings, sampling: LLCSettings, judging: dict
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Tables `subspaces` and `sizes` of one cell. judging: `metric` and `margin`, of the test split."""
    rate = settings.rate * training.learning_rate
    training = training.model_copy(update={"learning_rate": rate, "schedule": "cosine"})
    members = dense_members(range(settings.seeds))
    start = initial_weights(study, range(settings.seeds))
    count = int(llc.free_parameters(start, None)[0])
    everything = initial_state(start, training)
    course = train(study, members, everything, training, log_spaced_steps(training.steps, LOOKS))
    end, reached, early = until_loss(study, course, settings.matched_loss)
    dense = _metric(study, end, judging["metric"])
    loss = evaluate(study, end, ["train"])["train", "loss"]
    bound = float(dense.mean()) + judging["margin"]
    curves = {}
    dimensions = [*(size for size in settings.dimensions if size < count), count]
    for kind in (RANDOM, FROZEN):
        trained = train_in(study, kind, start, dimensions, training)
        values = _metric(study, trained, judging["metric"]).reshape(len(dimensions), -1)
        curves[kind] = (np.array(dimensions), values)
    rounds = [
        (found.mask, found.end.weights)
        for found in iterate(study, members, everything, end, settings.rounds, settings.schedule, training)
    ]
    fixed = count - sum(pruning.sizes(pruning.prunable(study.model.prunable, start)).values())
    kept = [round(float(sum(mask[0].sum() for mask in masks.values()))) + fixed for masks, _ in rounds]
    of_rounds = [_metric(study, weights, judging["metric"]) for _, weights in rounds]
    curves[ZEROED] = (np.array([*reversed(kept), count]), np.stack([*reversed(of_rounds), dense]))

    tried = [_tried(DENSE, np.array([count]), dense[None], judging["metric"], bound)]
    sizes = [
        _sizes(WEIGHTS, [(float(count), "")] * settings.seeds),
        _sizes(LOSS, [(float(value), "") for value in loss]),  # not a size, but λ̂ follows it
    ]
    for kind, (numbers, values) in curves.items():
        tried.append(_tried(kind, numbers, values, judging["metric"], bound))
        sizes.append(_sizes(kind, [crossing(numbers, column, bound) for column in values.T]))
    traces = llc.measure(study, members, end, training.steps, sampling)
    sizes.append(_twice(ESTIMATED, llc.estimate(traces, sampling), range(settings.seeds)))
    sizes.append(_at_matched_loss(study, reached, early, settings.seeds, training.steps, sampling))
    chosen = _sparsest(of_rounds, bound)
    if chosen:
        seeds = sorted(chosen)
        tickets = as_variant([members[seed] for seed in seeds], variant="ticket")
        masks, weights = (
            {name: torch.stack([rounds[chosen[seed]][part][name][seed] for seed in seeds]) for name in rounds[0][part]}
            for part in (0, 1)
        )
        traces = llc.measure(study, tickets, weights, training.steps, sampling, masks)
        sizes.append(_twice(OF_TICKET, llc.estimate(traces, sampling), seeds))
    here = {"study": study.name, "cell": cell}
    return pd.concat(tried).assign(**here), pd.concat(sizes).assign(**here)


def train_in(study: Study, kind: str, start: Stack, dimensions: Sequence[int], training: TrainingSettings) -> Stack:
    """Train every network in its nested subspaces of these dimensions; the weights, dimension by dimension."""
    members = dense_members(range(len(next(iter(start.values())))))
    family = subspaces.nested(kind, study.name, members, start, dimensions)
    origin = {name: torch.zeros_like(mask) for name, mask in family.free.items()}
    trained = train(
        study,
        members * len(dimensions),
        initial_state(origin, training),
        training,
        [training.steps],
        masks=family.free,
        effective=family.weights,
    )
    *_, end = trained
    with torch.no_grad():
        return family.weights(end.weights)


def until_loss(study: Study, course: Iterator[State], loss: float) -> tuple[Stack, list[int], Stack]:
    """The weights at the end; the networks whose training loss reached `loss`; the weights of these when it did."""
    early: Stack = {}
    reached: set[int] = set()
    for state in course:
        losses = evaluate(study, state.weights, ["train"])["train", "loss"]
        early = early or state.weights
        for index in set(range(len(losses))) - reached:
            for name, tensor in state.weights.items():
                early[name][index] = tensor[index]
        reached |= set(np.flatnonzero(losses <= loss).tolist())
    return state.weights, sorted(reached), take(early, sorted(reached))


def _at_matched_loss(
    study: Study, reached: list[int], weights: Stack, seeds: int, step: int, sampling: LLCSettings
) -> pd.DataFrame:
    """2λ̂ of the networks `reached`, before the end of training; NaN for the others."""
    found = pd.DataFrame({"llc": np.nan, "flag": NOT_REACHED}, index=range(seeds))
    if reached:
        traces = llc.measure(study, dense_members(reached), weights, step, sampling)
        found.loc[reached] = llc.estimate(traces, sampling)[["llc", "flag"]].to_numpy()
    return _twice(MATCHED, found, range(seeds))


def _metric(study: Study, weights: Stack, metric: str) -> np.ndarray:
    return evaluate(study, weights, ["test"])["test", metric]


def _sparsest(rounds: Sequence[np.ndarray], bound: float) -> dict[int, int]:
    """The last round, by seed, whose ticket is within the bound, where there is one."""
    within = np.stack(rounds) <= bound
    return {seed: int(np.flatnonzero(column)[-1]) for seed, column in enumerate(within.T) if column.any()}


def _tried(kind: str, sizes: np.ndarray, values: np.ndarray, metric: str, bound: float) -> pd.DataFrame:
    seeds = values.shape[1]
    return pd.DataFrame(
        {
            "kind": kind,
            "size": np.repeat(sizes, seeds),
            "init_seed": np.tile(np.arange(seeds), len(sizes)),
            "metric": metric,
            "value": values.ravel(),
            "bound": bound,
        }
    )


def _sizes(quantity: str, found: Sequence[tuple[float, str]]) -> pd.DataFrame:
    sizes, flags = zip(*found, strict=True)
    return pd.DataFrame({"quantity": quantity, "init_seed": range(len(found)), "size": sizes, "flag": flags})


def _twice(quantity: str, estimates: pd.DataFrame, seeds: Sequence[int]) -> pd.DataFrame:
    values = {"init_seed": list(seeds), "size": 2 * estimates["llc"], "flag": estimates["flag"]}
    return pd.DataFrame({"quantity": quantity, **values})
