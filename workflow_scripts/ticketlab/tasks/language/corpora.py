"""Corpora as documents: docstrings or source of installed packages, text files, or a Hugging Face dataset.

A corpus is its documents in a fixed order, exact duplicates removed; its checksum is a function of their texts alone.
Two readings of the same material are equal: nothing depends on the location of a package or a file, on the order in
which a file system lists them, or on compiled files.
"""

from __future__ import annotations

import ast
import hashlib
import tempfile
import warnings
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Annotated, Literal, NamedTuple

from pydantic import Field, PositiveInt

from workflow_scripts.ticketlab.core.errors import TicketlabError
from workflow_scripts.ticketlab.settings.base import Section

TEXT_SUFFIXES = (".md", ".rst", ".tex", ".text", ".txt")
# A lone file becomes documents that end at the first blank line after this many characters, or at the first line break
# after PATIENCE times as many: short enough to be split at random, long enough to hold a context.
FILE_DOCUMENT_CHARACTERS = 1_000
PATIENCE = 4
# A line of a docstring so long that a second occurrence is a copy.
TEMPLATE_CHARACTERS = 40

_NAMED = (ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)


class Document(NamedTuple):
    name: str
    text: str


class _Corpus(Section):
    sha256: str | None = Field(
        default=None,
        pattern="^[0-9a-f]{64}$",
        description="the corpus must have this checksum (prepare_data's log shows it)",
    )


class _PackagesCorpus(_Corpus):
    packages: list[Annotated[str, Field(pattern=r"^[A-Za-z_]\w*$")]] = Field(
        default=["numpy", "pandas", "matplotlib"], min_length=1, description="top-level names, as in an import"
    )


class DocstringsCorpus(_PackagesCorpus):
    """Docstrings of installed packages: real text that every machine has after set-up."""

    kind: Literal["docstrings"]
    min_characters: PositiveInt = Field(default=100, description="shorter docstrings, often boilerplate, are left out")


class SourceCorpus(_PackagesCorpus):
    """The Python files of installed packages, each a document: text in which the same names recur."""

    kind: Literal["source"]


class FileCorpus(_Corpus):
    """A folder in which each text file (also in sub-folders) is a document, or one file, cut at blank lines."""

    kind: Literal["file"]
    path: str = Field(description=f"UTF-8 text: a file, or a folder of {', '.join(TEXT_SUFFIXES)} files")


class HuggingFaceCorpus(_Corpus):
    """A dataset of the `datasets` library, each row a document."""

    kind: Literal["huggingface"]
    name: str = Field(description="a name on the hub, or a local folder or .jsonl, .json, .csv or .parquet file")
    subset: str | None = Field(default=None, description="the hub's configuration name, for datasets that have several")
    split: str = Field(default="train", description="rows to read, in the library's notation: train, train[:1%], …")
    column: str = Field(default="text", description="the column that holds the text")


CorpusSettings = Annotated[
    DocstringsCorpus | SourceCorpus | FileCorpus | HuggingFaceCorpus, Field(discriminator="kind")
]


def read(settings: DocstringsCorpus | SourceCorpus | FileCorpus | HuggingFaceCorpus) -> tuple[list[Document], str]:
    """The corpus and its checksum (SHA-256 of the documents' texts, in order, joined by NUL).

    Raises TicketlabError, naming the place and the remedy, if a source cannot be read, has no text, or has another
    checksum than the settings say.
    """
    if settings.kind == "docstrings":
        every = [part for package in sorted(set(settings.packages)) for part in _docstrings(package)]
        found = [part for part in _without_templates(every) if len(part.text) >= settings.min_characters]
        source = f"docstrings of {', '.join(settings.packages)}"
    elif settings.kind == "source":
        modules = [module for package in sorted(set(settings.packages)) for module in _modules(package)]
        found = [Document(name, path.read_bytes().decode("utf-8", "replace")) for name, path in modules]
        source = f"source of {', '.join(settings.packages)}"
    elif settings.kind == "file":
        found, source = _files(Path(settings.path)), settings.path
    else:
        found, source = _dataset(settings), settings.name
    documents = _without_duplicates(found)
    if not documents:
        raise TicketlabError(f"{source}: no text in it; give the corpus another source")
    checksum = hashlib.sha256("\0".join(part.text for part in documents).encode()).hexdigest()
    if settings.sha256 not in (None, checksum):
        raise TicketlabError(
            f"{source}: the corpus has sha256 {checksum}, but the config expects {settings.sha256}; restore the "
            "original (of packages: the locked versions), or record the new checksum in corpus.sha256"
        )
    return documents, checksum


def _without_duplicates(documents: list[Document]) -> list[Document]:
    first: dict[str, Document] = {}
    for document in documents:
        if document.text.strip():
            first.setdefault(document.text, document)
    return list(first.values())


def _without_templates(documents: list[Document]) -> Iterator[Document]:
    """Documents without the long lines that an earlier document has.

    Docstrings share templates: without this step, a quarter of the validation windows of 64 symbols occur word for word
    in the train documents, which defeats the split by document. Without the repeated lines, a twentieth do.
    """
    seen: set[str] = set()
    for document in documents:
        lines = document.text.split("\n")
        new = [line for line in lines if len(line.strip()) < TEMPLATE_CHARACTERS or line.strip() not in seen]
        seen.update(line.strip() for line in lines)
        yield Document(document.name, "\n".join(new))


def _docstrings(package: str) -> Iterator[Document]:
    """Docstrings of a package's modules, by their syntax trees: no code of the package runs."""
    for name, path in _modules(package):
        yield from _docstrings_of_file(name, path)


def _modules(package: str) -> Iterator[tuple[str, Path]]:
    """The Python files of a package, with their names in it.

    `tests` folders are left out: some distributions of the same version come without them.
    """
    spec = find_spec(package)  # of a top-level name: finds it without importing it
    if spec is None:
        raise TicketlabError(f"corpus.packages: {package} is not installed; install it or take it off the list")
    if spec.submodule_search_locations is not None:
        roots = [Path(place) for place in spec.submodule_search_locations]
        files = {path.relative_to(root.parent).as_posix(): path for root in roots for path in root.rglob("*.py")}
    else:
        path = Path(spec.origin or "")
        files = {path.name: path} if path.suffix == ".py" else {}
    if not files:
        raise TicketlabError(f"corpus.packages: {package} has no .py files; take it off the list")
    for name in sorted(files):
        if "tests" not in name.split("/"):
            yield name, files[name]


def _docstrings_of_file(name: str, path: Path) -> Iterator[Document]:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # a package's doubtful escapes do not concern our user
            tree = ast.parse(path.read_bytes())
    except (SyntaxError, ValueError):
        return  # templates and old Python: files of the package that Python cannot read either
    yield from _docstrings_below(name, tree)


def _docstrings_below(label: str, node: ast.AST) -> Iterator[Document]:
    """The docstrings of this node and of the statements in it, in the order of the source."""
    if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
        text = ast.get_docstring(node)
        if text:
            # An escape can spell half a surrogate pair, which is no character.
            yield Document(label, text.encode("utf-8", "replace").decode())
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.stmt | ast.ExceptHandler | ast.match_case):
            yield from _docstrings_below(f"{label}:{child.name}" if isinstance(child, _NAMED) else label, child)


def _files(path: Path) -> list[Document]:
    if path.is_dir():
        files = {
            part.relative_to(path).as_posix(): part
            for part in path.rglob("*")
            if part.suffix.lower() in TEXT_SUFFIXES and part.is_file()
        }
        if not files:
            raise TicketlabError(f"{path}: no text files in this folder; name them {', '.join(TEXT_SUFFIXES)}")
        return [Document(name, _text(files[name])) for name in sorted(files)]
    if not path.is_file():
        raise TicketlabError(f"{path}: no such file or folder; correct corpus.path")
    text = _text(path)
    if not text.strip():
        raise TicketlabError(f"{path}: the file is empty; correct corpus.path")
    return [Document(f"{path.name}:{line}", piece) for line, piece in _pieces(text)]


def _text(path: Path) -> str:
    try:
        data = path.read_bytes()
        offset = data.find(b"\0")
        fault = "a NUL byte, so it is no text file"
        if offset < 0:
            # Neither a byte order mark nor the operating system's line ending is text.
            return data.decode("utf-8").removeprefix("\ufeff").replace("\r\n", "\n")
    except UnicodeDecodeError as error:
        offset, fault = error.start, error.reason
    except OSError as error:
        raise TicketlabError(f"{path}: cannot be read ({error.strerror}); correct corpus.path") from error
    raise TicketlabError(f"{path}: not UTF-8 text: byte {offset} is {fault}; convert it to UTF-8 or remove it")


def _pieces(text: str) -> Iterator[tuple[int, str]]:
    """Documents of one file with the number of their first line; see FILE_DOCUMENT_CHARACTERS."""
    lines: list[str] = []
    length = 0
    for number, line in enumerate(text.splitlines(keepends=True), 1):
        lines.append(line)
        length += len(line)
        limit = FILE_DOCUMENT_CHARACTERS * (1 if not line.strip() else PATIENCE)
        if length >= limit:
            yield number - len(lines) + 1, "".join(lines).strip("\n")
            lines, length = [], 0
    yield number - len(lines) + 1, "".join(lines).strip("\n")


def _dataset(settings: HuggingFaceCorpus) -> list[Document]:
    try:
        import datasets
    except ImportError as error:
        raise TicketlabError("corpus.kind huggingface needs the package datasets; install it") from error

    with tempfile.TemporaryDirectory() as folder:
        try:
            rows = _rows(datasets, settings, folder)
        except Exception as error:  # the library raises many kinds, its own and others'
            reason = str(error).splitlines()[0] if str(error) else type(error).__name__
            raise TicketlabError(
                f"{settings.name}: split {settings.split!r} cannot be loaded ({reason}); correct corpus.name, "
                "corpus.subset and corpus.split, or check the network"
            ) from error
        if settings.column not in rows.column_names:
            raise TicketlabError(
                f"{settings.name}: no column {settings.column!r}, only {', '.join(rows.column_names)}; "
                "correct corpus.column"
            )
        texts = rows[settings.column][:]
    if any(not isinstance(text, str | None) for text in texts):
        raise TicketlabError(f"{settings.name}: column {settings.column!r} does not hold text; correct corpus.column")
    return [Document(f"{settings.split}:{row}", text) for row, text in enumerate(texts) if text]


def _rows(datasets, settings: HuggingFaceCorpus, folder: str):  # type: ignore[no-untyped-def]
    """The dataset's rows. Local files are never cached: the library's cache could outlive a change of the files."""
    path = Path(settings.name)
    formats = {".jsonl": "json", ".json": "json", ".csv": "csv", ".parquet": "parquet"}
    if path.is_file() and path.suffix in formats:
        return datasets.load_dataset(
            formats[path.suffix], data_files={"train": str(path)}, split=settings.split, cache_dir=folder
        )
    if (path / "dataset_dict.json").is_file():
        return datasets.load_from_disk(str(path))[settings.split]
    if (path / "state.json").is_file():  # one saved Dataset: it has no splits to choose from
        return datasets.load_from_disk(str(path))
    cache = folder if path.is_dir() else None
    return datasets.load_dataset(settings.name, settings.subset, split=settings.split, cache_dir=cache)
