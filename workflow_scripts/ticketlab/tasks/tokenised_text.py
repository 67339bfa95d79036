"""Next-symbol prediction on real text under a given tokeniser, that of networks which were trained elsewhere.

Corpus, splits and windows are as in tasks/text.py. The symbols are those of the user's tokenizer.json, unchanged, so
that they are the rows of a released network's embedding; each document lies between two separators. The n-gram
predictors are estimated on the train documents under the same tokeniser. Networks may have more rows than the tokeniser
has symbols (a padded vocabulary): the rest never occurs, and predictors give it what smoothing leaves.
"""

from __future__ import annotations

import logging
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, ClassVar, Literal, Self

import numpy as np
import pandas as pd
from pydantic import Field, PositiveInt, model_validator

from workflow_scripts.ticketlab.core.errors import TicketlabError, shown
from workflow_scripts.ticketlab.core.random_streams import generator
from workflow_scripts.ticketlab.settings.base import Section, Share
from workflow_scripts.ticketlab.tasks import text
from workflow_scripts.ticketlab.tasks.language import corpora
from workflow_scripts.ticketlab.tasks.language.corpora import CorpusSettings
from workflow_scripts.ticketlab.tasks.language.tokenisers import CharacterSettings
from workflow_scripts.ticketlab.tasks.problem import SPLITS, Problem, TaskSection, cross_entropy, error_rate

if TYPE_CHECKING:
    from tokenizers import Tokenizer

log = logging.getLogger(__name__)


class TokeniserFile(Section):
    path: str = Field(min_length=1, description="a tokenizer.json of the tokenizers library")
    separator: str = Field("<|endoftext|>", description="the token between documents")


class Settings(TaskSection):
    INPUTS: ClassVar = "symbols in sequence"
    REFERENCES: ClassVar = tuple(text.ORDERS)
    SEEN: ClassVar = {name: order - 1 for name, order in text.ORDERS.items()}
    SCORES: ClassVar = ("induction", "duplicate_token")

    kind: Literal["tokenised_text"]
    corpus: CorpusSettings
    tokeniser: TokeniserFile
    vocabulary: Annotated[int, Field(ge=3)] = Field(
        description="rows of the networks' embedding (vocab_size in config.json)"
    )
    context: Annotated[int, Field(ge=2)] = Field(default=64, description="symbols in a sequence")
    max_characters: PositiveInt | None = Field(
        default=None, description="documents are taken at random until they hold this many characters; null: all"
    )
    validation_share: Share = Field(default=0.1, description="of the corpus' characters, rounded to whole documents")
    test_share: Share = Field(default=0.1, description="of the corpus' characters, rounded to whole documents")
    evaluation_sequences: Annotated[int, Field(ge=2)] = Field(
        default=32, description="largest number of evaluated sequences of a split"
    )

    @model_validator(mode="after")
    def _shares_leave_a_rest(self) -> Self:
        if self.validation_share + self.test_share >= 1:
            raise ValueError("validation_share + test_share must be below 1: predictors are estimated on the rest")
        return self

    def largest(self) -> tuple[int, int, int]:
        return self.vocabulary, self.vocabulary, self.context

    def as_text(self) -> text.Settings:
        """The settings by which tasks/text.py chooses and splits documents."""
        shared = self.model_dump(exclude={"kind", "tokeniser", "vocabulary"})
        return text.Settings(kind="text", tokeniser=CharacterSettings(kind="characters"), **shared)


def prepare(settings: Settings, study: str) -> tuple[pd.DataFrame, dict]:
    """One row per document: its name and its symbols, in the random order of the split.

    Raises TicketlabError if the tokeniser cannot be read, has no such separator, or has more symbols than the networks.
    """
    tokeniser = _read(settings)
    documents, checksum = corpora.read(settings.corpus)
    chosen, splits = text._split(text._short(documents, settings.as_text()), settings.as_text(), study)
    texts = [document.text for document in chosen]
    symbols = [np.array(found.ids, dtype=np.int32) for found in tokeniser.encode_batch(texts, add_special_tokens=False)]
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
        available = int(sum(map(len, frame["tokens"][frame["split"] == split])))
        if available <= settings.context:
            raise TicketlabError(
                f"the {split} split holds {available} symbols, less than a sequence of context {settings.context} and "
                "its target; give the corpus more documents, or lower task.context"
            )
    text._log_use(splits, texts, symbols)
    return frame, {
        "tokeniser": tokeniser.to_str(),
        "separator": tokeniser.token_to_id(settings.tokeniser.separator),
        "corpus_sha256": checksum,
        "corpus_documents": len(documents),
        "characters": sum(map(len, texts)),
    }


def _read(settings: Settings) -> Tokenizer:
    from tokenizers import Tokenizer

    path, separator = Path(settings.tokeniser.path), settings.tokeniser.separator
    try:
        tokeniser = Tokenizer.from_file(str(path))
    except Exception as error:  # the library raises Exception itself
        raise TicketlabError(f"{shown(path)}: no tokenizer.json of the tokenizers library ({error})") from error
    size = tokeniser.get_vocab_size()
    if size > settings.vocabulary:
        raise TicketlabError(
            f"{shown(path)}: it has {size} symbols, and the networks' embedding {settings.vocabulary} rows "
            "(task.vocabulary): it is another network's tokeniser, or the number is wrong"
        )
    if tokeniser.token_to_id(separator) is None:
        special = [token.content for token in tokeniser.get_added_tokens_decoder().values() if token.special]
        raise TicketlabError(
            f"{shown(path)}: no token {separator!r}; task.tokeniser.separator may be one of {', '.join(special)}"
        )
    if size < settings.vocabulary:
        log.info("padded vocabulary: %d rows for %d symbols; the rest occurs in no text", settings.vocabulary, size)
    beginning = tokeniser.encode("").tokens
    if beginning:
        log.warning(
            "the tokeniser begins texts with %s, which windows from the middle of a stream lack: losses are those "
            "of text without a beginning",
            " ".join(beginning),
        )
    else:
        log.info("no BOS: the tokeniser adds no beginning to a text; windows are cut from the stream as it is")
    return tokeniser


def load(frame: pd.DataFrame, facts: dict, settings: Settings) -> Problem:
    """The task from its `data` table. A batch of `sample` is windows at any place of the train stream."""
    from tokenizers import Tokenizer

    study = str(frame["study"].iloc[0])
    separator = np.array([facts["separator"]], dtype=np.int32)
    streams = {
        split: np.concatenate([separator, *(part for document in rows["tokens"] for part in (document, separator))])
        for split, rows in frame.groupby("split")
    }
    window = np.arange(settings.context + 1)

    def sequences(split: str, starts: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        symbols = streams[split][starts[:, None] + window].astype(np.int64)
        return symbols[:, :-1], symbols[:, 1:]

    def sample(random: np.random.Generator, batch_size: int) -> tuple[np.ndarray, np.ndarray]:
        return sequences("train", random.integers(len(streams["train"]) - settings.context, size=batch_size))

    def evaluation(split: str) -> tuple[np.ndarray, np.ndarray]:
        """Adjacent windows, drawn without replacement, so that no symbol is predicted twice."""
        available = (len(streams[split]) - 1) // settings.context
        drawn = generator(study, "evaluation", split).permutation(available)[: settings.evaluation_sequences]
        return sequences(split, np.sort(drawn) * settings.context)

    tokeniser = Tokenizer.from_str(facts["tokeniser"])
    known = tokeniser.get_vocab_size()
    texts = [tokeniser.decode([symbol]) if symbol < known else "" for symbol in range(settings.vocabulary)]
    return Problem(
        inputs=settings.vocabulary,
        outputs=settings.vocabulary,
        context=settings.context,
        sample=sample,
        evaluation={split: evaluation(split) for split in SPLITS},
        metrics={"loss": cross_entropy, "error": error_rate},
        extras={"streams": streams, "symbol_texts": texts},
        repetition=True,
    )


references = text.references
slices = text.slices
