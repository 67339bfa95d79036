"""Next-symbol prediction on real text: the language-model task of the lottery ticket hypothesis.

Whole documents are split at random into train, validation and test; one that is longer than a split is cut first. The
tokeniser and the n-gram predictors are estimated on the train documents only. Each split is one stream of symbols, with
a separator before its first document and after each; a sequence is a window of the stream.
"""

from __future__ import annotations

import logging
from functools import cache
from typing import Annotated, ClassVar, Literal, Self

import numpy as np
import pandas as pd
from pydantic import Field, PositiveInt, model_validator

from workflow_scripts.ticketlab.core.errors import TicketlabError
from workflow_scripts.ticketlab.core.random_streams import generator
from workflow_scripts.ticketlab.settings.base import Share
from workflow_scripts.ticketlab.tasks.language import corpora, ngrams, tokenisers
from workflow_scripts.ticketlab.tasks.language.corpora import CorpusSettings
from workflow_scripts.ticketlab.tasks.language.documents import Document, cut, distinct
from workflow_scripts.ticketlab.tasks.language.tokenisers import SEPARATOR, TokeniserSettings
from workflow_scripts.ticketlab.tasks.problem import (
    SPLITS,
    Epochs,
    Predictor,
    Problem,
    TaskSection,
    cross_entropy,
    error_rate,
)

log = logging.getLogger(__name__)

# The reference predictors, and the number of symbols in their n-grams.
ORDERS = {"unigram": 1, "bigram": 2, "trigram": 3}
# A reference predictor is confident and right where it gives the true symbol at least this probability.
CONFIDENT = 0.5
# A symbol repeats its sequence where the last symbols up to it, this many, occurred together earlier in the sequence.
REPEATED = 4
# A document longer than a split is cut into pieces of this part of the split, or of this many contexts if that is more.
PIECES = 10
PIECE_CONTEXTS = 2


class Settings(TaskSection):
    INPUTS: ClassVar = "symbols in sequence"
    FINITE: ClassVar = True
    REFERENCES: ClassVar = tuple(ORDERS)
    SEEN: ClassVar = {name: order - 1 for name, order in ORDERS.items()}
    SCORES: ClassVar = ("induction", "duplicate_token")

    kind: Literal["text"]
    corpus: CorpusSettings
    tokeniser: TokeniserSettings
    context: Annotated[int, Field(ge=2)] = Field(default=64, description="symbols in a sequence")
    max_characters: PositiveInt | None = Field(
        default=None, description="documents are taken at random until they hold this many characters; null: all"
    )
    validation_share: Share = Field(default=0.1, description="of the corpus' characters, rounded to whole documents")
    test_share: Share = Field(default=0.1, description="of the corpus' characters, rounded to whole documents")
    evaluation_sequences: Annotated[int, Field(ge=2)] = Field(
        default=128, description="largest number of evaluated sequences of a split"
    )

    @model_validator(mode="after")
    def _shares_leave_a_rest(self) -> Self:
        if self.validation_share + self.test_share >= 1:
            raise ValueError("validation_share + test_share must be below 1: the rest is trained on")
        return self

    def largest(self) -> tuple[int, int, int]:
        symbols = self.tokeniser.symbols if self.tokeniser.kind == "characters" else self.tokeniser.vocabulary
        return symbols, symbols, self.context


def prepare(settings: Settings, study: str) -> tuple[pd.DataFrame, dict]:
    """One row per document: its name and its symbols, in the random order of the split."""
    documents, checksum = corpora.read(settings.corpus)
    whole = sum(len(document.text) for document in documents)
    log.info("corpus: %d documents, %d characters, sha256 %s", len(documents), whole, checksum)
    short = _short(documents, settings)
    chosen, splits = _split(short, settings, study)
    for split in SPLITS:
        if split not in splits:
            raise TicketlabError(f"no document is left for the {split} split; give the corpus more distinct text")
    texts = [document.text for document in chosen]
    tokeniser = tokenisers.fit(
        settings.tokeniser, [text for text, split in zip(texts, splits, strict=True) if split == "train"]
    )
    symbols = tokenisers.encode(tokeniser, texts)
    frame = pd.DataFrame(
        {
            "study": study,
            "split": splits,
            "example": np.arange(len(chosen)),
            "name": [document.name for document in chosen],
            "tokens": symbols,
            "features": None,
            "target": None,
        }
    )
    for split in SPLITS:
        available = len(_stream(frame["tokens"][frame["split"] == split]))
        if available <= settings.context:
            raise TicketlabError(
                f"the {split} split holds {available} symbols in {splits.count(split)} documents, less than a sequence "
                f"of context {settings.context} and its target; give the corpus more documents, or lower task.context"
            )
    _log_use(splits, texts, symbols)
    log.info("in all: %d of %d documents, %d of %d characters", len(texts), len(short), sum(map(len, texts)), whole)
    return frame, {
        "vocabulary": tokenisers.size(tokeniser),
        "tokeniser": tokeniser,
        "corpus_sha256": checksum,
        "corpus_documents": len(documents),
        "characters": sum(map(len, texts)),
    }


def _log_use(splits: list[str], texts: list[str], symbols: list[np.ndarray]) -> None:
    table = pd.DataFrame({"split": splits, "characters": [*map(len, texts)], "symbols": [*map(len, symbols)]})
    for split, rows in table.groupby("split"):
        sums = rows[["characters", "symbols"]].sum()
        log.info("%s: %d documents, %d characters, %d symbols", split, len(rows), sums["characters"], sums["symbols"])


def _short(documents: list[Document], settings: Settings) -> list[Document]:
    """Documents that are no longer than the smallest split, so that none is empty: longer ones are cut.

    Their pieces are a tenth of it, so that chance decides little of its size, but hold a context where they can.
    """
    share = min(settings.test_share, settings.validation_share, 1 - settings.test_share - settings.validation_share)
    most = int(share * _characters(documents, settings))
    if all(len(document.text) <= most for document in documents):
        return documents
    length = max(most // PIECES, min(most, PIECE_CONTEXTS * settings.context), 1)
    pieces = [[document] if len(document.text) <= most else list(cut(document, length)) for document in documents]
    log.info(
        "%d documents longer than a split of %d characters are cut into %d pieces of up to %d characters",
        sum(len(found) > 1 for found in pieces),
        most,
        sum(len(found) for found in pieces if len(found) > 1),
        length,
    )
    return distinct(piece for found in pieces for piece in found)


def _characters(documents: list[Document], settings: Settings) -> int:
    """The number of characters that are used."""
    whole = sum(len(document.text) for document in documents)
    return min(whole, settings.max_characters or whole)


def _split(documents: list[Document], settings: Settings, study: str) -> tuple[list[Document], list[str]]:
    """Documents in random order with their splits: test, validation, train, each its share of the characters."""
    order = generator(study, "split", 0).permutation(len(documents))
    lengths = np.array([len(documents[index].text) for index in order])
    start = np.cumsum(lengths) - lengths
    total = _characters(documents, settings)
    bounds = np.array([settings.test_share, settings.test_share + settings.validation_share, 1.0]) * total
    place = np.searchsorted(bounds, start, side="right")
    names = ("test", "validation", "train")
    kept = start < total
    return [documents[index] for index in order[kept]], [names[index] for index in place[kept]]


def _stream(documents: pd.Series) -> np.ndarray:
    """Separator, document, separator, document, …, separator."""
    parts = [np.array([SEPARATOR], dtype=np.int32)]
    for symbols in documents:
        parts += [symbols, parts[0]]
    return np.concatenate(parts)


def load(frame: pd.DataFrame, facts: dict, settings: Settings) -> Problem:
    """The task from its `data` table.

    An epoch is adjacent windows of the train stream, the first at a random symbol below `context`: the same windows for
    every data order, others in the next epoch. Of L symbols in the stream it holds L // context − 1 windows, so all
    symbols but less than two windows at the ends are read once. A batch of `sample` is windows at any place.
    """
    study = str(frame["study"].iloc[0])
    streams = {split: _stream(rows["tokens"]) for split, rows in frame.groupby("split")}
    window = np.arange(settings.context + 1)

    def sequences(split: str, starts: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        symbols = streams[split][starts[:, None] + window].astype(np.int64)
        return symbols[:, :-1], symbols[:, 1:]

    def sample(random: np.random.Generator, batch_size: int) -> tuple[np.ndarray, np.ndarray]:
        return sequences("train", random.integers(len(streams["train"]) - settings.context, size=batch_size))

    windows = max(1, len(streams["train"]) // settings.context - 1)
    offsets = min(settings.context, len(streams["train"]) - windows * settings.context)

    @cache
    def offset(epoch: int) -> int:
        return int(generator(study, "epoch offset", epoch).integers(offsets))

    def take(epoch: int, chosen: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        return sequences("train", offset(epoch) + chosen * settings.context)

    def evaluation(split: str) -> tuple[np.ndarray, np.ndarray]:
        """Adjacent windows, drawn without replacement, so that no symbol is predicted twice."""
        available = (len(streams[split]) - 1) // settings.context
        drawn = generator(study, "evaluation", split).permutation(available)[: settings.evaluation_sequences]
        return sequences(split, np.sort(drawn) * settings.context)

    return Problem(
        inputs=facts["vocabulary"],
        outputs=facts["vocabulary"],
        context=settings.context,
        sample=sample,
        evaluation={split: evaluation(split) for split in SPLITS},
        metrics={"loss": cross_entropy, "error": error_rate},
        extras={"streams": streams, "symbol_texts": tokenisers.symbol_texts(facts["tokeniser"])},
        epochs=Epochs(windows, take),
        repetition=True,
    )


def references(problem: Problem) -> dict[str, Predictor]:
    """n-gram predictors of the train stream (tasks/language/ngrams.py).

    Each maps inputs (sequences, time) to natural logs of probabilities, (sequences, time, outputs) float32.
    """
    model = ngrams.fit(problem.extras["streams"]["train"], problem.outputs, max(ORDERS.values()))
    return {name: model.shorter(order).log_probabilities for name, order in ORDERS.items()}


def slices(problem: Problem, split: str) -> dict[str, np.ndarray]:
    """Parts of a split's evaluation set as masks (sequences, time) over the predicted symbols.

    early, late: the first and the last quarter of the context.
    bigram: predicted with confidence by the bigram predictor; trigram: by the trigram but not the bigram predictor;
        beyond: by neither. The three are a partition.
    repeated: the symbol and the REPEATED − 1 before it occurred earlier in the sequence: a copy would be right.
    word_start: the first symbol of a word; word_rest: all others.
    """
    inputs, targets = problem.evaluation[split]
    time = targets.shape[1]
    place = np.broadcast_to(np.arange(time), targets.shape)
    predictors = references(problem)
    bigram, trigram = (
        np.exp(np.take_along_axis(predictors[name](inputs), targets[..., None], -1)[..., 0]) >= CONFIDENT
        for name in ("bigram", "trigram")
    )
    word_start = _word_starts(problem.extras["symbol_texts"], inputs, targets)
    return {
        "early": place < time // 4,
        "late": place >= time - time // 4,
        "bigram": bigram,
        "trigram": trigram & ~bigram,
        "beyond": ~trigram & ~bigram,
        "repeated": _repeats(np.concatenate([inputs[:, :1], targets], axis=1))[:, 1:],
        "word_start": word_start,
        "word_rest": ~word_start,
    }


def _repeats(symbols: np.ndarray) -> np.ndarray:
    """Where the last REPEATED symbols occurred together earlier: (sequences, length) to a mask of that shape."""
    found = np.zeros(symbols.shape, dtype=bool)
    for lag in range(1, symbols.shape[1] - REPEATED + 1):
        same = symbols[:, lag:] == symbols[:, :-lag]
        run = np.lib.stride_tricks.sliding_window_view(same, REPEATED, axis=1).all(-1)
        found[:, lag + REPEATED - 1 :] |= run
    return found


def _word_starts(texts: list[str], inputs: np.ndarray, targets: np.ndarray) -> np.ndarray:
    """Where the target begins a word: it has ink, and white space or a separator before it or at its beginning."""
    ink = np.array([bool(text.strip()) for text in texts])
    opens = np.array([text[:1].isspace() for text in texts])
    ends = np.array([text == "" or text[-1].isspace() for text in texts])
    return ink[targets] & (opens[targets] | ends[inputs])
