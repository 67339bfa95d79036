"""Documents of the user's own files: text, and tables with a column of text, either compressed by gzip or not.

A text is decoded as its byte order mark says, else by the encoding that the config declares. Everything that cannot be
read is refused in one sentence with the file, the place in it and the remedy.
"""

import codecs
import csv
import gzip
import io
import json
import logging
import sys
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path

from workflow_scripts.ticketlab.core.errors import TicketlabError, shown
from workflow_scripts.ticketlab.core.folders import files_below
from workflow_scripts.ticketlab.tasks.language.documents import Document, of_file

log = logging.getLogger(__name__)

TEXT = (".md", ".rst", ".tex", ".text", ".txt")
GZIP = b"\x1f\x8b"
# UTF-32's mark begins with UTF-16's.
MARKS = {
    codecs.BOM_UTF8: "utf-8",
    codecs.BOM_UTF32_LE: "utf-32-le",
    codecs.BOM_UTF32_BE: "utf-32-be",
    codecs.BOM_UTF16_LE: "utf-16-le",
    codecs.BOM_UTF16_BE: "utf-16-be",
}
# The texts of a table's rows, each with the number of the row; None for a row without text.
Rows = list[tuple[int, str | None]]


def read(path: Path, column: str, encoding: str) -> list[Document]:
    """The documents of a file, or of each file with a known suffix below a folder, in the order of their names."""
    if not path.is_dir():
        name = shown(path.name)
        if is_table(path):
            return _documents(name, path, column, encoding)
        text = _text(path, encoding)
        if not text.strip():
            raise TicketlabError(f"{shown(path)}: the file is empty; correct corpus.path")
        return list(of_file(name, text))
    files = files_below(path)
    known = [file for file in files if is_table(file) or _suffix(file) in TEXT]
    if not known:
        raise TicketlabError(f"{shown(path)}: no text files in this folder; name them {', '.join(SUFFIXES)}")
    if len(known) < len(files):
        others = sorted({shown(file.suffix) or "no suffix" for file in files if file not in {*known}})
        log.info("%s: %d of %d files read; not: %s", shown(path), len(known), len(files), ", ".join(others))
    found = []
    for file in known:
        name = shown(file.relative_to(path).as_posix())
        tabular = is_table(file)
        found += _documents(name, file, column, encoding) if tabular else [Document(name, _text(file, encoding))]
    return found


def is_table(path: Path) -> bool:
    return _suffix(path) in TABLES


def rows(path: Path, column: str, encoding: str) -> Rows:
    """The column of texts of a table."""
    return checked(shown(path), column, TABLES[_suffix(path)](path, column, encoding))


def checked(source: str, column: str, values: Iterator[tuple[int, object]]) -> Rows:
    """These rows, where each holds text or nothing; the log says how many have no text.

    Raises TicketlabError, with the row, where one holds anything else, and if none has text.
    """
    found: Rows = []
    for row, value in values:
        if not isinstance(value, str | None):
            raise TicketlabError(
                f"{source}: column {column!r} does not hold text but {type(value).__name__} in row {row}; "
                "correct corpus.column"
            )
        try:
            (value or "").encode()
        except UnicodeEncodeError as error:
            raise TicketlabError(
                f"{source}: row {row} holds half a surrogate pair, which is no character; repair or remove it"
            ) from error
        found.append((row, value if value and value.strip() else None))
    without = [row for row, value in found if value is None]
    if len(without) == len(found):
        raise TicketlabError(f"{source}: no text in column {column!r} of {len(found)} rows; correct corpus.column")
    if without:
        log.warning("%s: %d of %d rows have no text, the first: row %d", source, len(without), len(found), without[0])
    return found


def _documents(name: str, path: Path, column: str, encoding: str) -> list[Document]:
    return [Document(f"{name}:{row}", text) for row, text in rows(path, column, encoding) if text]


def _suffix(path: Path) -> str:
    return Path(path.name.lower().removesuffix(".gz")).suffix


def _text(path: Path, encoding: str) -> str:
    """A file's text without byte order mark, with line breaks that are one character."""
    data = _content(path)
    mark = next((mark for mark in MARKS if data.startswith(mark)), b"")
    encoding = MARKS.get(mark, encoding)
    try:
        text = data[len(mark) :].decode(encoding)
        text.encode()  # escapes and utf-7 can spell half a surrogate pair, which is no character
    except UnicodeError as error:  # some codecs raise it without a place
        place = len(mark) + getattr(error, "start", 0)
        reason = getattr(error, "reason", error)
    else:
        if "\0" not in text:
            return text.replace("\r\n", "\n")
        # utf-16 and utf-32, without byte order, encode to a mark and the text.
        place = len(mark) + len(text[: text.index("\0")].encode(encoding)) - len("".encode(encoding))
        reason = "a NUL, so it is no text file, or has another encoding"
    raise TicketlabError(
        f"{shown(path)}: not {encoding} text: byte {place} is {reason}; set corpus.encoding to the file's own, convert "
        "it to UTF-8, or remove it"
    )


def _content(path: Path) -> bytes:
    """A file's bytes, decompressed."""
    if not path.is_file():  # reading a pipe would never end
        raise TicketlabError(f"{shown(path)}: no such file or folder; correct corpus.path, or remove what leads there")
    try:
        data = path.read_bytes()
    except OSError as error:
        raise TicketlabError(f"{shown(path)}: cannot be read ({error.strerror}); correct corpus.path") from error
    if not data.startswith(GZIP):
        return data
    parts = []
    try:
        with gzip.GzipFile(fileobj=io.BytesIO(data)) as stream:
            while part := stream.read1():
                parts.append(part)
    except (EOFError, OSError, zlib.error) as error:
        lines = sum(part.count(b"\n") for part in parts)
        raise TicketlabError(
            f"{shown(path)}: the compressed file is cut off or damaged after line {lines} ({error}); copy it again"
        ) from error
    return b"".join(parts)


def _json(path: Path, column: str, encoding: str) -> Iterator[tuple[int, object]]:
    """A list of objects, or one object a line."""
    text = _text(path, encoding)
    if text.lstrip().startswith("["):
        objects = list(enumerate(_parsed(path, "the list", text), 1))
    else:
        lines = enumerate(text.split("\n"), 1)
        objects = [(row, _parsed(path, f"row {row}", line)) for row, line in lines if line.strip()]
    names: dict[str, None] = {}
    for row, found in objects:
        if not isinstance(found, dict):
            raise TicketlabError(f"{shown(path)}: row {row} is no JSON object, {{…}}; repair or remove it")
        names |= dict.fromkeys(found)
    _known(path, column, list(names))
    return ((row, found.get(column)) for row, found in objects)


def _parsed(path: Path, place: str, text: str):  # type: ignore[no-untyped-def]
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        raise TicketlabError(f"{shown(path)}: {place} is no JSON ({error}); repair or remove it") from error


def _csv(path: Path, column: str, encoding: str, delimiter: str = ",") -> Iterator[tuple[int, object]]:
    csv.field_size_limit(sys.maxsize)  # a document may be of any length
    table = csv.reader(io.StringIO(_text(path, encoding), newline=""), delimiter=delimiter, strict=True)
    row = 0
    try:
        names = next(table, [])
        place = _known(path, column, names)
        for row, fields in enumerate(table, 1):
            if fields and len(fields) != len(names):
                raise csv.Error(f"{len(fields)} fields instead of {len(names)}")
            if fields:
                yield row, fields[place]
    except csv.Error as error:
        raise TicketlabError(f"{shown(path)}: row {row} or the next is broken ({error}); repair it") from error


def _tsv(path: Path, column: str, encoding: str) -> Iterator[tuple[int, object]]:
    return _csv(path, column, encoding, "\t")


def _parquet(path: Path, column: str, encoding: str) -> Iterator[tuple[int, object]]:
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        file = pq.ParquetFile(pa.BufferReader(_content(path)), page_checksum_verification=True)
        _known(path, column, file.schema_arrow.names)
        return enumerate(file.read([column])[column].to_pylist(), 1)
    except (pa.ArrowException, OSError, UnicodeError) as error:
        reason = " ".join(str(error).split())
        raise TicketlabError(f"{shown(path)}: not a whole Parquet file ({reason}); copy it again") from error


def _known(path: Path, column: str, names: list[str]) -> int:
    """The place of the column among these."""
    if column not in names:
        there = f"only {', '.join(map(shown, names))}" if names else "for the file is empty"
        raise TicketlabError(f"{shown(path)}: no column {column!r}, {there}; correct corpus.column, or remove the file")
    return names.index(column)


TABLES: dict[str, Callable[[Path, str, str], Iterator[tuple[int, object]]]] = {
    ".csv": _csv,
    ".tsv": _tsv,
    ".json": _json,
    ".jsonl": _json,
    ".ndjson": _json,
    ".parquet": _parquet,
}
SUFFIXES = (*TEXT, *TABLES)
