"""Modular addition, (a + b) mod p: the task on which networks memorise first and generalise later (grokking).

A pair and its mirror image count as one example, {a, b} with a ≤ b. If both orders were examples, as is usual, most
test pairs would be mirrored among the train pairs, and the memory of a network that adds its embeddings would pass for
generalisation.

The network that generalises does so with a few frequencies: its embedding holds waves cos(2πka/p), and its logits
depend on c − a − b only (Nanda et al. 2023, arXiv:2301.05217). That part of the logits is the *generalising component*;
the rest, which holds nothing that is true of all pairs alike, is the *memorising component*.
"""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal, Self

import numpy as np
import pandas as pd
from pydantic import Field, model_validator

from workflow_scripts.ticketlab.core.random_streams import generator
from workflow_scripts.ticketlab.settings.base import Share
from workflow_scripts.ticketlab.tasks.problem import (
    SPLITS,
    Components,
    Epochs,
    Predictor,
    Problem,
    TaskSection,
    cross_entropy,
    error_rate,
)

SCALES = [0.0, *2.0 ** np.arange(-5, 7, 0.5)]  # of the rest of the logits, whose root mean square is 1
IMPOSSIBLE = -1e4  # nats; its exponential is 0 in float64, while 0 · log 0 would not be


class Settings(TaskSection):
    INPUTS: ClassVar = "symbols"
    FINITE: ClassVar = True
    REFERENCES: ClassVar = ("rule",)
    COMPONENTS: ClassVar = ("generalising", "memorising", "embedding")
    SCORES: ClassVar = ("frequency",)

    kind: Literal["modular_addition"]
    modulus: Annotated[int, Field(ge=7, le=10_000, description="p, an odd prime; there are p (p + 1) / 2 examples")]
    train_share: Share = Field(description="share of the examples; half of the rest is validation, half is test")
    key_frequencies: Annotated[int, Field(ge=1)] = Field(
        default=8, description="number of the strongest of (p − 1) / 2 waves that count as the embedding's own"
    )

    @model_validator(mode="after")
    def _possible(self) -> Self:
        if any(self.modulus % divisor == 0 for divisor in range(2, int(self.modulus**0.5) + 1)):
            raise ValueError(f"modulus {self.modulus} must be an odd prime, so that every frequency tells all residues")
        if self.key_frequencies >= self.modulus // 2:
            raise ValueError(
                f"key_frequencies {self.key_frequencies} must be fewer than the {self.modulus // 2} frequencies of "
                f"modulus {self.modulus}"
            )
        train, pairs = self.pairs()
        if not 1 <= train <= pairs - 4:
            raise ValueError(
                f"train_share {self.train_share:g} of {pairs} pairs must leave one to train on and four to evaluate on"
            )
        return self

    def pairs(self) -> tuple[int, int]:
        """The number of train pairs, and of all."""
        pairs = self.modulus * (self.modulus + 1) // 2
        return round(self.train_share * pairs), pairs

    def largest(self) -> tuple[int, int, int]:
        return self.modulus, self.modulus, 1


def prepare(settings: Settings, study: str) -> tuple[pd.DataFrame, dict]:
    """One row per pair a ≤ b: its symbols [a, b] and its sum modulo p."""
    modulus = settings.modulus
    pairs = np.stack(np.triu_indices(modulus), axis=1)
    train, _ = settings.pairs()
    validation = train + (len(pairs) - train) // 2
    place = generator(study, "split", 0).permutation(len(pairs))
    frame = pd.DataFrame(
        {
            "study": study,
            "split": np.array(SPLITS, dtype=object)[np.searchsorted([train, validation], place, side="right")],
            "example": np.arange(len(pairs)),
            "name": "",
            "tokens": list(pairs.astype(np.int32)),
            "features": None,
            "target": pairs.sum(axis=1) % modulus,
        }
    )
    return frame, {"modulus": modulus}


def load(frame: pd.DataFrame, facts: dict, settings: Settings) -> Problem:
    """The task from its `data` table; an epoch is all train pairs."""
    modulus = facts["modulus"]
    parts = {
        split: (np.stack(rows["tokens"].to_list()).astype(np.int64), rows["target"].to_numpy(np.int64, copy=True))
        for split, rows in frame.groupby("split")
    }
    inputs, targets = parts["train"]

    def sample(random: np.random.Generator, batch_size: int) -> tuple[np.ndarray, np.ndarray]:
        return take(0, random.integers(len(targets), size=batch_size))

    def take(epoch: int, chosen: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        del epoch
        return inputs[chosen], targets[chosen]

    return Problem(
        inputs=modulus,
        outputs=modulus,
        context=1,
        sample=sample,
        evaluation=parts,
        metrics={"loss": cross_entropy, "error": error_rate},
        extras={"key_frequencies": settings.key_frequencies},
        epochs=Epochs(len(targets), take),
        modulus=modulus,
    )


def references(problem: Problem) -> dict[str, Predictor]:
    """rule: certain of (a + b) mod p, so that the distance to it is the network's own loss on an evaluation set.

    There is no uniform predictor: networks begin there, so a share of the first distance would mean nothing.
    """

    def rule(inputs: np.ndarray) -> np.ndarray:
        answers = inputs.sum(axis=-1, keepdims=True) % problem.outputs
        return np.where(np.arange(problem.outputs) == answers, 0.0, IMPOSSIBLE).astype(np.float32)

    return {"rule": rule}


def components(problem: Problem) -> Components:
    """Distances of the network's parts, from its logits on all ordered pairs and from its embedding.

    generalising: −log p(true sum), in nats, by the generalising component alone: the mean of logit[a, b, c] over all
        pairs with the same c − a − b. It is the orthogonal projection on the logits that shift with the operands.
    memorising: −log p(true sum), in nats, by the rest of the logits at their best scale, mean over the train pairs. It
        falls as the network memorises pairs and rises again when the network no longer needs them. The scale is free
        (from SCALES), since logits grow all the time; at scale 0 the distance is log p.
    embedding: the share of the embedding's variance outside its `key_frequencies` strongest frequencies, from 0 to 1.
    """
    modulus = problem.outputs
    pairs = np.stack(np.divmod(np.arange(modulus**2), modulus), axis=1)
    train = np.zeros((modulus, modulus), dtype=bool)
    train[tuple(problem.evaluation["train"][0].T)] = True
    seen = (train | train.T).reshape(-1)

    def generalising(logits: np.ndarray, weights: dict[str, np.ndarray]) -> np.ndarray:
        del weights
        return -_log_softmax(_by_offset(logits, pairs).mean(axis=1))[:, 0]

    def memorising(logits: np.ndarray, weights: dict[str, np.ndarray]) -> np.ndarray:
        del weights
        by_offset = _by_offset(logits, pairs)
        rest = by_offset[:, seen] - by_offset.mean(axis=1, keepdims=True)
        rest /= np.sqrt(np.square(rest).mean(axis=(1, 2), keepdims=True)).clip(min=np.finfo(float).tiny)
        return np.min([-_log_softmax(scale * rest)[..., 0].mean(axis=1) for scale in SCALES], axis=0)

    def embedding(logits: np.ndarray, weights: dict[str, np.ndarray]) -> np.ndarray:
        del logits
        shares = frequency_shares(weights["embedding.weight"])
        return 1 - np.sort(shares, axis=1)[:, -problem.extras["key_frequencies"] :].sum(axis=1)

    return Components(pairs, {"generalising": generalising, "memorising": memorising, "embedding": embedding})


def _by_offset(logits: np.ndarray, pairs: np.ndarray) -> np.ndarray:
    """Logits (networks, pairs, c) as (networks, pairs, c − a − b mod p) float64: the right answer is at 0."""
    modulus = logits.shape[-1]
    columns = (pairs.sum(axis=1, keepdims=True) + np.arange(modulus)) % modulus
    return np.take_along_axis(logits.astype(np.float64), columns[None], axis=-1)


def _log_softmax(logits: np.ndarray) -> np.ndarray:
    return logits - np.logaddexp.reduce(logits, axis=-1, keepdims=True)


def frequency_shares(embedding: np.ndarray) -> np.ndarray:
    """Share of each frequency k = 1 … (p − 1)/2 in an embedding's variance over residues: (N, p, width) to (N, k)."""
    power = (np.abs(np.fft.rfft(embedding.astype(np.float64), axis=1)[:, 1:]) ** 2).sum(axis=2)
    return power / power.sum(axis=1, keepdims=True)


def slices(problem: Problem, split: str) -> dict[str, np.ndarray]:
    """Pairs whose sum reaches p (wrapped) and those whose sum does not (direct), over a split's evaluation set."""
    inputs, _ = problem.evaluation[split]
    wrapped = inputs.sum(axis=1) >= problem.outputs
    return {"wrapped": wrapped, "direct": ~wrapped}
