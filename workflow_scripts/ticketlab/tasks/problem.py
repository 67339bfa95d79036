"""A loaded task as training and the analyses see it, and the losses that tasks share."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple

import numpy as np

from workflow_scripts.ticketlab.settings.base import Inputs, Section

if TYPE_CHECKING:
    from torch import Tensor

SPLITS = ("train", "validation", "test")
UNBOUNDED = 1 << 20

# A reference predictor: inputs (examples, …) to log-probabilities, or means, shaped like the outputs.
Predictor = Callable[[np.ndarray], np.ndarray]


def no_relations(inputs: np.ndarray) -> dict[str, np.ndarray]:
    del inputs
    return {}


class Epochs(NamedTuple):
    """A finite training set, which training goes through epoch by epoch (training/batches.py).

    size: examples in an epoch.
    take: the number of an epoch and indices (k,) below `size` to these examples: inputs (k, …) and targets (k, …). What
        an epoch holds depends on its number only, so that all data orders go through the same examples.
    """

    size: int
    take: Callable[[int, np.ndarray], tuple[np.ndarray, np.ndarray]]


class TaskSection(Section):
    """The base of a task's section: what is known of the task before there are data, so that a config can be refused.

    INPUTS: what models read (settings/base.py). FINITE: whether there are epochs (`Problem.epochs`).
    FURTHER_SETS: evaluation sets in addition to the splits.
    REFERENCES, COMPONENTS: the names in what `references` and `components` of the task file return.
    SCORES: the families of role scores that apply in addition to those of every task (settings/roles.py).
    SEEN: how many of the last symbols a predictor sees, for those that see no more (instruments/nearest_part.py).
    DRAWN_ONCE: what all seeds share, if claims on transience are about its draws: T3 then has one case, not one a seed.
    """

    INPUTS: ClassVar[Inputs]
    FINITE: ClassVar[bool] = False
    FURTHER_SETS: ClassVar[tuple[str, ...]] = ()
    REFERENCES: ClassVar[tuple[str, ...]] = ()
    COMPONENTS: ClassVar[tuple[str, ...]] = ()
    SCORES: ClassVar[tuple[str, ...]] = ()
    SEEN: ClassVar[dict[str, int]] = {}
    DRAWN_ONCE: ClassVar[str | None] = None

    def largest(self) -> tuple[int, int, int]:
        """Problem's inputs, outputs and context, each at most; where only the data decide, a number beyond them all."""
        return UNBOUNDED, UNBOUNDED, UNBOUNDED


@dataclass(frozen=True)
class Problem:
    """A loaded task.

    inputs, outputs: number of input features or symbols, and of logits.
    context: length of an input sequence; 1 where inputs are not sequences.
    sample: (generator, batch size) to one independent batch of the training distribution, with replacement where that
        is finite: (inputs (batch, …), targets (batch, …)) of NumPy arrays.
    evaluation: for each split its fixed evaluation set (inputs, targets), and further sets of another distribution
        under names of their own (FURTHER_SETS).
    metrics: functions (outputs (batch, …, outputs), targets (batch, …)) to one number per example (batch,);
        training minimises "loss", in nats; people read "error" (the share of wrong predictions).
    extras: values that the task's own `references` and `slices` need.
    epochs: the training set, where it is finite; None where every batch is new data.
    noise: None if outputs are logits; if they are means of real targets, the targets' standard deviation about them.

    The role scores that apply, in addition to ablation on the task's slices (instruments/role_scores.py):
    classes: whether targets name classes, for each of which hidden units are scored by their selectivity.
    modulus: where inputs are residues, by whose frequencies hidden units are scored; else None.
    repetition: whether inputs are sequences of symbols, so that attention heads are scored on repeated random ones.
    relations: inputs (examples, time, …) to the relation of place t to each place s ≤ t, by name of the relation,
        (examples, time, time): attention heads are scored by the relation that they attend to.
    """

    inputs: int
    outputs: int
    context: int
    sample: Callable[[np.random.Generator, int], tuple[np.ndarray, np.ndarray]]
    evaluation: dict[str, tuple[np.ndarray, np.ndarray]]
    metrics: dict[str, Callable[[Tensor, Tensor], Tensor]]
    extras: dict[str, Any]
    epochs: Epochs | None = None
    noise: float | None = None
    classes: bool = False
    modulus: int | None = None
    repetition: bool = False
    relations: Callable[[np.ndarray], dict[str, np.ndarray]] = no_relations


class Components(NamedTuple):
    """Distances between the parts of a network, rather than its predictions, and the same parts with a full structure.

    inputs: those on which the network's logits are needed, (examples, …).
    distances: by structure, a function of N networks' logits (N, examples, …, outputs) and weights (N, …) by tensor,
        all NumPy arrays, to (N,). A distance falls as the structure is acquired; it is 0 where nothing else is there.
    """

    inputs: np.ndarray
    distances: dict[str, Callable[[np.ndarray, dict[str, np.ndarray]], np.ndarray]]


def losses(outputs: Tensor, targets: Tensor, noise: float | None = None) -> Tensor:
    """−log p(target) in nats for each target: outputs (…, outputs) and targets (…) to (…).

    With `noise` σ the prediction is a Gaussian about the output. The constant log σ√(2π) is left out, so the loss is
    the squared error over 2σ², which is ½ on average where the output is the true mean.
    """
    if noise is None:
        return -outputs.log_softmax(dim=-1).gather(-1, targets.unsqueeze(-1)).squeeze(-1)
    return (outputs.squeeze(-1) - targets).square() / (2 * noise**2)


def cross_entropy(logits: Tensor, targets: Tensor) -> Tensor:
    """−log p(target) in nats, averaged over all but the first axis: logits (batch, …, outputs) to (batch,)."""
    each = losses(logits, targets)
    return each.flatten(1).mean(1) if each.ndim > 1 else each


def error_rate(logits: Tensor, targets: Tensor) -> Tensor:
    """Share of wrong predictions, averaged over all but the first axis: (batch, …, outputs) to (batch,).

    NaN where a logit is NaN: argmax would turn it into a class, and a network that diverged would look like a poor one.
    """
    wrong = (logits.argmax(dim=-1) != targets).float() + 0 * logits.sum(dim=-1)
    return wrong.flatten(1).mean(1) if wrong.ndim > 1 else wrong
