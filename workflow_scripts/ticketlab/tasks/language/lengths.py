"""The characters and bytes of text behind one predicted symbol, by which losses of different tokenisers compare."""

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from workflow_scripts.ticketlab.tasks.language import tokenisers


@dataclass(frozen=True)
class Lengths:
    """characters, bytes (UTF-8): on average of one predicted symbol."""

    characters: float
    bytes: float

    def per_character(self, nats: float) -> float:
        """nats: per predicted symbol."""
        return nats / self.characters

    def bits_per_byte(self, nats: float) -> float:
        return nats / self.bytes / math.log(2)


def of_documents(tokeniser: Mapping[str, Any], documents: Iterable[np.ndarray]) -> Lengths:
    """Of documents as symbols. The separator after each is predicted, too, and is no text.

    The text is what the symbols say: a character tokeniser's unknown symbol counts as one character of one byte.
    """
    symbols = characters = size = 0
    for document in documents:
        text = tokenisers.decode(dict(tokeniser), document)
        symbols += len(document) + 1
        characters += len(text)
        size += len(text.replace("\ufffd", "?").encode())
    return Lengths(characters / symbols, size / symbols)
