"""Rows of table `calibration` for λ̂ of a trained transformer at a true minimum, away from one, and moved by symmetries.

The network is its own teacher: the targets are drawn from its own predictions, so its weights are a minimum of the
expected loss, and λ̂ there is at least half the rank of the Hessian. Turned heads, permuted units and flipped signs
leave both the loss and the distance to w* as they are, so they must leave λ̂ as it is. A pair of maps that is scaled
by c and 1/c computes the same, but localisation sees another distance: that invariance holds only as γ/nβ vanishes.
"""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import torch
from scipy import stats

from workflow_scripts.ticketlab.calibration import checks, devinterp_llc
from workflow_scripts.ticketlab.calibration.devinterp_llc import LanguageModel
from workflow_scripts.ticketlab.core.random_streams import generator
from workflow_scripts.ticketlab.instruments import llc, llc_controls
from workflow_scripts.ticketlab.settings.calibration.llc import LLCCalibrationSettings
from workflow_scripts.ticketlab.settings.llc import LLCSettings
from workflow_scripts.ticketlab.settings.training import TrainingSettings
from workflow_scripts.ticketlab.tasks.problem import Epochs
from workflow_scripts.ticketlab.training import stack
from workflow_scripts.ticketlab.training.stack import Stack
from workflow_scripts.ticketlab.training.study import Study
from workflow_scripts.ticketlab.training.train import initial_state, initial_weights, train

ATTENTION, PERCEPTRON = "blocks.0.attention", "blocks.0.mlp"
SCALE = 2.0  # of one map of a pair; the other is divided by it
Move = Callable[[Stack, int], Stack]


def network_rows(language: LanguageModel, settings: LLCCalibrationSettings) -> list[dict]:
    """All checks on a trained language model, the one of `parity`."""
    chosen = sampling(settings)
    taught = own_teacher(language, settings, 0)
    found = {
        name: _estimates(taught, move(language.weights, settings.parity.heads), chosen, settings)
        for name, move in MOVES.items()
    }
    return [
        *invariance_rows(found, settings),
        *minimum_rows(language, found["none"], settings),
        *start_rows(language.study, settings),
    ]


def sampling(settings: LLCCalibrationSettings) -> LLCSettings:
    """The scale of the studies."""
    minima = settings.minima
    return LLCSettings(chains=minima.chains, draws=minima.draws, burn_in=minima.burn_in, members_together=minima.calls)


def own_teacher(language: LanguageModel, settings: LLCCalibrationSettings, draw: int) -> Study:
    """The study whose training set has targets drawn from the network's own predictions."""
    parity, count = settings.parity, settings.minima.sequences
    name = f"own teacher {draw}"
    problem, sequences = devinterp_llc.bigram_task(name, parity.symbols, parity.context, count)
    inputs = sequences[:, :-1]
    with torch.no_grad():
        logits = stack.forward(language.study.model)(language.weights, torch.from_numpy(inputs)[None])[0][0]
    # Gumbel's trick: the largest of logits plus such noise is a draw from their softmax.
    noise = generator(name, "targets", settings.seed).gumbel(size=logits.shape)
    targets = (logits.numpy() + noise).argmax(-1)
    epochs = Epochs(count, lambda epoch, chosen: (inputs[chosen], targets[chosen]))
    return replace(language.study, name=name, problem=replace(problem, epochs=epochs))


def turned(weights: Stack, heads: int) -> Stack:
    """Each head's queries and keys turned by one rotation, its values by another, which its output map turns back."""
    moved = dict(weights)
    width = weights[f"{ATTENTION}.query.weight"].shape[1] // heads
    random = generator("llc", "turned heads", 0)
    turns = [np.linalg.qr(random.standard_normal((2, width, width)))[0] for _ in range(heads)]
    first, second = (torch.block_diag(*(torch.from_numpy(turn[kind]).float() for turn in turns)) for kind in (0, 1))
    for name, turn in (("query", first), ("key", first), ("value", second)):
        moved[f"{ATTENTION}.{name}.weight"] = turn @ weights[f"{ATTENTION}.{name}.weight"]
    moved[f"{ATTENTION}.output.weight"] = weights[f"{ATTENTION}.output.weight"] @ second.T
    return moved


def permuted(weights: Stack, heads: int) -> Stack:
    """The hidden units of the perceptron in another order."""
    del heads
    moved = dict(weights)
    hidden, output = (f"{PERCEPTRON}.{name}.weight" for name in ("hidden", "output"))
    order = torch.from_numpy(generator("llc", "permuted units", 0).permutation(weights[hidden].shape[1]))
    moved[hidden], moved[output] = weights[hidden][:, order], weights[output][:, :, order]
    return moved


def scaled(factor: float) -> Move:
    """The value map times `factor`, the output map divided by it; so with the keys and queries."""

    def move(weights: Stack, heads: int) -> Stack:
        del heads
        moved = dict(weights)
        for first, second in (("value", "output"), ("key", "query")):
            for name, by in ((first, factor), (second, 1 / factor)):
                moved[f"{ATTENTION}.{name}.weight"] = by * weights[f"{ATTENTION}.{name}.weight"]
        return moved

    return move


MOVES: dict[str, Move] = {
    "none": lambda weights, heads: weights,
    "turned heads": turned,
    "permuted units": permuted,
    "flipped signs": scaled(-1.0),
    "scaled pairs": scaled(SCALE),
}


def invariance_rows(found: dict[str, pd.DataFrame], settings: LLCCalibrationSettings) -> list[dict]:
    """λ̂ of each moved network compared with that of the network itself, by Welch's interval of the difference."""
    own = found["none"]["llc"].dropna()
    rows = []
    for name, frame in found.items():
        if name == "none":
            continue
        moved = frame["llc"].dropna()
        test = stats.ttest_ind(moved, own, equal_var=False)
        low, high = test.confidence_interval(1 - settings.strict_alpha)
        of: dict[str, Any] = {"instrument": "llc", "family": "invariance", "case": name, "quantity": "llc"}
        of |= {"required": name != "scaled pairs", "x": sampling(settings).learning_rate}
        truth = own.mean()
        rows.append(checks.within_interval(of, truth, moved.mean(), (truth + low, truth + high), len(moved)))
    return rows


def minimum_rows(language: LanguageModel, own: pd.DataFrame, settings: LLCCalibrationSettings) -> list[dict]:
    """At the minimum: λ̂ is at least the Hessian's effective dimension, and no flag says that it is none."""
    chosen, minima = sampling(settings), settings.minima
    mean = pd.DataFrame({"llc": [own["llc"].mean()], "se": [own["llc"].sem()], "flag": [""]})
    members, found = stack.dense_members([0]), []
    for draw in range(minima.draws_of_targets):
        study = own_teacher(language, settings, draw)
        controls = llc_controls.beside(study, members, language.weights, language.step, chosen)
        found.append(llc_controls.checked(mean, controls, chosen))
    table = pd.concat(found)
    half_rank = table["hessian"].mean()
    of = {"instrument": "llc", "family": "minimum"}
    low, high = stats.t.interval(1 - settings.strict_alpha, len(own) - 1, own["llc"].mean(), own["llc"].sem())
    raised = table["flag"].str.contains("not_a_minimum")
    alarm, interval = checks.rate(int(raised.sum()), len(raised))
    return [
        checks.at_least(
            {**of, "case": "its own teacher", "quantity": "llc"},
            (1 - settings.tolerance) * half_rank,
            own["llc"].mean(),
            (float(low), float(high)),
            len(own),
        ),
        checks.at_most(
            {**of, "case": "its own teacher", "quantity": "flagged not_a_minimum"},
            settings.false_alarms,
            alarm,
            interval,
            len(raised),
        ),
    ]


def start_rows(study: Study, settings: LLCCalibrationSettings) -> list[dict]:
    """Random initialisations, and networks early in training, must all be flagged as no minimum."""
    chosen, minima = sampling(settings), settings.minima
    seeds = range(minima.starts)
    recipe = TrainingSettings(
        learning_rate=0.01, batch_size=settings.parity.batch_size, steps=settings.parity.training_steps
    )
    members, state = stack.dense_members(seeds), initial_state(initial_weights(study, seeds), recipe)
    rows = []
    for reached in train(study, members, state, recipe, [0, minima.early_step]):
        controls = llc_controls.beside(study, members, reached.weights, reached.step, chosen)
        traces = llc.measure(study, members, reached.weights, reached.step, chosen)
        # Without the chains' own flags: the slope alone must say it.
        flags = llc_controls.checked(llc.estimate(traces, chosen).assign(flag=""), controls, chosen)["flag"]
        hits = int(flags.str.contains("not_a_minimum").sum())
        of: dict[str, Any] = {"instrument": "llc", "family": "minimum", "case": f"step {reached.step}"}
        of |= {"quantity": "flagged not_a_minimum", "x": reached.step}
        rows.append(checks.within_tolerance(of, 1.0, hits / len(flags), 0.0, len(flags)))
    return rows


def _estimates(study: Study, weights: Stack, chosen: LLCSettings, settings: LLCCalibrationSettings) -> pd.DataFrame:
    """The rows of independent calls: networks with seeds of their own, and so batches and noise of their own."""
    calls = settings.minima.calls
    members = stack.dense_members(range(calls))
    traces = llc.measure(study, members, stack.take(weights, [0] * calls), 0, chosen)
    return llc.estimate(traces, chosen)
