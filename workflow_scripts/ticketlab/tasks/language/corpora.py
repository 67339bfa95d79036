"""Corpora as documents: docstrings or source of installed packages, the user's files, or a Hugging Face dataset.

A corpus is its documents in a fixed order, exact duplicates removed; its checksum is a function of their texts alone.
Two readings of the same material are equal: nothing depends on the location of a package or a file, on the order in
which a file system lists them, or on compiled files.
"""

from __future__ import annotations

import ast
import hashlib
import logging
import tempfile
import warnings
from collections.abc import Iterator, Mapping, Sized
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, PositiveInt

from workflow_scripts.ticketlab.core.errors import TicketlabError
from workflow_scripts.ticketlab.settings.base import Section
from workflow_scripts.ticketlab.tasks.language import text_files
from workflow_scripts.ticketlab.tasks.language.documents import Document, distinct

log = logging.getLogger(__name__)

# A line of a docstring so long that a second occurrence is a copy.
TEMPLATE_CHARACTERS = 40

_NAMED = (ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)


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


def _is_encoding(name: str) -> str:
    try:
        (b"abcd" * 99).decode(name).encode(name)  # idna is for short names only
    except (LookupError, ValueError) as error:
        raise ValueError(f"Python knows no encoding of text {name!r}; latin-1, cp1252 and utf-16 are some") from error
    return name


Encoding = Annotated[str, AfterValidator(_is_encoding)]


class FileCorpus(_Corpus):
    """A file or a folder of files, also in sub-folders and behind links.

    A text file in a folder is a document, a lone one is cut at blank lines, each row of a table is a document.
    """

    kind: Literal["file"]
    path: str = Field(
        min_length=1, description=f"a file, or a folder of {', '.join(text_files.SUFFIXES)} files; .gz may follow"
    )
    column: str = Field(default="text", description="of a table: the column that holds the text")
    encoding: Encoding = Field(default="utf-8", description="of texts without a byte order mark")


class HuggingFaceCorpus(_Corpus):
    """A dataset of the `datasets` library, each row a document."""

    kind: Literal["huggingface"]
    name: str = Field(
        min_length=1, description="a name on the hub, or a local folder or .jsonl, .json, .csv or .parquet file"
    )
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
        found, source = text_files.read(Path(settings.path), settings.column, settings.encoding), settings.path
    else:
        found, source = _dataset(settings), settings.name
    documents = distinct(found)
    if not documents:
        raise TicketlabError(f"{source}: no text in it; give the corpus another source")
    if len(documents) < len(found):
        log.info("%s: %d of %d documents are blank or copies", source, len(found) - len(documents), len(found))
    checksum = hashlib.sha256("\0".join(part.text for part in documents).encode()).hexdigest()
    if settings.sha256 not in (None, checksum):
        raise TicketlabError(
            f"{source}: the corpus has sha256 {checksum}, but the config expects {settings.sha256}; restore the "
            "original (of packages: the locked versions), or record the new checksum in corpus.sha256"
        )
    return documents, checksum


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


def _dataset(settings: HuggingFaceCorpus) -> list[Document]:
    try:
        import datasets
    except ImportError as error:
        raise TicketlabError("corpus.kind huggingface needs the package datasets; install it") from error

    path = Path(settings.name)
    if path.is_file() and text_files.is_table(path):
        # The library takes a file's name for a pattern, and does not name the row that it cannot read.
        texts = [text for _, text in text_files.rows(path, settings.column, "utf-8")]
        with _refused(settings):
            chosen = [texts[row] for _, rows in _slices(settings, {"train": texts}) for row in rows]
    else:
        # Local data are never cached: the library's cache could outlive a change of the files.
        with tempfile.TemporaryDirectory() as folder:
            with _refused(settings):
                rows = _rows(datasets, settings, folder)
            if settings.column not in rows.column_names:
                raise TicketlabError(
                    f"{settings.name}: no column {settings.column!r}, only {', '.join(rows.column_names)}; "
                    "correct corpus.column"
                )
            chosen = rows[settings.column][:]
    if not chosen:
        raise TicketlabError(f"{settings.name}: split {settings.split!r} has no rows; correct corpus.split")
    found = text_files.checked(settings.name, settings.column, enumerate(chosen))
    return [Document(f"{settings.split}:{row}", text) for row, text in found if text]


@contextmanager
def _refused(settings: HuggingFaceCorpus) -> Iterator[None]:
    """Refuses a dataset or a split with the library's reason."""
    try:
        yield
    except Exception as error:  # the library raises many kinds, its own and others'
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise TicketlabError(
            f"{settings.name}: split {settings.split!r} cannot be loaded ({reason}); correct corpus.name, "
            "corpus.subset and corpus.split, or check the network"
        ) from error


def _rows(datasets, settings: HuggingFaceCorpus, folder: str):  # type: ignore[no-untyped-def]
    """The rows of the split, of a dataset that was saved or that the library loads; folder: for what it stores."""
    path = Path(settings.name)
    if (path / "dataset_dict.json").is_file():
        splits = datasets.load_from_disk(str(path))
    elif (path / "state.json").is_file():  # one saved Dataset, which may not know the name of its split
        rows = datasets.load_from_disk(str(path))
        splits = {"train": rows, str(rows.split or "train"): rows}
    else:
        cache = folder if path.is_dir() else None
        splits = datasets.load_dataset(settings.name, settings.subset, cache_dir=cache)
        settings = settings.model_copy(update={"subset": None})
    return datasets.concatenate_datasets([splits[name].select(rows) for name, rows in _slices(settings, splits)])


def _slices(settings: HuggingFaceCorpus, splits: Mapping[str, Sized]) -> list[tuple[str, range]]:
    """The split and the rows in it of each part that the setting's split asks for."""
    from datasets import ReadInstruction

    if settings.subset is not None:
        raise ValueError(f"it has no subset {settings.subset!r}")
    parts = ReadInstruction.from_spec(settings.split).to_absolute({name: len(rows) for name, rows in splits.items()})
    return [(part.splitname, range(part.from_, part.to)) for part in parts]
