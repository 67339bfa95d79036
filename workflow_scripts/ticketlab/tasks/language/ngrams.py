"""n-gram predictors: the probability of the next symbol given the last 0, 1 or 2, as a hierarchical Dirichlet model.

With c the counts of the train stream and the recursion starting at the uniform distribution (order 0),

    p_n(w | context) = (c(context, w) + α_n · p_{n−1}(w | shorter context)) / (c(context) + α_n)

(MacKay & Peto 1995). Each α_n maximises the leaving-one-out likelihood of the train stream (Ney, Essen & Kneser 1995),
so nothing is tuned on another split. Every p_n is a proper, everywhere positive distribution for every context; an
unseen context, or one cut off by the sequence's beginning, falls back on the shorter one. Counts are stored sparsely:
the memory is at most that of the train stream per order, for any vocabulary.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

STRENGTHS = 2.0 ** np.arange(-8, 17)  # candidate values of α


@dataclass(frozen=True)
class Level:
    """Counts of n-grams of one length. codes: (K,) sorted, each n-gram as a number in base `vocabulary`."""

    codes: np.ndarray
    counts: np.ndarray
    strength: float


@dataclass(frozen=True)
class NGram:
    """A fitted predictor of order len(levels); levels[k] predicts from k symbols."""

    vocabulary: int
    levels: tuple[Level, ...]

    def shorter(self, order: int) -> NGram:
        """The predictor of this lower order, with which this one interpolates."""
        return NGram(self.vocabulary, self.levels[:order])

    def log_probabilities(self, inputs: np.ndarray) -> np.ndarray:
        """Natural logs of the probabilities of the symbol after each place: (sequences, time, vocabulary) float32.

        inputs: (sequences, time). Time and memory grow as sequences · time · vocabulary.
        """
        sequences, time = inputs.shape
        probabilities = np.full((sequences * time, self.vocabulary), 1 / self.vocabulary)
        for length, level in enumerate(self.levels):
            context = _codes(inputs, length, self.vocabulary)
            first = np.searchsorted(level.codes, context * self.vocabulary)
            last = np.searchsorted(level.codes, (context + 1) * self.vocabulary)
            rows = np.arange(sequences * time).reshape(sequences, time)[:, time - context.shape[1] :]
            rows, first, size = rows.ravel(), first.ravel(), (last - first).ravel()
            row = np.repeat(np.arange(len(rows)), size)
            entry = np.arange(len(row)) + np.repeat(first - (np.cumsum(size) - size), size)
            total = np.bincount(row, level.counts[entry], minlength=len(rows)) + level.strength
            probabilities[rows] *= (level.strength / total)[:, None]
            probabilities[rows[row], level.codes[entry] % self.vocabulary] += level.counts[entry] / total[row]
        return np.log(probabilities).astype(np.float32).reshape(sequences, time, self.vocabulary)


def fit(stream: np.ndarray, vocabulary: int, order: int) -> NGram:
    """The predictor from `order` − 1 symbols (1: unigram, 2: bigram, 3: trigram) of a stream of symbols."""
    levels: list[Level] = []
    for length in range(order):
        codes, counts = np.unique(_codes(stream, length + 1, vocabulary), return_counts=True)
        likelihoods = [
            float(counts @ np.log(_left_out([*levels, Level(codes, counts, strength)], vocabulary)))
            for strength in STRENGTHS
        ]
        levels.append(Level(codes, counts, float(STRENGTHS[int(np.argmax(likelihoods))])))
    return NGram(vocabulary, tuple(levels))


def _left_out(levels: list[Level], vocabulary: int) -> np.ndarray:
    """The probability that each n-gram of the last level has when one occurrence of it is left out of the counts."""
    *shorter, level = levels
    _, group = np.unique(level.codes // vocabulary, return_inverse=True)
    context_counts = np.bincount(group, level.counts)[group]
    if shorter:
        place = np.searchsorted(shorter[-1].codes, level.codes % vocabulary ** len(shorter))
        base = _left_out(shorter, vocabulary)[place]
    else:
        base = np.full(len(level.codes), 1 / vocabulary)
    return (level.counts - 1 + level.strength * base) / (context_counts - 1 + level.strength)


def _codes(symbols: np.ndarray, length: int, vocabulary: int) -> np.ndarray:
    """The last `length` symbols up to each place of the last axis, as one number; places with too few are left out."""
    if length == 0:
        return np.zeros(symbols.shape, dtype=np.int64)
    places = symbols.shape[-1] - length + 1
    return sum(
        symbols[..., shift : shift + places].astype(np.int64) * vocabulary ** (length - 1 - shift)
        for shift in range(length)
    )
