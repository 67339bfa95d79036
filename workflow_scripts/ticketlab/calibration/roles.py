"""The checks of role scores and their agreement on networks whose roles are known.

- *Set by hand*: in a transformer with one previous-token head and one induction head, each has its own score and no
  other head has it; heads that attend evenly have the scores of even attention; ablation raises the loss where a built
  head is needed, and has no effect at an idle one.
- *Trained*: small transformers after a brief training on repetition, each with an exact copy, and with a copy whose
  heads were permuted within layers together with their weights, which computes the same function. Exact replicates
  agree as the network does with itself on the two probes, and at 1 where both have the same probe; permuted indices,
  permuted copies and other initialisations agree at 0; Hungarian matching finds the permuted copy exactly.
- *Simulated*: role vectors in which the initialisation fixes a known share; the interval of determinacy covers it at
  its nominal rate. Where no other part holds a role, T2 finds one no more often than α.

The intervals of the checks are at 99 %: a sound instrument fails such a check for one setting in a hundred. The draws
are fixed, so the same settings always give the same answer.
"""

from collections.abc import Iterator, Sequence
from itertools import product

import numpy as np
import pandas as pd
import torch
from torch import Tensor

from workflow_scripts.ticketlab.calibration import checks, hand_built
from workflow_scripts.ticketlab.core import statistics
from workflow_scripts.ticketlab.core.random_streams import data_seed, generator
from workflow_scripts.ticketlab.instruments import role_agreement, role_holders, role_scores
from workflow_scripts.ticketlab.instruments.determinacy import CONFIDENCE, determinacy
from workflow_scripts.ticketlab.instruments.role_scores import Probe
from workflow_scripts.ticketlab.models import transformer
from workflow_scripts.ticketlab.settings.calibration.roles import RolesCalibrationSettings
from workflow_scripts.ticketlab.settings.judging import JudgingSettings
from workflow_scripts.ticketlab.settings.roles import RolesSettings
from workflow_scripts.ticketlab.settings.training import TrainingSettings
from workflow_scripts.ticketlab.tasks.problem import Problem, cross_entropy
from workflow_scripts.ticketlab.training import stack
from workflow_scripts.ticketlab.training.stack import Stack
from workflow_scripts.ticketlab.training.study import Study
from workflow_scripts.ticketlab.training.train import initial_state, initial_weights, train
from workflow_scripts.ticketlab.verdicts import comparisons
from workflow_scripts.ticketlab.verdicts.roles import changing_roles
from workflow_scripts.ticketlab.verdicts.rows import REFUTES

Settings = RolesCalibrationSettings  # of this instrument's section of the config

STUDY = "calibration roles"
HAND_SET_SYMBOLS, HAND_SET_LENGTH = 32, 12  # r in [r, r] holds no symbol twice, so a copy has one source
SYMBOLS, LENGTH, LAYERS = 16, 8, 2
DRAWS = 20  # groups of permutations
CLEAR_NOISE = 0.1  # of probes on which replicates agree at 0.99, as trained heads do
SCORES = ["simulated 1", "simulated 2", "simulated 3"]
SCORING = RolesSettings(examples=64, random_sequences=32)


def calibrate(settings: RolesCalibrationSettings) -> pd.DataFrame:
    """Rows of table `calibration` for the instrument "roles"."""
    seen = role_rows(*trained_networks(settings), settings)
    return checks.table([*set_by_hand(settings), *trained(seen, settings), *simulated(settings)])


def _of(family: str, case: str, quantity: str, **more: float | bool) -> dict:
    return {"instrument": "roles", "family": family, "case": case, "quantity": quantity, **more}


def distinct_repeated(sequences: int) -> Tensor:
    """[r, r] with no symbol twice in r: (sequences, 2·HAND_SET_LENGTH)."""
    random = generator(STUDY, "distinct", 0)
    drawn = [np.tile(random.permutation(HAND_SET_SYMBOLS)[:HAND_SET_LENGTH], 2) for _ in range(sequences)]
    return torch.from_numpy(np.stack(drawn))


def set_by_hand(settings: RolesCalibrationSettings) -> Iterator[dict]:
    """Role scores of the transformer whose heads are known."""
    sequences = distinct_repeated(SCORING.random_sequences)
    targets = torch.roll(sequences, -1, dims=1)
    late = torch.zeros(targets.shape, dtype=torch.bool)
    late[:, HAND_SET_LENGTH:] = True
    probe = Probe(sequences, targets, {"first": ~late, "repeat": late}, [], sequences)
    model = hand_built.copying_transformer(HAND_SET_SYMBOLS, 2 * HAND_SET_LENGTH)
    weights = {name: tensor.detach()[None] for name, tensor in model.named_parameters()}
    study = Study(STUDY, repeating(), model)
    scores = {name: values[0] for name, values in role_scores.score(study, weights, probe, SCORING).items()}

    # Position 0 has no previous token and counts as its own successor, so two places share the first induction.
    own = {
        "previous_token": (hand_built.PREVIOUS_TOKEN, 1.0),
        "induction": (hand_built.INDUCTION, (HAND_SET_LENGTH - 0.5) / HAND_SET_LENGTH),
    }
    t = np.arange(1, 2 * HAND_SET_LENGTH)
    even = {name: (1 / (t + 1)).mean() for name in ("previous_token", "self")}
    even |= {name: (1 / (t[HAND_SET_LENGTH - 1 :] + 1)).mean() for name in ("induction", "duplicate_token")}
    even |= {"distance": (t / 2).mean(), "entropy": np.log(t + 1).mean()}
    for name, (head, truth) in own.items():
        others = [other for other in range(len(model.components)) if other != head]
        yield checks.at_least(_of("set by hand", f"{name} head", name), settings.found, scores[name][head])
        yield checks.within_tolerance(
            _of("set by hand", f"{name} head", name), truth, scores[name][head], settings.score_tolerance
        )
        yield checks.at_most(_of("set by hand", "other heads", name), settings.idle, scores[name][others].max())
    duplicate = scores["duplicate_token"].max()
    yield checks.at_most(_of("set by hand", "all heads", "duplicate_token"), settings.idle, duplicate)
    for head, (name, truth) in product(hand_built.IDLE, even.items()):
        of = _of("set by hand", f"idle head {head}", name)
        yield checks.within_tolerance(of, truth, scores[name][head], settings.score_tolerance)
    for name, (head, _) in own.items():
        of = _of("set by hand", f"{name} head", "ablation:repeat")
        yield checks.at_least(of, settings.needed, scores["ablation:repeat"][head])
    for head, where in product(hand_built.IDLE, ("first", "repeat")):
        of = _of("set by hand", f"idle head {head}", f"ablation:{where}")
        yield checks.within_tolerance(of, 0.0, scores[f"ablation:{where}"][head], settings.score_tolerance)


def repeating() -> Problem:
    """Sequences [r, r], r random of SYMBOLS symbols: 2·LENGTH inputs and the symbol after each."""

    def sample(random: np.random.Generator, size: int) -> tuple[np.ndarray, np.ndarray]:
        tokens = np.tile(random.integers(SYMBOLS, size=(size, LENGTH)), 3)[:, : 2 * LENGTH + 1]
        return tokens[:, :-1], tokens[:, 1:]

    held_out = sample(generator(STUDY, "held out", 0), role_scores.PROBES * SCORING.examples)
    return Problem(
        inputs=SYMBOLS,
        outputs=SYMBOLS,
        context=2 * LENGTH,
        sample=sample,
        evaluation={SCORING.split: held_out},
        metrics={"loss": cross_entropy},
        extras={},
        repetition=True,
    )


def trained_networks(settings: RolesCalibrationSettings) -> tuple[Study, Stack]:
    """Networks of different initialisations after brief training, each on its own data."""
    problem = repeating()
    shape = {"kind": "transformer", "layers": LAYERS, "width": 4 * settings.heads, "heads": settings.heads}
    model = transformer.build(shape, problem.inputs, problem.outputs, problem.context)
    seeds = range(settings.seeds)
    recipe = TrainingSettings(learning_rate=0.01, batch_size=16, steps=settings.training_steps)
    study = Study(STUDY, problem, model)
    start = initial_state(initial_weights(study, seeds), recipe)
    (state,) = train(study, stack.dense_members(list(seeds)), start, recipe, [settings.training_steps])
    return study, state.weights


def permute_heads(weights: Stack, heads: int, orders: Sequence[Sequence[np.ndarray]]) -> Stack:
    """Networks that compute the same function with heads in another order; orders: by network, by layer, (heads,)."""
    permuted = {name: tensor.clone() for name, tensor in weights.items()}
    for network, layers in enumerate(orders):
        for layer, order in enumerate(layers):
            for name in ("query.weight", "key.weight", "value.weight", "output.weight", "distance_bias"):
                tensor = permuted[f"blocks.{layer}.attention.{name}"][network]
                by_head = tensor.T if name == "output.weight" else tensor  # a head reads rows and writes columns
                by_head[:] = by_head.reshape(heads, -1, by_head.shape[-1])[order].reshape(by_head.shape)
    return permuted


def role_rows(study: Study, weights: Stack, settings: RolesCalibrationSettings) -> pd.DataFrame:
    """Rows of table `roles` on both probes: networks, their exact copies, and copies with permuted heads as order 1."""
    random = generator(STUDY, "head orders", 0)
    orders = [[random.permutation(settings.heads) for _ in range(LAYERS)] for _ in range(settings.seeds)]
    everything = stack.concatenate([weights, weights, permute_heads(weights, settings.heads, orders)])
    dense = stack.dense_members(list(range(settings.seeds)))
    copies = stack.as_variant(dense, variant="spawned")
    shuffled = [stack.Member(m.init_seed, data_seed(m.init_seed, 1), "spawned") for m in dense]
    slices = {"first": np.arange(study.problem.context) < LENGTH}
    slices["repeat"] = ~slices["first"]
    inputs, _ = study.problem.evaluation[SCORING.split]
    slices = {name: np.broadcast_to(places, inputs.shape) for name, places in slices.items()}
    members = [*dense, *copies, *shuffled]
    networks = [(members, settings.training_steps, everything)]
    return role_scores.on_probes(study, slices, SCORING, networks).reset_index(drop=True)


def trained(seen: pd.DataFrame, settings: RolesCalibrationSettings) -> Iterator[dict]:
    """Agreement between trained networks and their copies; seen: `role_rows`."""
    one_probe = seen[seen["probe"] == 0]
    noiseless = role_agreement.compare(pd.concat([one_probe, one_probe.assign(probe=1)]), 1)
    table = role_agreement.compare(seen, 1)
    count, exact = settings.seeds, settings.agreement_tolerance

    ceiling = _agreements(table, "measurement", "identity").mean()
    yield checks.at_least(_of("trained", "itself", "agreement"), settings.ceiling, ceiling, n=count)
    replicates = _agreements(table, "replicate", "identity").mean()
    yield checks.within_tolerance(_of("trained", "exact replicate", "agreement"), ceiling, replicates, exact, count)
    # For exact answers the worst network counts, not the mean.
    for case, pair, matching in (
        ("exact replicate, one probe", "replicate", "identity"),
        ("permuted copy, one probe", "same_init", "hungarian"),
    ):
        worst = _agreements(noiseless, pair, matching).min()
        of = _of("trained", case, f"agreement, {matching}")
        yield checks.within_tolerance(of, 1.0, worst, exact, count)
    copies = _agreements(table, "same_init", "identity")
    for case, matching, values in (
        ("permuted indices", "permuted", _permuted(seen, settings)),
        ("permuted copy", "identity", copies),
    ):
        mean = statistics.mean_interval(values, 1 - checks.CONFIDENCE)
        of = _of("trained", case, f"agreement, {matching}")
        yield checks.within_interval(of, 0.0, mean.estimate, (mean.ci_low, mean.ci_high), mean.n)
    other = _determinacy(table, "other_init")
    of = _of("trained", "other initialisations", "determinacy")
    halves = [statistics.quantile((1 + level) / 2, count - 1) for level in (checks.CONFIDENCE, CONFIDENCE)]
    wider = halves[0] / halves[1]
    low, high = (other["estimate"] + wider * (other[end] - other["estimate"]) for end in ("ci_low", "ci_high"))
    yield checks.within_interval(of, 0.0, other["estimate"], (low, high), count)


def _permuted(seen: pd.DataFrame, settings: RolesCalibrationSettings) -> list[float]:
    """Agreement of networks with themselves at permuted indices, by independent draws of the permutations.

    All pairs of a study share one draw, so the mean's error is the spread between draws, not between networks.
    """
    dense = seen[seen["variant"] == "dense"]
    tables = (
        role_agreement.compare(dense.assign(study=f"{STUDY}, draw {draw}"), settings.permutations // DRAWS)
        for draw in range(DRAWS)
    )
    return [float(_agreements(table, "measurement", "permuted").mean()) for table in tables]


def _agreements(table: pd.DataFrame, pair: str, matching: str) -> pd.Series:
    """The agreements over all scores of the pairs of one kind."""
    return table[table["pair"].eq(pair) & table["matching"].eq(matching) & table["score"].eq("all")]["agreement"]


def _determinacy(table: pd.DataFrame, pair: str) -> pd.Series:
    found = determinacy(table[table["score"] == "all"], pair, permutations=1)
    return found.iloc[0]


def simulated_roles(share: float, simulation: int, settings: RolesCalibrationSettings) -> pd.DataFrame:
    """Rows of table `roles`: networks with one more data order and an exact replicate, with noise, on two probes.

    A role is √share of the initialisation's own and √(1 − share) of the data order's, each a standard normal.
    """
    random = generator(STUDY, f"simulated {share:g}", simulation)
    components = LAYERS * settings.heads
    shape = (settings.seeds, 1, components, len(SCORES))
    of_data = random.normal(size=(settings.seeds, 2, *shape[2:]))
    true = np.sqrt(share) * random.normal(size=shape) + np.sqrt(1 - share) * of_data
    true = true[:, [0, 0, 1]]  # dense, its replicate, the other data order
    seen = true[:, :, None] + settings.noise * random.normal(size=(settings.seeds, 3, role_scores.PROBES, *shape[2:]))
    init, network, probe, component, score = (axis.ravel() for axis in np.indices(seen.shape))
    order = np.array([0, 0, 1])[network]
    return pd.DataFrame(
        {
            "study": STUDY,
            "init_seed": init,
            "data_seed": [data_seed(int(i), int(j)) for i, j in zip(init, order, strict=True)],
            "variant": np.array(["dense", "spawned", "spawned"])[network],
            "rewind_step": 0,
            "level": 0,
            "step": 1,
            "probe": probe,
            "layer": component // settings.heads,
            "kind": "head",
            "component": component % settings.heads,
            "score": np.array(SCORES)[score],
            "value": seen.ravel(),
        }
    )


def changing(settings: RolesCalibrationSettings) -> Iterator[dict]:
    """The rate at which T2 finds that another part holds a role, where none does and where all do."""
    judging, settings = JudgingSettings(margin=1.0), settings.model_copy(update={"noise": CLEAR_NOISE})
    names = dict(zip(SCORES, ("previous_token", "duplicate_token", "induction"), strict=True))
    for share, case in ((1.0, "the same holders"), (0.0, "holders by chance")):
        refuted = 0
        for simulation in range(settings.simulations):
            frame = simulated_roles(share, simulation, settings)
            found = role_holders.holders(frame.assign(score=frame["score"].map(names)))
            rows = pd.DataFrame(comparisons.changed_roles(found, judging))
            refuted += len(rows) > 0 and next(changing_roles(rows, judging))["decision"] == REFUTES
        rate, interval = checks.rate(refuted, settings.simulations)
        if share:
            of = _of("simulated", case, "refuted")
            yield checks.at_most(of, judging.alpha, rate, interval, settings.simulations)
        else:
            of = _of("simulated", case, "refuted", required=False)
            yield checks.at_least(of, judging.power, rate, interval, settings.simulations)


def simulated(settings: RolesCalibrationSettings) -> Iterator[dict]:
    """Coverage of the interval of determinacy, and the agreement of networks with themselves: the reliability."""
    itself = []
    for share in settings.determinacies:
        tables = [
            role_agreement.compare(simulated_roles(share, simulation, settings), 1)
            for simulation in range(settings.simulations)
        ]
        itself += [_agreements(table, "measurement", "identity").mean() for table in tables]
        found = pd.DataFrame(_determinacy(table, "same_init") for table in tables)
        covered = found["ci_low"].le(share) & found["ci_high"].ge(share)
        covering, interval = checks.rate(int(covered.sum()), len(found))
        case = f"determinacy {share:g}"
        of = _of("simulated", case, "coverage", x=share)
        yield checks.within_interval(of, CONFIDENCE, covering, interval, len(found))
        mean = statistics.mean_interval(found["estimate"], 1 - checks.CONFIDENCE)
        of = _of("simulated", case, "determinacy", x=share, required=False)
        yield checks.within_interval(of, share, mean.estimate, (mean.ci_low, mean.ci_high), len(found))
    yield from changing(settings)
    reliability = 1 / (1 + settings.noise**2)
    of = _of("simulated", "itself", "agreement, identity")
    yield checks.within_tolerance(of, reliability, np.mean(itself), settings.reliability_tolerance, len(itself))
