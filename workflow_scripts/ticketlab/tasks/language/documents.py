"""Documents, and how a text that is too long to be one becomes several."""

from collections.abc import Iterable, Iterator
from typing import NamedTuple

# A lone file becomes documents that end at the first blank line after this many characters, or at the first line break
# after PATIENCE times as many: short enough to be split at random, long enough to hold a context.
FILE_DOCUMENT_CHARACTERS = 1_000
PATIENCE = 4
# Where a document without such places is cut, the best first.
BOUNDARIES = ("\n\n", "\n", " ")


class Document(NamedTuple):
    name: str
    text: str


def distinct(documents: Iterable[Document]) -> list[Document]:
    """The documents that have text, each text once."""
    first: dict[str, Document] = {}
    for document in documents:
        if document.text.strip():
            first.setdefault(document.text, document)
    return list(first.values())


def of_file(name: str, text: str) -> Iterator[Document]:
    """Documents of one file, named after it and their first line; see FILE_DOCUMENT_CHARACTERS."""
    lines: list[str] = []
    length = 0
    for number, line in enumerate(text.splitlines(keepends=True), 1):
        lines.append(line)
        length += len(line)
        limit = FILE_DOCUMENT_CHARACTERS * (1 if not line.strip() else PATIENCE)
        if length >= limit:
            yield Document(f"{name}:{number - len(lines) + 1}", "".join(lines).strip("\n"))
            lines, length = [], 0
    if lines:
        yield Document(f"{name}:{number - len(lines) + 1}", "".join(lines).strip("\n"))


def cut(document: Document, most: int) -> Iterator[Document]:
    """The document in pieces of at most `most` ≥ 1 characters, named after their first character; joined, they are it.

    A piece ends at the last of the best BOUNDARIES in its second half.
    """
    name, text = document
    start = 0
    while start < len(text):
        end = start + most
        if end < len(text):
            found = (text.rfind(mark, start + most // 2, end) + len(mark) for mark in BOUNDARIES)
            end = next((place for place in found if place > start + most // 2), end)
        yield Document(f"{name}@{start}", text[start:end])
        start = end
