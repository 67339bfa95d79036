"""The checks of pruning on planted supports, on a network that is already a ticket, and on a study without any ticket.

Planted teachers (calibration/planted_teachers.py), with support S.

- linear: the student's problem is convex and the Gram matrix of x is the identity, so that training ends at
  ŵ = teacher + error. As soon as every |error| is below half the smallest weight on S, the largest |ŵ| are exactly S:
  magnitude pruning provably recovers the whole support, from any initialisation, and anything less is a fault.
- relu: a network's hidden units are exchangeable, so a teacher's support has a meaning by index only for a student
  whose units correspond to the teacher's. The student's initial weights on S have the teacher's signs; their sizes, and
  all other weights, are those of a fresh initialisation. So |θ₀| carries no information on S (a mask by initial
  magnitude is at chance exactly), and only training can find it. A ReLU network's function determines its weights up to
  the order and scale of units, and so S; that training gets there is not proven, so only part of S is required.
- ticket: the relu teacher itself with small noise on the weights outside S. It is a ticket; pruning, untrained or after
  training, must keep exactly S.

Chance is that of a mask which keeps as many weights of each layer at random: the number shared with S is a sum of
hypergeometric variables, whose mean and variance are known. Controls must lie in the exact interval around it.

Digits. The functions and decision rules that judge the studies must find winning tickets where they are known to be
(Frankle & Carbin 2019). With labels permuted within each split nothing generalises: every network is at chance on the
test split, tickets *match* dense networks because both know nothing, and no sparse ticket may be *winning*, since none
is better than its controls.

Procedures. Each procedure by which a study looks for tickets is tried on digits too. One that wins there from θ₀
licenses a negative answer to this claim where it finds nothing; one that does not licenses none, and breaks nothing.

The classic result itself, on MNIST, is in calibration/classic.py.
"""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import count, pairwise
from typing import Any

import numpy as np
import pandas as pd
import torch
from scipy import stats

from workflow_scripts.ticketlab.calibration import checks
from workflow_scripts.ticketlab.calibration.classic import classic
from workflow_scripts.ticketlab.calibration.planted_teachers import (
    Teacher,
    aligned,
    by_chance,
    plant,
    regression,
    shared,
)
from workflow_scripts.ticketlab.calibration.ticket_studies import Bench, on_images, sources, tickets
from workflow_scripts.ticketlab.core import statistics
from workflow_scripts.ticketlab.models.mlp import MLP
from workflow_scripts.ticketlab.pruning import controls, imp
from workflow_scripts.ticketlab.pruning import masks as pruning
from workflow_scripts.ticketlab.pruning.controls import Sources, Ticket
from workflow_scripts.ticketlab.pruning.imp import Round
from workflow_scripts.ticketlab.settings.calibration.pruning import (
    DigitsSettings,
    PlantedSettings,
    PruningCalibrationSettings,
    PruningCalibrationSpec,
)
from workflow_scripts.ticketlab.settings.procedure import Procedure
from workflow_scripts.ticketlab.settings.schedule import ScheduleSettings
from workflow_scripts.ticketlab.settings.training import TrainingSettings
from workflow_scripts.ticketlab.tasks import images
from workflow_scripts.ticketlab.training.stack import Member, Stack, dense_members
from workflow_scripts.ticketlab.training.study import Study
from workflow_scripts.ticketlab.training.train import State, initial_state, initial_weights, train
from workflow_scripts.ticketlab.verdicts import comparisons, kinds
from workflow_scripts.ticketlab.verdicts.tickets import PROCEDURES, WINNING, ticket_cells, winning_cells

Settings = PruningCalibrationSpec  # of this instrument's section of the config

ALPHA = 0.05  # 1 − coverage of the intervals over seeds
SLACK = 1e-9  # of float64 sums, where a tolerance is 0


def calibrate(settings: Settings) -> pd.DataFrame:
    """The `calibration` table of the pruning procedure."""
    rows = [
        *planted("linear", settings.linear, settings),
        *planted("relu", settings.relu, settings),
        *ticket_with_noise(settings),
        *digits(settings),
        *(procedure(how, settings.digits, range(settings.seeds)) for how in settings.procedures),
        *(classic(settings.classic) if settings.classic else ()),
    ]
    return checks.table(rows)


def iterate(bench: Bench, members: Sequence[Member], start: State) -> list[Round]:
    """The dense networks as round 0, under a mask of ones, and all rounds of IMP that rewinds to `start`."""
    mask = pruning.ones(pruning.prunable(bench.study.model.prunable, start.weights))
    dense = Round(0, mask, _last(bench, members, start, mask))
    trained, how = dense.end.weights, (bench.rounds, bench.schedule, bench.training)
    return [dense, *imp.iterate(bench.study, members, start, trained, *how)]


def _last(bench: Bench, members: Sequence[Member], start: State, mask: Stack) -> State:
    *_, state = train(bench.study, members, start, bench.training, [bench.training.steps], masks=mask)
    return state


# Planted teachers.


def _bench(study: str, settings: PlantedSettings) -> tuple[Bench, Teacher]:
    model = MLP(settings.inputs, [settings.hidden] if settings.hidden else [], settings.outputs)
    teacher = plant(study, settings, model)
    keep = (teacher.planted / _total(teacher.support)) ** (1 / settings.planted_round)
    schedule = ScheduleSettings(keep=keep)
    problem = regression(teacher, settings)
    return Bench(Study(study, problem, model), settings.training, schedule, settings.rounds), teacher


def planted(family: str, settings: PlantedSettings, common: PruningCalibrationSettings) -> Iterator[dict]:
    """Recall and precision of each round's mask and of its controls' masks, and the numbers of weights."""
    bench, teacher = _bench(f"calibration {family}", settings)
    members = dense_members(range(common.seeds))
    weights, other = (initial_weights(bench.study, range(common.seeds), name) for name in ("init", "reinit"))
    start = initial_state(aligned(weights, teacher) if settings.hidden else weights, settings.training)
    rounds = iterate(bench, members, start)
    yield from _exact_counts(family, "imp", bench, rounds)
    for found in rounds[1:]:
        expected = scheduled(bench.schedule, pruning.sizes(found.mask), found.level)
        at: dict[str, Any] = {
            "family": family,
            "x": expected / _total(found.mask),
            "required": found.level == settings.planted_round,
        }
        yield from _recovered("imp", found.mask, teacher, expected, settings.margin, **at)
        known = sources(bench, members, found, start, rounds[0].end, initial_state(other, settings.training))
        ticket = Ticket(found.mask, start, settings.training.steps)
        for name, control in _controls(bench, other).items():
            yield from _at_chance(name, control(ticket, known).mask, teacher, common.confidence, **at)


def _controls(bench: Bench, other: Stack) -> dict[str, controls.Controlled]:
    """Controls whose masks are independent of the support."""

    def other_initial_magnitude(ticket: Ticket, sources: Sources) -> Ticket:
        """By the initial magnitude of an independent initialisation."""
        unrelated = pruning.prunable(bench.study.model.prunable, other)
        return controls.initial_magnitude(ticket, replace(sources, dense_weights=lambda step: unrelated))

    return {
        "random": controls.random,
        "shuffled": controls.shuffled,
        "initial_magnitude": controls.initial_magnitude,
        "other_initial_magnitude": other_initial_magnitude,
    }


def _exact_counts(family: str, case: str, bench: Bench, rounds: Sequence[Round]) -> Iterator[dict]:
    """For each round, the nonzero weights of the trained networks compared with the schedule; none may come back."""
    total = _total(rounds[0].mask)
    for before, found in pairwise(rounds):
        trained = pruning.prunable(bench.study.model.prunable, found.end.weights)
        alive = {name: (tensor != 0).float() for name, tensor in trained.items()}
        expected = scheduled(bench.schedule, pruning.sizes(alive), found.level)
        at: dict[str, Any] = {"family": family, "case": case, "x": expected / total, "tolerance": 0.0}
        yield _row(**at, quantity="weights kept", truth=expected, values=_kept(alive))
        gone = {name: 1 - tensor for name, tensor in before.mask.items()}
        yield _row(**at, quantity="weights revived", truth=0, values=shared(alive, gone))


def scheduled(settings: ScheduleSettings, sizes: dict[str, int], level: int) -> int:
    """The total number of weights that stay, written a second time, so that pruning.schedule is checked as well."""
    if settings.scope == "global":
        return round(sum(sizes.values()) * settings.keep**level)
    return sum(round(size * settings.keep_by_tensor.get(name, settings.keep) ** level) for name, size in sizes.items())


def _total(mask: Stack) -> int:
    return sum(pruning.sizes(mask).values())


def _recovered(case: str, mask: Stack, teacher: Teacher, expected: int, margin: float, **at: Any) -> Iterator[dict]:
    """Recall and precision; the interval must lie above chance by `margin` of the way to the best possible value.

    expected: the number of weights that the mask should keep, which decides the best possible value.
    """
    both, (chance, _) = shared(mask, teacher.support), by_chance(mask, teacher.support)
    best = min(expected, teacher.planted)
    for quantity, among, of in (
        ("recall", np.full_like(both, teacher.planted), teacher.planted),
        ("precision", _kept(mask), expected),
    ):
        tolerance = float((1 - margin) * (best / of - np.mean(chance / among)))
        yield _row(case=case, quantity=quantity, truth=best / of, values=both / among, tolerance=tolerance, **at)


def _kept(mask: Stack) -> np.ndarray:
    """The number of weights that each network keeps, (N,)."""
    return shared(mask, pruning.ones(mask))


def _at_chance(case: str, mask: Stack, teacher: Teacher, confidence: float, **at: Any) -> Iterator[dict]:
    """Recall and precision with the exact interval of chance around the measured values."""
    both, (chance, variance) = shared(mask, teacher.support), by_chance(mask, teacher.support)
    for quantity, among in (("recall", np.full_like(both, teacher.planted)), ("precision", _kept(mask))):
        half = stats.norm.ppf((1 + confidence) / 2) * np.sqrt((variance / among**2).sum()) / len(both)
        values, truth = both / among, float(np.mean(chance / among))
        interval = (values.mean() - half, values.mean() + half)
        yield _row(case=case, quantity=quantity, truth=truth, values=values, interval=interval, **at)


def ticket_with_noise(common: PruningCalibrationSettings) -> Iterator[dict]:
    """The relu teacher's own ticket with small weights elsewhere, before and after training."""
    settings = common.relu
    bench, teacher = _bench("calibration ticket", settings)
    members = dense_members(range(common.seeds))
    weights = initial_weights(bench.study, range(common.seeds))
    smallest = min(float(tensor[tensor != 0].abs().min()) for tensor in teacher.weights.values())
    for name, tensor in teacher.weights.items():
        noise = weights[name] / weights[name].abs().max() * common.ticket_noise * smallest
        weights[name] = torch.where(teacher.support[name] > 0, tensor, noise)
    start = initial_state(weights, settings.training)
    candidates = pruning.prunable(bench.study.model.prunable, weights)
    untrained = pruning.keep_top(pruning.magnitude(candidates), teacher.planted)
    rounds = iterate(replace(bench, rounds=settings.planted_round), members, start)
    for case, mask in (("untrained", untrained), ("trained", rounds[-1].mask)):
        at: dict[str, Any] = {"family": "ticket", "case": case, "x": teacher.planted / _total(mask), "tolerance": 0.0}
        both = shared(mask, teacher.support)
        yield _row(**at, quantity="weights lost", truth=0, values=teacher.planted - both)
        yield _row(**at, quantity="weights kept beside", truth=0, values=_kept(mask) - both)


# Digits, with labels and with permuted labels.


def digits(settings: PruningCalibrationSettings) -> Iterator[dict]:
    """Sparse winning tickets by the verdicts' own rules, with labels and with permuted labels."""
    yield from _verdicts("labels", "calibration digits", settings, permuted=False)
    for index in range(settings.digits.nulls):
        yield from _verdicts(f"permuted labels {index}", f"calibration null {index}", settings, permuted=True)


def _verdicts(case: str, study: str, common: PruningCalibrationSettings, permuted: bool) -> Iterator[dict]:
    settings = common.digits
    bench, rounds, metrics = digits_study(study, settings, range(common.seeds), permuted)
    last = settings.training.steps
    if permuted:
        error = metrics.query("variant == 'dense' and split == 'test' and metric == 'error'")["value"].to_numpy()
        yield _row(
            family="digits", case=case, quantity="dense error", truth=0.9, values=error, tolerance=settings.chance
        )
    else:
        yield from _exact_counts("digits", case, bench, rounds)
    for number, judging in enumerate(settings.judging):
        rows = pd.DataFrame(comparisons.tickets(metrics, judging, last))
        cells = ticket_cells(rows, judging, last)
        sparse = cells[cells["density"] <= judging.sparse]
        winning = int(sparse["decision"].eq(WINNING).sum())
        # Without a ticket none may win; with labels one must.
        expected, tolerance = (0, 0) if permuted else (len(sparse), len(sparse) - 1)
        yield _row(
            family="digits",
            case=case,
            quantity=f"sparse winning tickets by {judging.metric}",
            truth=expected,
            values=np.array([winning]),
            tolerance=tolerance,
            n=common.seeds,
            required=permuted or number == 0,
        )


def digits_study(
    study: str, settings: DigitsSettings, seeds: Sequence[int], permuted: bool
) -> tuple[Bench, list[Round], pd.DataFrame]:
    """The `metrics` of dense networks, tickets of every round and their decisive controls, all at their last step."""
    bench = _on_digits(study, settings, settings.training, settings.schedule, settings.rounds, permuted)
    levels = range(1, settings.rounds + 1)
    return bench, *tickets(bench, seeds, [settings.training.steps], levels, comparisons.DECISIVE_CONTROLS)


def _on_digits(
    study: str,
    settings: DigitsSettings,
    training: TrainingSettings,
    schedule: ScheduleSettings,
    rounds: int,
    permuted: bool = False,
) -> Bench:
    return Bench(
        on_images(study, images.Settings(kind="images"), settings.hidden, permuted), training, schedule, rounds
    )


# The procedures of the studies.


def procedure(how: Procedure, settings: DigitsSettings, seeds: Sequence[int]) -> dict:
    """Whether `how` finds sparse winning tickets on digits: a row of `calibration`, whose case is its name.

    Two rounds are tried, the first that leave at most the share `sparse`. What passes licenses negative answers.
    """
    judging = next(judging for judging in settings.judging if judging.metric == how.metric)
    first = next(level for level in count(1) if how.keep**level <= judging.sparse)
    training = settings.training.model_copy(update={"schedule": how.schedule})
    schedule = ScheduleSettings(scope=how.scope, keep=how.keep)
    bench = _on_digits(f"calibration procedure {how}", settings, training, schedule, first + 1)
    levels, last = (first, first + 1), training.steps
    _, metrics = tickets(bench, seeds, [last], levels, comparisons.DECISIVE_CONTROLS)
    cells = ticket_cells(pd.DataFrame(comparisons.tickets(metrics, judging, last)), judging, last)
    winning = len(winning_cells(cells, judging, kinds.WINNING_TICKET))
    of = {"instrument": "pruning", "family": PROCEDURES, "case": str(how), "quantity": "sparse winning tickets"}
    return checks.at_least(of | {"required": False}, 1, winning, n=len(seeds))


def _row(
    *,
    family: str,
    case: str,
    quantity: str,
    truth: float,
    values: np.ndarray,
    x: float = float("nan"),
    tolerance: float = float("nan"),
    interval: tuple[float, float] | None = None,
    n: int | None = None,
    required: bool = True,
) -> dict:
    """A check of a mean over seeds.

    With a tolerance, the whole interval over seeds must lie within it of the truth; with an `interval` of its own, that
    must hold the truth.
    """
    estimate = float(np.mean(values))
    if interval is None:
        result = statistics.mean_interval(values, ALPHA)
        exact = np.isnan(result.ci_low)  # one value, or the same in every seed, as exact counts are
        low, high = (estimate, estimate) if exact else (result.ci_low, result.ci_high)
        passed = max(abs(low - truth), abs(high - truth)) <= tolerance + SLACK
    else:
        low, high = interval
        passed = low <= truth <= high
    of = {"instrument": "pruning", "family": family, "case": case, "quantity": quantity, "x": x, "required": required}
    return checks.row(of, truth, estimate, (low, high), tolerance, len(values) if n is None else n, passed)
