"""Throughput compared with the obvious alternatives, in one process: `make bench`.

Training: our stack of networks against a plain PyTorch loop that trains the same networks one after another (fused
AdamW, the same recipe, batches and masks). LLC: our sampler against `devinterp.slt.llc.llc` on the same network, data,
chains and draws. Each pair takes turns and CPU seconds are counted, so that whatever else the machine does matters
little and falls on both; medians are compared.
"""

import os

os.environ["TQDM_DISABLE"] = "1"  # devinterp draws a progress bar per chain

import argparse
import io
import platform
import time
import warnings
from collections.abc import Callable, Sequence
from contextlib import redirect_stdout
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from statistics import median

import numpy as np
import torch
from torch.nn import functional as F

from workflow_scripts.ticketlab import models
from workflow_scripts.ticketlab.calibration.devinterp_llc import Logits, as_dataset, bigram_task, devinterps_call
from workflow_scripts.ticketlab.instruments import llc
from workflow_scripts.ticketlab.settings.llc import LLCSettings
from workflow_scripts.ticketlab.settings.training import TrainingSettings
from workflow_scripts.ticketlab.tasks import images
from workflow_scripts.ticketlab.tasks.problem import Problem
from workflow_scripts.ticketlab.training import stack
from workflow_scripts.ticketlab.training.batches import batch
from workflow_scripts.ticketlab.training.stack import Stack
from workflow_scripts.ticketlab.training.study import Study
from workflow_scripts.ticketlab.training.train import initial_state, initial_weights, learning_rate, train

SYMBOLS, CONTEXT = 64, 32
TEXT_MODEL = {"kind": "transformer", "layers": 2, "width": 64, "heads": 8, "mlp_width": 128}
DIGITS_MODEL = {"kind": "mlp", "hidden": [100, 50]}
NOTES = """\
The plain loop draws its batches from the same streams and masks gradients as we do. The text is a made-up bigram
source: speed does not depend on what the symbols say. devinterp reads the same sequences as a `datasets` dataset with
`input_ids` of context + 1 symbols; a `loss_fn` shifts them, since its own would give the network one symbol too many.
Its time includes its 32 batches per chain for L(w*); ours includes a forward pass at w* for every step and the check
that w* is a minimum. It averages from the first step on, so burn-in is 0 on both sides."""


@dataclass(frozen=True)
class Pair:
    """Two ways to do the same `work`, counted in `unit`."""

    name: str
    unit: str
    work: int
    ours: Callable[[], object]
    theirs: Callable[[], object]


@dataclass(frozen=True)
class Rates:
    """Median units of work per CPU second, and what each side returned last."""

    ours: float
    theirs: float
    results: tuple[object, object]

    @property
    def ratio(self) -> float:
        return self.ours / self.theirs


def measure(pair: Pair, repetitions: int) -> Rates:
    """Time both sides in turn, after one untimed turn each."""
    seconds: tuple[list[float], list[float]] = ([], [])
    results: list[object] = [None, None]
    for turn in range(repetitions + 1):
        for side, run in enumerate((pair.ours, pair.theirs)):
            began = time.process_time()
            with redirect_stdout(io.StringIO()):  # progress lines
                results[side] = run()
            if turn:
                seconds[side].append(time.process_time() - began)
    ours, theirs = (pair.work / median(times) for times in seconds)
    return Rates(ours, theirs, (results[0], results[1]))


def bigram_problem() -> tuple[Problem, np.ndarray]:
    return bigram_task("bench", SYMBOLS, CONTEXT, 512)


def digits_problem() -> Problem:
    settings = images.Settings(kind="images")
    return images.load(*images.prepare(settings, "bench"), settings)


def training_pair(
    name: str, problem: Problem, model_settings: dict, settings: TrainingSettings, networks: int, masked: bool
) -> Pair:
    """`networks` networks for all steps of the recipe, with half of each matrix masked or with none."""
    model = models.build(model_settings, problem.inputs, problem.outputs, problem.context)
    study = Study("bench", problem, model)
    weights = initial_weights(study, range(networks))
    members = stack.dense_members(range(networks))
    masks = None
    if masked:
        random = torch.Generator().manual_seed(0)
        masks = {n: (torch.rand(weights[n].shape, generator=random) < 0.5).float() for n in model.prunable}

    def stacked() -> Stack:
        state = initial_state(weights, settings)
        *_, last = train(study, members, state, settings, [settings.steps], masks=masks)
        return last.weights

    def plain() -> list[Stack]:
        return [
            plain_training(
                study,
                member.data_seed,
                {name: tensor[i] for name, tensor in weights.items()},
                settings,
                {} if masks is None else {name: mask[i] for name, mask in masks.items()},
            )
            for i, member in enumerate(members)
        ]

    label = f"train {name}, {networks} networks{', masked' if masked else ''}"
    return Pair(label, "network-steps", networks * settings.steps, stacked, plain)


def plain_training(study: Study, data_seed: int, weights: Stack, settings: TrainingSettings, masks: Stack) -> Stack:
    """One network as one would write it without us; the same numbers as train.train, up to rounding."""
    model = study.model
    parameters = dict(model.named_parameters())
    with torch.no_grad():
        for name, parameter in parameters.items():
            parameter.copy_(weights[name] * masks[name] if name in masks else weights[name])
    first, second = settings.betas
    optimiser = torch.optim.AdamW(
        model.parameters(),
        lr=settings.learning_rate,
        betas=(first, second),
        weight_decay=settings.weight_decay,
        fused=True,
    )
    masked = [(parameters[name], mask) for name, mask in masks.items()]
    for step in range(settings.steps):
        x, y = batch(study, data_seed, step, settings)
        optimiser.param_groups[0]["lr"] = learning_rate(settings, step, settings.steps)
        optimiser.zero_grad()
        logits, _ = model(torch.from_numpy(x))
        F.cross_entropy(logits.flatten(0, -2), torch.from_numpy(y).flatten()).backward()
        for parameter, mask in masked:
            parameter.grad.mul_(mask)  # type: ignore[union-attr]
        optimiser.step()
    return {name: parameter.detach().clone() for name, parameter in parameters.items()}


def llc_pair(settings: LLCSettings, training_steps: int) -> Pair:
    """The learning coefficient of one language model after `training_steps` steps."""
    problem, sequences = bigram_problem()
    model = models.build(TEXT_MODEL, problem.inputs, problem.outputs, problem.context)
    recipe = TrainingSettings(learning_rate=0.01, batch_size=16, steps=training_steps)
    study = Study("bench", problem, model)
    first = {name: tensor[0] for name, tensor in initial_weights(study, [0]).items()}
    weights = plain_training(study, 0, first, recipe, {})
    dataset = as_dataset(sequences)
    members, start = stack.dense_members([0]), stack.stack([weights])

    def ours() -> float:
        traces = llc.measure(study, members, start, training_steps, settings)
        return float(llc.estimate(traces, settings)["llc"].iloc[0])

    def theirs() -> float:
        return float(devinterps_call(Logits(model), dataset, settings)["llc_mean"])

    work = settings.chains * (settings.burn_in + settings.draws)
    return Pair(f"LLC text, {settings.chains} chains", "chain-steps", work, ours, theirs)


def pairs() -> list[Callable[[], Pair]]:
    """What is compared; each is built when its turn comes."""
    text = TrainingSettings(learning_rate=0.01, batch_size=16, steps=20, schedule="constant")
    digits = TrainingSettings(learning_rate=0.0012, batch_size=60, steps=150, schedule="constant")
    problem = bigram_problem()[0]
    pictures = digits_problem()
    return [
        *(partial(training_pair, "text", problem, TEXT_MODEL, text, 8, masked) for masked in (False, True)),
        *(partial(training_pair, "digits", pictures, DIGITS_MODEL, digits, 8, masked) for masked in (False, True)),
        partial(llc_pair, LLCSettings(draws=60, burn_in=0), training_steps=200),
    ]


def hardware() -> str:
    """The facts on which such numbers depend."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
        cpu = next(line.split(":", 1)[1].strip() for line in lines if line.startswith("model name"))
    except (OSError, StopIteration):
        cpu = platform.processor() or platform.machine()
    return (
        f"{cpu}, {os.cpu_count()} logical cores, {torch.get_num_threads()} thread used; "
        f"torch {torch.__version__}, Python {platform.python_version()}"
    )


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--repetitions", type=int, default=5, help="timed turns of each side")
    repetitions = parser.parse_args(arguments).repetitions
    warnings.simplefilter("ignore")
    torch.set_num_threads(1)
    print(hardware())
    print(f"medians of {repetitions} alternating turns, per CPU second; ratio = ours / theirs")
    print(f"{'':32}{'unit':>16}{'ours':>9}{'theirs':>9}{'ratio':>8}")
    for build in pairs():
        pair = build()
        rates = measure(pair, repetitions)
        print(
            f"{pair.name:32}{pair.unit:>16}{rates.ours:>9.0f}{rates.theirs:>9.0f}{rates.ratio:>8.2f}",
            flush=True,
        )
    print("λ̂ of the last line: ours {:.2f}, devinterp's {:.2f} (other batches and noise)".format(*rates.results))
    print(NOTES)


if __name__ == "__main__":
    main()
