"""The LLC of one small language model by our sampler and by `devinterp.slt.llc.llc`, under equal conditions.

Both have the same weights, training set, nβ, γ, ε, chains, draws and batch size, and make the step of SGLD. Two
properties of devinterp 2.0.1 are removed: it averages over the burn-in too, and takes L(w*) from a few random batches.
We use its own traces without the burn-in and compare them with the exact L(w*) over the training set, which is the
average of its batches over whole epochs.
"""

import io
import os
import tempfile
import warnings
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass, replace
from inspect import unwrap
from pathlib import Path
from typing import Any

import datasets
import numpy as np
import pandas as pd
import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.optim import Optimizer

from workflow_scripts.ticketlab import models
from workflow_scripts.ticketlab.core.random_streams import generator, torch_seed
from workflow_scripts.ticketlab.instruments import llc
from workflow_scripts.ticketlab.settings.calibration.llc import ParitySettings
from workflow_scripts.ticketlab.settings.llc import LLCSettings
from workflow_scripts.ticketlab.settings.training import TrainingSettings
from workflow_scripts.ticketlab.tasks.problem import Epochs, Problem, cross_entropy
from workflow_scripts.ticketlab.training import stack
from workflow_scripts.ticketlab.training.stack import Stack
from workflow_scripts.ticketlab.training.study import Study
from workflow_scripts.ticketlab.training.train import initial_state, initial_weights, train

STUDY = "parity"

# At their first call these methods load torch.compile, which takes one to three seconds, only to exclude themselves
# from it. Nothing is compiled here, and devinterp's sampler is a subclass of torch's optimiser.
for method in (unwrap(Optimizer.add_param_group), unwrap(Optimizer.zero_grad)):
    method.__dynamo_disable = method


@dataclass(frozen=True)
class LanguageModel:
    """A trained network (its weights, N = 1), and the sequences (count, context + 1) that are its training set."""

    study: Study
    sequences: np.ndarray
    weights: Stack
    step: int


def bigram_task(stream: str, symbols: int, context: int, count: int) -> tuple[Problem, np.ndarray]:
    """A task, and the `count` sequences (count, context + 1) that are its training set.

    One symbol in five is random, each other follows from the one before.
    """
    random = generator(stream, "text", 0)
    follower = random.permutation(symbols)
    sequences = random.integers(symbols, size=(count, context + 1))
    for place in range(context):
        follows = random.random(count) < 0.8
        sequences[follows, place + 1] = follower[sequences[follows, place]]

    def sample(random: np.random.Generator, batch_size: int) -> tuple[np.ndarray, np.ndarray]:
        return take(0, random.integers(count, size=batch_size))

    def take(epoch: int, chosen: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        del epoch
        return sequences[chosen, :-1], sequences[chosen, 1:]

    epochs = Epochs(count, take)
    return Problem(symbols, symbols, context, sample, {}, {"loss": cross_entropy}, {}, epochs), sequences


def as_dataset(sequences: np.ndarray) -> datasets.Dataset:
    """The sequences in the form that devinterp reads."""
    return datasets.Dataset.from_dict({"input_ids": sequences.tolist()}).with_format("torch")


def language_model(settings: ParitySettings) -> LanguageModel:
    """A one-layer transformer trained on the source."""
    problem, sequences = bigram_task(STUDY, settings.symbols, settings.context, settings.sequences)
    shape = {"layers": 1, "width": settings.width, "heads": settings.heads, "mlp_width": settings.width}
    model = models.build({"kind": "transformer", **shape}, problem.inputs, problem.outputs, problem.context)
    recipe = TrainingSettings(learning_rate=0.01, batch_size=settings.batch_size, steps=settings.training_steps)
    study = Study(STUDY, problem, model)
    state = initial_state(initial_weights(study, [0]), recipe)
    *_, last = train(study, stack.dense_members([0]), state, recipe, [recipe.steps])
    return LanguageModel(study, sequences, last.weights, recipe.steps)


def llc_settings(settings: ParitySettings) -> LLCSettings:
    return LLCSettings(
        sampler="sgld",
        chains=settings.chains,
        draws=settings.draws,
        burn_in=settings.burn_in,
        batch_size=settings.batch_size,
        learning_rate=settings.learning_rate,
        nbeta=settings.nbeta,
        localization=settings.localization,
    )


def ours(language: LanguageModel, settings: ParitySettings, calls: int) -> pd.DataFrame:
    """`llc.estimate`'s rows of `calls` independent calls, each with its own batches and noise."""
    chosen = llc_settings(settings)
    members = stack.dense_members([0])
    rows = []
    for call in range(calls):
        study = replace(language.study, name=f"{STUDY} {call}")
        traces = llc.measure(study, members, language.weights, language.step, chosen)
        rows.append(llc.estimate(traces, chosen))
    return pd.concat(rows, ignore_index=True)


def devinterps(language: LanguageModel, settings: ParitySettings, calls: int) -> np.ndarray:
    """λ̂ (calls,) from the traces of as many calls of `devinterp.slt.llc.llc`; NaN where a chain diverged.

    devinterp warns about a diverged chain and leaves NaNs in its trace, so the mean here is NaN too.
    """
    with torch.no_grad():
        for name, parameter in language.study.model.named_parameters():
            parameter.copy_(language.weights[name][0])
        tokens = torch.from_numpy(language.sequences)
        network = Logits(language.study.model)
        at_minimum = next_symbol_loss(network, tokens).double().mean().item()
    dataset = as_dataset(language.sequences)
    found = []
    for call in range(calls):
        with torch.random.fork_rng(devices=[]):
            result = devinterps_call(
                network,
                dataset,
                llc_settings(settings),
                num_init_loss_batches=1,
                init_seed=torch_seed(STUDY, "devinterp", call) % 2**31,
                match_sampling_input_ids_across_chains=False,
            )
        # Its losses (chains, burn-in + draws), each on the batch of the step that follows.
        trace = result["loss_trace"].transpose("chain", "step").to_numpy().astype(float)
        found.append(settings.nbeta * (trace[:, settings.burn_in :].mean() - at_minimum))
    return np.array(found)


def devinterps_call(network: nn.Module, dataset: datasets.Dataset, settings: LLCSettings, **further: Any) -> Any:
    """The result of `devinterp.slt.llc.llc` under these settings, its progress bars and warnings silenced."""
    os.environ["TQDM_DISABLE"] = "1"
    from devinterp.slt.llc import llc as devinterp_llc

    quiet = (redirect_stdout(io.StringIO()), redirect_stderr(io.StringIO()), warnings.catch_warnings())
    with tempfile.TemporaryDirectory() as folder, quiet[0], quiet[1], quiet[2]:
        warnings.simplefilter("ignore")
        return devinterp_llc(
            network,
            dataset,
            {},
            lr=settings.learning_rate,
            n_beta=settings.nbeta,
            localization=settings.localization,
            num_chains=settings.chains,
            num_draws=settings.draws,
            num_burnin_steps=settings.burn_in,
            batch_size=settings.batch_size,
            loss_fn=next_symbol_loss,
            device="cpu",
            output_path=Path(folder) / "samples.zarr",
            **further,
        ).load()


class Logits(nn.Module):
    """Our network in the form that devinterp calls: symbols to logits."""

    def __init__(self, model: nn.Module):
        super().__init__()
        self.model = model

    def forward(self, tokens: Tensor) -> Tensor:
        return self.model(tokens)[0]


def next_symbol_loss(network: nn.Module, input_ids: Tensor) -> Tensor:
    """−log p of symbols 1… given those before: (batch, context + 1) to (batch, context)."""
    return F.cross_entropy(network(input_ids[:, :-1]).transpose(1, 2), input_ids[:, 1:], reduction="none")
