"""Tokenisers from text to symbols: characters, or byte-level BPE (Sennrich et al. 2016; Radford et al. 2019).

A tokeniser is fitted on the train documents and is then a JSON-like dict, so that a table's metadata can hold it.
Symbol 0 is the separator between documents; no text encodes to it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Annotated, Any, Literal

import numpy as np
from pydantic import Field

from workflow_scripts.ticketlab.settings.base import Section

SEPARATOR = 0
UNKNOWN = 1  # characters only: a byte-level tokeniser has no unknown symbol
BYTES = 256


class CharacterSettings(Section):
    kind: Literal["characters"]
    symbols: Annotated[int, Field(ge=3)] = Field(
        default=64, description="size of the vocabulary: separator, unknown, and the most frequent characters"
    )
    lower_case: bool = True


class BPESettings(Section):
    kind: Literal["bpe"]
    vocabulary: Annotated[int, Field(gt=BYTES)] = Field(
        default=512, description="size of the vocabulary: separator, 256 bytes, and merges"
    )


TokeniserSettings = Annotated[CharacterSettings | BPESettings, Field(discriminator="kind")]


def fit(settings: CharacterSettings | BPESettings, texts: Sequence[str]) -> dict[str, Any]:
    """The tokeniser of these texts. Frequency ties go to the lower code point; the result is deterministic."""
    if settings.kind == "characters":
        counts = Counter(_case("".join(texts), settings.lower_case))
        ranked = sorted(counts, key=lambda character: (-counts[character], character))
        return {
            "kind": "characters",
            "lower_case": settings.lower_case,
            "characters": "".join(sorted(ranked[: settings.symbols - 2])),
        }
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers

    model = Tokenizer(models.BPE())
    model.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    model.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=settings.vocabulary - 1,
        initial_alphabet=sorted(pre_tokenizers.ByteLevel.alphabet()),
        special_tokens=[],  # the separator is added outside, so that no text that spells it is encoded as it
        show_progress=False,
    )
    model.train_from_iterator(texts, trainer)
    return {"kind": "bpe", "model": model.to_str()}


def size(tokeniser: dict[str, Any]) -> int:
    """Number of symbols."""
    if tokeniser["kind"] == "characters":
        return len(tokeniser["characters"]) + 2
    return _bpe(tokeniser).get_vocab_size() + 1


def encode(tokeniser: dict[str, Any], texts: Sequence[str]) -> list[np.ndarray]:
    """The symbols of each text, int32, without separators."""
    if tokeniser["kind"] == "bpe":
        model = _bpe(tokeniser)
        return [np.array(model.encode(text).ids, dtype=np.int32) + 1 for text in texts]
    known = np.array([ord(character) for character in tokeniser["characters"]], dtype=np.uint32)
    encoded = []
    for text in texts:
        points = np.frombuffer(_case(text, tokeniser["lower_case"]).encode("utf-32-le"), dtype=np.uint32)
        place = np.searchsorted(known, points).clip(max=len(known) - 1)
        encoded.append(np.where(known[place] == points, place + 2, UNKNOWN).astype(np.int32))
    return encoded


def decode(tokeniser: dict[str, Any], symbols: Sequence[int] | np.ndarray) -> str:
    """The text of these symbols; separators are left out and unknown characters become U+FFFD."""
    kept = [int(symbol) for symbol in symbols if symbol != SEPARATOR]
    if tokeniser["kind"] == "bpe":
        return _bpe(tokeniser).decode([symbol - 1 for symbol in kept])
    alphabet = "\0\ufffd" + tokeniser["characters"]
    return "".join(alphabet[symbol] for symbol in kept)


def symbol_texts(tokeniser: dict[str, Any]) -> list[str]:
    """The text of each symbol; the separator's is empty."""
    if tokeniser["kind"] == "characters":
        return ["", "\ufffd", *tokeniser["characters"]]
    model = _bpe(tokeniser)
    return ["", *(model.decode([symbol]) for symbol in range(model.get_vocab_size()))]


def _case(text: str, lower: bool) -> str:
    return text.lower() if lower else text


def _bpe(tokeniser: dict[str, Any]):  # type: ignore[no-untyped-def]
    from tokenizers import Tokenizer

    return Tokenizer.from_str(tokeniser["model"])
