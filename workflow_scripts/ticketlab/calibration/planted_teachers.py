"""Planted teachers: sparse networks whose support is known, and the share of it that a mask keeps.

y = teacher(x) + noise with x standard normal; the teacher's weights outside its support S are 0, those inside are
±U(0.5, 1.5) (times a constant of the layer). The student has the teacher's architecture, with biases.
"""

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from workflow_scripts.ticketlab.core.random_streams import generator
from workflow_scripts.ticketlab.models.mlp import MLP
from workflow_scripts.ticketlab.settings.calibration.pruning import PlantedSettings
from workflow_scripts.ticketlab.tasks.problem import Problem
from workflow_scripts.ticketlab.training.stack import Stack, size

SMALLEST, LARGEST = 0.5, 1.5  # sizes of the teacher's weights, in units of the layer


@dataclass(frozen=True)
class Teacher:
    """Weights by tensor name, (1, *shape), 0 outside the support; `support` is 1 inside."""

    weights: Stack
    support: Stack

    @property
    def planted(self) -> int:
        return int(sum(tensor.sum() for tensor in self.support.values()))

    def outputs(self, x: np.ndarray) -> np.ndarray:
        *hidden, last = (tensor[0].numpy() for tensor in self.weights.values())
        for weight in hidden:
            x = np.maximum(x @ weight.T, 0)
        return x @ last.T


def plant(study: str, settings: PlantedSettings, model: MLP) -> Teacher:
    """A teacher in which every hidden unit (every output of a linear map) has equally many weights on each side."""
    random = generator(study, "teacher", 0)
    weights, support = {}, {}
    for index, name in enumerate(model.prunable):
        shape = model.get_parameter(name).shape
        # Rows of the first matrix belong to a hidden unit (or an output), columns of the second to a hidden unit.
        across = 1 if index == 0 else 0
        count = round(settings.density * shape[across])
        chosen = random.random(shape).argsort(axis=across).argsort(axis=across) < count
        size = random.uniform(SMALLEST, LARGEST, shape) * random.choice([-1, 1], shape) / np.sqrt(count)
        support[name] = torch.from_numpy(chosen.astype(np.float32))[None]
        weights[name] = torch.from_numpy((chosen * size).astype(np.float32))[None]
    return Teacher(weights, support)


def regression(teacher: Teacher, settings: PlantedSettings) -> Problem:
    """The teacher's noisy outputs on standard normal inputs; "loss" is the squared error, summed over outputs."""

    def sample(random: np.random.Generator, batch_size: int) -> tuple[np.ndarray, np.ndarray]:
        x = random.standard_normal((batch_size, settings.inputs), dtype=np.float32)
        noise = settings.noise * random.standard_normal((batch_size, settings.outputs), dtype=np.float32)
        return x, teacher.outputs(x) + noise

    return Problem(settings.inputs, settings.outputs, 1, sample, {}, {"loss": _squared_error}, {})


def _squared_error(outputs: Tensor, targets: Tensor) -> Tensor:
    return (outputs - targets).square().sum(-1)


def aligned(weights: Stack, teacher: Teacher) -> Stack:
    """The same weights with the teacher's signs on its support."""
    signs = {name: torch.where(teacher.support[name] > 0, tensor.sign(), 0) for name, tensor in teacher.weights.items()}
    return weights | {
        name: torch.where(sign != 0, sign * weights[name].abs(), weights[name]) for name, sign in signs.items()
    }


def shared(mask: Stack, support: Stack) -> np.ndarray:
    """The number of weights of the support that each mask keeps, (N,)."""
    counts = [(mask[name] * support[name]).flatten(1).sum(1, dtype=torch.float64) for name in mask]
    return torch.stack(counts).sum(0).numpy()


def by_chance(mask: Stack, support: Stack) -> tuple[np.ndarray, np.ndarray]:
    """Mean and variance of `shared` for masks that keep as many weights of each layer at random, (N,) each."""
    mean, variance = np.zeros(size(mask)), np.zeros(size(mask))
    for name, tensor in mask.items():
        count, planted = tensor[0].numel(), float(support[name].sum())
        kept = tensor.flatten(1).sum(1, dtype=torch.float64).numpy()
        mean = mean + kept * planted / count
        variance = variance + kept * (planted / count) * (1 - planted / count) * (count - kept) / (count - 1)
    return mean, variance
