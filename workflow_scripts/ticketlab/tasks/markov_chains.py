"""In-context Markov chains: every sequence has its own transition matrix, which only the sequence itself reveals.

In the setting of Edelman et al. 2024 (arXiv:2402.11004), networks first predict by the frequencies of the symbols so
far and later by those of the transitions (statistical induction heads). The rows of a matrix are drawn from a symmetric
Dirichlet distribution. The first symbol is uniform, so it carries no information on the matrix, and the posterior mean
over transitions is the best possible predictor. Every batch draws new training sequences; the evaluation sets are fixed
sequences from streams of their own.
"""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

import numpy as np
import pandas as pd
from pydantic import Field, PositiveFloat

from workflow_scripts.ticketlab.core.random_streams import generator
from workflow_scripts.ticketlab.tasks.problem import SPLITS, Predictor, Problem, TaskSection, cross_entropy, error_rate


class Settings(TaskSection):
    INPUTS: ClassVar = "symbols in sequence"
    REFERENCES: ClassVar = ("unigram", "bigram")
    SCORES: ClassVar = ("attention", "induction", "duplicate_token")

    kind: Literal["markov_chains"]
    states: Annotated[int, Field(ge=2)] = Field(default=3, description="symbols of a chain")
    concentration: PositiveFloat = Field(
        default=0.3, description="concentration of the symmetric Dirichlet prior of each row of a transition matrix"
    )
    context: Annotated[int, Field(ge=4)] = Field(default=32, description="symbols in a sequence")
    evaluation_sequences: Annotated[int, Field(ge=2)] = Field(
        default=256, description="evaluation sequences of each split"
    )

    def largest(self) -> tuple[int, int, int]:
        return self.states, self.states, self.context


def prepare(settings: Settings, study: str) -> tuple[pd.DataFrame, dict]:
    """One row per evaluation sequence: its symbols, and one more, the last target."""
    count = settings.evaluation_sequences
    symbols = [chains(generator(study, "evaluation", split), count, settings) for split in SPLITS]
    frame = pd.DataFrame(
        {
            "study": study,
            "split": np.repeat(SPLITS, count),
            "example": np.arange(count * len(SPLITS)),
            "name": "",
            "tokens": list(np.concatenate(symbols).astype(np.int32)),
            "features": None,
            "target": None,
        }
    )
    return frame, {"states": settings.states, "concentration": settings.concentration}


def chains(random: np.random.Generator, count: int, settings: Settings) -> np.ndarray:
    """`count` sequences of context + 1 symbols, each of a chain of its own: (count, context + 1) int64."""
    states, length = settings.states, settings.context + 1
    matrices = random.dirichlet(np.full(states, settings.concentration), size=(count, states))
    symbols = np.empty((count, length), dtype=np.int64)
    symbols[:, 0] = random.integers(states, size=count)
    # The next state from each state at each step, drawn in advance, so that the loop over steps only looks up.
    thresholds = matrices.cumsum(axis=-1)[:, None, :, :-1]
    following = (random.random((count, length - 1, 1, 1)) > thresholds).sum(axis=-1)
    rows = np.arange(count)
    for step in range(length - 1):
        symbols[:, step + 1] = following[rows, step, symbols[:, step]]
    return symbols


def load(frame: pd.DataFrame, facts: dict, settings: Settings) -> Problem:
    """The task from its `data` table; a batch is sequences of new chains."""

    def sample(random: np.random.Generator, batch_size: int) -> tuple[np.ndarray, np.ndarray]:
        symbols = chains(random, batch_size, settings)
        return symbols[:, :-1], symbols[:, 1:]

    evaluation = {}
    for split, rows in frame.groupby("split"):
        symbols = np.stack(rows["tokens"].to_list()).astype(np.int64)
        evaluation[split] = (symbols[:, :-1], symbols[:, 1:])
    return Problem(
        inputs=facts["states"],
        outputs=facts["states"],
        context=settings.context,
        sample=sample,
        evaluation=evaluation,
        metrics={"loss": cross_entropy, "error": error_rate},
        extras={"concentration": facts["concentration"]},
        repetition=True,
        relations=relations,
    )


def relations(inputs: np.ndarray) -> dict[str, np.ndarray]:
    """Inputs (sequences, time) to relations (sequences, time, time) of place t to s.

    successor: s comes after an earlier occurrence of the symbol at t. A head that attends there is a statistical
        induction head: it sees every symbol that followed, as often as it followed.
    """
    follows = inputs[:, :, None] == np.roll(inputs, 1, axis=1)[:, None, :]
    follows[:, :, 0] = False  # the first symbol comes after none
    return {"successor": follows & np.tri(inputs.shape[1], dtype=bool)}


def references(problem: Problem) -> dict[str, Predictor]:
    """Posterior means given the sequence so far, under the prior of the sequences.

    Each maps inputs (sequences, time) to natural logs of probabilities, (sequences, time, states) float32. With α the
    concentration, k states, n(j) the count of symbol j and n(i, j) that of the transition i → j up to now:

    unigram: (n(j) + α) / (n + kα), as if symbols were drawn independently from one distribution;
    bigram: (n(i, j) + α) / (n(i, ·) + kα), i the current symbol: the Bayes-optimal predictor.
    """
    states, concentration = problem.outputs, problem.extras["concentration"]

    def posterior_mean(counts: np.ndarray) -> np.ndarray:
        total = counts.sum(axis=-1, keepdims=True) + states * concentration
        return np.log((counts + concentration) / total).astype(np.float32)

    def unigram(inputs: np.ndarray) -> np.ndarray:
        return posterior_mean(np.eye(states)[inputs].cumsum(axis=1))

    def bigram(inputs: np.ndarray) -> np.ndarray:
        here = np.eye(states)[inputs]
        transitions = np.zeros((*inputs.shape, states, states))
        transitions[:, 1:] = here[:, :-1, :, None] * here[:, 1:, None, :]
        return posterior_mean(np.einsum("nti,ntij->ntj", here, transitions.cumsum(axis=1)))

    return {"unigram": unigram, "bigram": bigram}


def slices(problem: Problem, split: str) -> dict[str, np.ndarray]:
    """Parts of a split's evaluation set as masks (sequences, time) over the predicted symbols.

    early, late: the first and the last quarter of the context.
    bigram: the bigram predictor gives the true symbol more probability than the unigram predictor; unigram: it does
        not. The two are a partition.
    """
    inputs, targets = problem.evaluation[split]
    time = targets.shape[1]
    place = np.broadcast_to(np.arange(time), targets.shape)
    predictors = references(problem)
    unigram, bigram = (
        np.take_along_axis(predictors[name](inputs), targets[..., None], -1)[..., 0] for name in ("unigram", "bigram")
    )
    return {
        "early": place < time // 4,
        "late": place >= time - time // 4,
        "bigram": bigram > unigram,
        "unigram": bigram <= unigram,
    }
