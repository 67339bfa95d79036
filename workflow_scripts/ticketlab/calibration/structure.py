"""The checks of structure distances and of the verdict on transience in cases with a known answer.

*Stay chains*: after any of V symbols, the same one follows with probability a, each other one with (1 − a)/(V − 1).
So the distance between two of them is that of two coins, in closed form and not symmetric:
KL(a ‖ b) = a log(a/b) + (1 − a) log((1 − a)/(1 − b)).

- A network set by hand to each chain is at distance 0 from that chain and at the known distance from the others. The
  same holds among the predictors, for two chains of two symbols whose answers depend on the state, and for n-gram
  predictors that were fitted to a stream from a chain. The floor of a predictor is its cross-entropy.
- Networks that move from the uniform chain through the chain a = .5 to a = .9 acquire and forget the former, and
  acquire the latter, by known fractions A and F.
- A network whose head outvotes what it had acquired retains all of it (R = 1), one that gave it up nothing (R = 0),
  and the straight path from the uniform chain to a = .9 runs through a = .5, so that coming near it is no detour.
- Under noise over seeds as in a real study, predictors that are acquired and kept have F = 0 and R = 1, and the verdict
  calls one of them lost in at most α of the studies. So it does where they are outvoted, where they are retained to the
  threshold itself, and where they are lost but came no nearer than the threshold beyond the straight path. The rate at
  which it finds a true loss is measured too.

Noise: log distances of seeds deviate from the mean course by a stationary first-order autoregression over the recorded
steps, independently by predictor.
"""

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict
from typing import NamedTuple

import numpy as np
import pandas as pd
import torch

from workflow_scripts.ticketlab.calibration import checks
from workflow_scripts.ticketlab.calibration.hand_built import outvoting_transformers, table_transformers
from workflow_scripts.ticketlab.core import statistics
from workflow_scripts.ticketlab.core.random_streams import generator
from workflow_scripts.ticketlab.core.recorded_steps import log_spaced_steps
from workflow_scripts.ticketlab.instruments import nearest_part, reference_distances, transience
from workflow_scripts.ticketlab.instruments.reference_distances import References
from workflow_scripts.ticketlab.settings.calibration.structure import StructureCalibrationSettings
from workflow_scripts.ticketlab.settings.judging import JudgingSettings
from workflow_scripts.ticketlab.settings.structure import StructureSettings
from workflow_scripts.ticketlab.tasks.language import ngrams
from workflow_scripts.ticketlab.tasks.problem import Problem, cross_entropy
from workflow_scripts.ticketlab.training.study import Study
from workflow_scripts.ticketlab.verdicts import kinds
from workflow_scripts.ticketlab.verdicts import transience as verdicts_transience
from workflow_scripts.ticketlab.verdicts.comparisons import STRUCTURE
from workflow_scripts.ticketlab.verdicts.rows import REFUTES

Settings = StructureCalibrationSettings  # of this instrument's section of the config

SYMBOLS, TIME, SEQUENCES = 8, 16, 8
CHAINS = {"uniform": 1 / SYMBOLS, "stay .5": 0.5, "stay .9": 0.9}
# A network's own chain at the recorded steps of the scripted course: towards .5, never exactly there, and past it.
SCRIPT = [1 / SYMBOLS, 0.2, 0.3, 0.42, 0.6, 0.75, 0.9]
STREAM = 100_000  # symbols to which the n-gram predictors are fitted
# The simulated course falls to this fraction of the first distance at this point of the recorded steps.
LOWEST, TURN = 0.2, 0.6
PREDICTORS = 3  # as in study `text`; Holm's adjustment runs over them
SOME = "some"  # structure of a study, in addition to its predictors by name
JUDGING = JudgingSettings(margin=1.0)  # the default thresholds; the margin has no effect here


def calibrate(settings: StructureCalibrationSettings) -> pd.DataFrame:
    """Rows of table `calibration` for the instrument "structure"."""
    return checks.table(
        [
            *between_chains(settings),
            *two_symbols(settings),
            *fitted(settings),
            *scripted(settings),
            *left_in_the_network(settings),
            *false_positives(settings),
            *power(settings),
        ]
    )


def divergence_of_coins(a: float, b: float) -> float:
    """KL(a ‖ b) in nats of two coins with 0 < b < 1 (Cover & Thomas 2006, example 2.3.1)."""
    return a * math.log(a / b) + (1 - a) * math.log((1 - a) / (1 - b))


def stay_chain(stay: float, symbols: int = SYMBOLS) -> np.ndarray:
    """Log-probabilities of the next symbol (last axis) after each symbol, (symbols, symbols) float64."""
    return np.log(np.where(np.eye(symbols, dtype=bool), stay, (1 - stay) / (symbols - 1)))


def _of(family: str, case: str, quantity: str, **more: float | bool) -> dict:
    return {"instrument": "structure", "family": family, "case": case, "quantity": quantity, **more}


def _problem(inputs: np.ndarray, targets: np.ndarray, symbols: int) -> Problem:
    def never(random: np.random.Generator, size: int) -> tuple[np.ndarray, np.ndarray]:
        raise AssertionError("nothing is trained here")

    evaluation = {"validation": (inputs, targets)}
    return Problem(symbols, symbols, inputs.shape[1], never, evaluation, {"loss": cross_entropy}, {})


def _references(inputs: np.ndarray, targets: np.ndarray, chains: dict[str, np.ndarray]) -> References:
    problem = _problem(inputs, targets, len(next(iter(chains.values()))))
    predictors: dict[str, Callable[[np.ndarray], np.ndarray]] = {
        name: table.astype(np.float32).__getitem__ for name, table in chains.items()
    }
    return reference_distances.references(problem, predictors, StructureSettings(), torch.device("cpu"))


def _inputs() -> np.ndarray:
    return generator("calibration", "structure inputs", 0).integers(SYMBOLS, size=(SEQUENCES, TIME))


def _distances(tables: np.ndarray, references: References) -> dict[str, np.ndarray]:
    """The distances of networks set to these log-probabilities (N, symbols, symbols)."""
    inputs = references.inputs.numpy()
    model, weights = table_transformers(torch.from_numpy(tables), inputs.shape[1])
    study = Study("calibration", _problem(inputs, inputs, tables.shape[1]), model)
    return reference_distances.distances(study, weights, references)


def between_chains(settings: StructureCalibrationSettings) -> Iterator[dict]:
    """The distances between networks and predictors that are stay chains, each from each."""
    inputs = _inputs()
    stays = np.arange(TIME) % 4 > 0  # in exactly 3 places of 4 the same symbol follows
    targets = np.where(stays, inputs, (inputs + 1) % SYMBOLS)
    references = _references(inputs, targets, {name: stay_chain(a) for name, a in CHAINS.items()})
    found = _distances(np.stack([stay_chain(a) for a in CHAINS.values()]), references)
    between = reference_distances.between(references)
    for p, a in CHAINS.items():
        for index, (q, b) in enumerate(CHAINS.items()):
            truth, case = divergence_of_coins(a, b), f"{q} from {p}"
            for family, estimate in (("network", found[p][index]), ("predictor", between[p][q])):
                yield checks.within_tolerance(
                    _of(f"stay chains, {family}", case, "distance"), truth, estimate, settings.distance_tolerance
                )
        floor = -0.75 * math.log(a) - 0.25 * math.log((1 - a) / (SYMBOLS - 1))
        of = _of("stay chains, predictor", p, "reference floor")
        yield checks.within_tolerance(of, floor, references.floors[p], settings.distance_tolerance)


def two_symbols(settings: StructureCalibrationSettings) -> Iterator[dict]:
    """Chains that stay with another probability in either state, on inputs that are in state 0 in 3 places of 4."""
    inputs = np.tile([[0, 0, 0, 1]], (4, 4))
    chances = {"one": (0.9, 0.2), "other": (0.6, 0.5)}
    chains = {name: np.log([[a, 1 - a], [1 - b, b]]) for name, (a, b) in chances.items()}
    found = _distances(np.stack(list(chains.values())), _references(inputs, inputs, chains))
    for p, (a0, a1) in chances.items():
        for index, (q, (b0, b1)) in enumerate(chances.items()):
            truth = 0.75 * divergence_of_coins(a0, b0) + 0.25 * divergence_of_coins(a1, b1)
            of = _of("two symbols, network", f"{q} from {p}", "distance")
            yield checks.within_tolerance(of, truth, found[p][index], settings.distance_tolerance)


def fitted(settings: StructureCalibrationSettings) -> Iterator[dict]:
    """The distance of the bigram from the unigram predictor: the information on the next symbol, KL(a ‖ 1/V)."""
    stay = CHAINS["stay .5"]
    random = generator("calibration", "structure stream", 0)
    moves = np.where(random.random(STREAM) < stay, 0, random.integers(1, SYMBOLS, size=STREAM))
    bigram = ngrams.fit(moves.cumsum() % SYMBOLS, SYMBOLS, 2)
    fitted = {"unigram": bigram.shorter(1), "bigram": bigram}
    each = np.arange(SYMBOLS)[:, None]
    chains = {name: model.log_probabilities(each)[:, 0] for name, model in fitted.items()}
    between = reference_distances.between(_references(_inputs(), _inputs(), chains))
    truths = {"unigram": CHAINS["uniform"], "bigram": stay}
    for p, a in truths.items():
        for q, b in truths.items():
            truth, tolerance = divergence_of_coins(a, b), settings.sample_tolerance
            if p == q:
                tolerance = settings.distance_tolerance
            of = _of("n-grams of a stay chain", f"{q} from {p}", "distance")
            yield checks.within_tolerance(of, truth, between[p][q], tolerance, n=STREAM)


def scripted(settings: StructureCalibrationSettings) -> Iterator[dict]:
    """Acquisition and forgetting of two chains by networks whose own chain moves (SCRIPT)."""
    chains = {name: CHAINS[name] for name in ("stay .5", "stay .9")}
    inputs = _inputs()
    references = _references(inputs, inputs, {name: stay_chain(a) for name, a in chains.items()})
    found = _distances(np.stack([stay_chain(b) for b in SCRIPT]), references)
    for name, a in chains.items():
        course = transience.acquisition_and_forgetting(range(len(SCRIPT)), np.tile(found[name], (settings.seeds, 1)))
        first, *_, last = true = [divergence_of_coins(a, b) for b in SCRIPT]
        for quantity, truth, values in (
            ("acquired", 1 - min(true) / first, course.acquired),
            ("forgotten", (last - min(true)) / (first - min(true)), course.forgotten),
        ):
            of = _of("scripted", f"{SCRIPT[0]:.3g} to {SCRIPT[-1]:.3g} from {name}", quantity)
            yield checks.within_tolerance(of, truth, values.mean(), settings.fraction_tolerance, n=settings.seeds)


def left_in_the_network(settings: StructureCalibrationSettings) -> Iterator[dict]:
    """R of networks that acquired the chain a = .5 and then outvote it or give it up, and the straight path past it."""
    inputs = np.stack(
        [generator("calibration", "balanced inputs", i).permutation(2 * SYMBOLS) for i in range(SEQUENCES)]
    )
    references = _references(inputs % SYMBOLS, inputs % SYMBOLS, {"stay .5": stay_chain(CHAINS["stay .5"])})
    uniform, half, most = (stay_chain(a) for a in CHAINS.values())
    nothing = np.zeros_like(uniform)
    states = {
        "start": (uniform, nothing),
        "peak": (half, nothing),
        "outvoted": (half, most - half),
        "lost": (uniform, nothing),
    }
    first, added = (torch.from_numpy(np.stack(each)) for each in zip(*states.values(), strict=True))
    model, weights = outvoting_transformers(first, added, inputs.shape[1])
    study = Study("calibration", _problem(inputs, inputs, SYMBOLS), model)
    (part,) = nearest_part.nearest_parts(study, weights, references).values()
    start, peak, *ends = part.distance
    for case, end, truth in zip(("outvoted", "lost"), ends, (1.0, 0.0), strict=True):
        (share,) = transience.share_retained([0, 1, 2], np.array([[start, peak, end]]), np.array([1]))
        yield checks.within_tolerance(_of("scripted", case, "retained"), truth, share, settings.fraction_tolerance)
    model, weights = table_transformers(torch.from_numpy(np.stack([uniform, most])), inputs.shape[1])
    first_end, last_end = ({name: tensor[[index]] for name, tensor in weights.items()} for index in (0, 1))
    study = Study("calibration", _problem(inputs, inputs, SYMBOLS), model)
    (least,) = nearest_part.nearest_on_path(study, first_end, last_end, references, None).values()
    of = _of("scripted", "straight path from uniform to stay .9", "distance")
    yield checks.within_tolerance(of, 0.0, least[0], settings.path_tolerance)


def true_course(forgotten: float, steps: list[int]) -> np.ndarray:
    """A distance over training, 1 at first: falls evenly in log(step) to LOWEST, then rises by `forgotten` of that."""
    clock = np.log1p(steps) / np.log1p(steps[-1])
    turn = clock[np.abs(clock - TURN).argmin()]
    return np.interp(clock, [0, turn, 1], [1, LOWEST, LOWEST + forgotten * (1 - LOWEST)])


def noisy(course: np.ndarray, settings: StructureCalibrationSettings, random: np.random.Generator) -> np.ndarray:
    """A course (steps,) with the noise of each seed: (seeds, steps)."""
    deviation = random.normal(size=(settings.seeds, len(course)))
    for step in range(1, len(course)):
        fresh = math.sqrt(1 - settings.persistence**2) * deviation[:, step]
        deviation[:, step] = settings.persistence * deviation[:, step - 1] + fresh
    return course * np.exp(settings.noise * deviation - settings.noise**2 / 2)


class Truth(NamedTuple):
    """Of one simulated predictor: what predictions leave again, what a part retains, and A beyond the straight path."""

    forgotten: float = 0.0
    retained: float = 1.0
    beyond: float = 0.5


def _simulate(predictors: Sequence[Truth], case: str, settings: StructureCalibrationSettings) -> pd.DataFrame:
    """The decisions, by predictor and on SOME, of studies with these predictors, a row a study."""
    steps = log_spaced_steps(settings.steps, settings.checkpoints)
    decided = []
    for simulation in range(settings.simulations):
        random = generator("calibration", f"structure {case}", simulation)
        compared: list[dict] = []
        for index, truth in enumerate(predictors):
            distances = noisy(true_course(truth.forgotten, steps), settings, random)
            part = noisy(true_course(1 - truth.retained, steps), settings, random)
            on_path = (LOWEST + truth.beyond) * distances[:, 0]
            compared += compare(_name(index), steps, distances, part, on_path)
        verdicts = verdicts_transience.transience(pd.DataFrame(compared), JUDGING)
        of_loss = [row for row in verdicts if row["kind"] != kinds.DETOUR]
        decided.append({row["structure"] or SOME: row["decision"] for row in of_loss})
    return pd.DataFrame(decided)


def _name(index: int) -> str:
    return f"number {index}"


def compare(
    name: str, steps: list[int], distances: np.ndarray, part: np.ndarray, on_path: np.ndarray
) -> Iterator[dict]:
    """The decisive rows of `comparisons.structure`, without the mean at each step, which takes most of its time.

    distances of networks and of their parts (seeds, steps); on_path: the least of each on its straight path (seeds,).
    """
    course = transience.acquisition_and_forgetting(steps, distances)
    kept = transience.share_retained(steps, part, course.turning_step)
    beyond = np.round(course.acquired - (1 - on_path / distances[:, 0]), 12)
    for contrast, values, test, bound in (
        ("acquired", course.acquired, statistics.exceeds, JUDGING.acquired),
        ("beyond path", beyond, statistics.exceeds, JUDGING.detour),
        ("forgotten", course.forgotten, statistics.exceeds, JUDGING.forgotten),
        ("retained", kept, statistics.not_worse, JUDGING.retained),
    ):
        known = values[~np.isnan(values)]
        if len(known):
            step = int(course.turning_step.min())
            result = asdict(test(known, bound, JUDGING.alpha))
            yield {"test": STRUCTURE, "contrast": contrast, "quantity": name, "step": step, **result}


def false_positives(settings: StructureCalibrationSettings) -> Iterator[dict]:
    """Predictors that are not lost: kept, outvoted, retained to the threshold; and lost ones that were only passed."""
    steps = log_spaced_steps(settings.steps, settings.checkpoints)
    studies = []
    for simulation in range(settings.simulations):
        seeds = noisy(true_course(0.0, steps), settings, generator("calibration", "structure kept", simulation))
        studies.append(transience.acquisition_and_forgetting(steps, seeds).forgotten.mean())
    mean = statistics.mean_interval(studies, 1 - checks.CONFIDENCE)
    row = checks.within_tolerance(
        _of("noisy", "acquired and kept", "forgotten"), 0.0, mean.estimate, settings.bias_tolerance, mean.n
    )
    yield row | {"ci_low": mean.ci_low, "ci_high": mean.ci_high}
    for case, truth in (
        ("acquired and kept", Truth()),
        ("outvoted", Truth(forgotten=0.8)),
        ("retained to the threshold", Truth(forgotten=0.8, retained=JUDGING.retained)),
        ("lost, no nearer than the path", Truth(forgotten=0.8, retained=0.0, beyond=JUDGING.detour)),
    ):
        decided = _simulate((truth,) * PREDICTORS, case, settings)[SOME]
        share, interval = checks.rate(int(decided.eq(REFUTES).sum()), len(decided))
        of = _of("verdict", case, "rate of lost", x=truth.retained)
        yield checks.at_most(of, JUDGING.alpha, share, interval, len(decided))


def power(settings: StructureCalibrationSettings) -> Iterator[dict]:
    """One predictor that is lost among others that are kept."""
    for effect in settings.effects:
        case = f"retained to {effect:g}"
        predictors = [Truth(0.8, effect), *[Truth()] * (PREDICTORS - 1)]
        decided = _simulate(predictors, case, settings)[_name(0)]
        share, interval = checks.rate(int(decided.eq(REFUTES).sum()), len(decided))
        of = _of("verdict", case, "rate of lost", x=effect, required=False)
        yield checks.at_least(of, settings.power, share, interval, len(decided))
