"""Digests of the code behind a result and of the lock file, on which it depends in addition to inputs and parameters.

Snakemake checks a script's file time and never the modules that the script imports. Each rule therefore carries these
digests in its params (`code`, `lock`): an edit makes stale exactly the results that used the edited code.

Code is the syntax tree of the script and of every local module that its imports reach. Parts without effect on a run do
not count: comments, layout, docstrings, file times, `if TYPE_CHECKING` blocks. Nor does a registry (a dictionary at a
module's top that maps names to local modules): a job uses one entry, and names that module to `code_parts`. So a new
study's registry line leaves the finished studies alone.
"""

import ast
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from hashlib import sha256
from pathlib import Path
from typing import Any

from workflow_scripts.ticketlab.core.errors import TicketlabError

# The packages after this line of the lock file are used by no job (tools/lock.py).
TOOLS = "# Tests and their tools"
# The one package of local modules; every import of them is absolute.
LOCAL = "workflow_scripts"


def code_parts(script: str | Path, *modules: str, root: str | Path) -> dict[str, str]:
    """The code behind `script`, file by file: path below `root` to 16 hexadecimal digits of its syntax tree.

    script: the file that a rule runs, absolute or relative to `root`, the Snakefile's folder; or a user's own file,
        which goes by its name alone where it is not below `root`.
    modules: local modules that the job loads by name, such as TASKS[kind] and MODELS[kind].
    Raises TicketlabError where the script or a local module is missing, has a syntax error or a relative import.
    """
    root = Path(root)
    start = root / script
    if not start.is_file():
        raise TicketlabError(f"{start} does not exist: a rule runs it, restore the file or correct the rule")
    files = {"": start}  # by module name; the script has none
    pending = [*modules, *_imports(start, root)]
    while pending:
        module = pending.pop()
        if module not in files:
            files[module] = _existing(module, root, start)
            # Importing a.b.c runs a and a.b first.
            pending += [module[:end] for end, letter in enumerate(module) if letter == "."]
            pending += _imports(files[module], root)
    return {_label(path, root): _parse(path).tree for path in sorted(files.values())}


def _label(path: Path, root: Path) -> str:
    return path.relative_to(root).as_posix() if path.is_relative_to(root) else path.name


def lock_parts(lock: str | Path) -> dict[str, str]:
    """The pins of a lock file that jobs use, package to version; hashes, markers, comments and order do not count."""
    try:
        text = Path(lock).read_text(encoding="utf-8").partition(TOOLS)[0]
    except OSError as error:
        raise TicketlabError(f"{lock} cannot be read ({error.strerror}): it pins every package, restore it") from error
    return dict(sorted(re.findall(r"^([\w.-]+)==([^\s;#]+)", text, re.MULTILINE)))


def parts_digest(parts: dict[str, str]) -> str:
    """16 hexadecimal digits of the parts that make up a job's code or its lock file."""
    return _digest(f"{name} {part}" for name, part in parts.items())


@dataclass(frozen=True)
class _Source:
    """`tree`: digest of the syntax tree; `imports`: (local module, imported names); `names`: all that is bound."""

    tree: str
    imports: tuple[tuple[str, tuple[str, ...]], ...]
    names: frozenset[str]


def _parse(path: Path) -> _Source:
    # Every call reads the file; each content is parsed once: exact, and a millisecond for a script with its modules.
    return _parse_text(path.read_text(encoding="utf-8"), str(path))


@cache
def _parse_text(text: str, path: str) -> _Source:
    try:
        tree = ast.parse(text, path)
    except SyntaxError as error:
        raise TicketlabError(f"{path}, line {error.lineno}: {error.msg}: correct it, rules run this code") from error
    names = frozenset(_bound(tree))
    tree = _Executed().visit(tree)
    imports: list[tuple[str, tuple[str, ...]]] = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            imports += [(alias.name, ()) for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            if node.module is None or node.level:
                raise TicketlabError(f"{path}, line {node.lineno}: relative import: write from {LOCAL}.… import …")
            imports.append((node.module, tuple(alias.name for alias in node.names)))
    local = tuple((module, taken) for module, taken in imports if module.partition(".")[0] == LOCAL)
    return _Source(_digest([ast.dump(tree)]), local, names)


def _bound(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import | ast.ImportFrom):
            yield from (alias.asname or alias.name for alias in node.names)
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            yield node.id
        elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            yield node.name


class _Executed(ast.NodeTransformer):
    """Removes the parts of a tree that have no effect on its execution."""

    def visit_Expr(self, node: ast.Expr) -> Any:
        return None if isinstance(node.value, ast.Constant) and isinstance(node.value.value, str) else node

    def visit_If(self, node: ast.If) -> Any:
        kept = self.generic_visit(node)
        if ast.unparse(node.test) in ("TYPE_CHECKING", "typing.TYPE_CHECKING"):
            return node.orelse
        return kept

    def visit_Module(self, node: ast.Module) -> Any:
        node.body = [statement for statement in node.body if not _is_registry(statement)]
        return self.generic_visit(node)


def _is_registry(statement: ast.stmt) -> bool:
    value = statement.value if isinstance(statement, ast.Assign | ast.AnnAssign) else None
    entries = value.values if isinstance(value, ast.Dict) else []
    return bool(entries) and all(
        isinstance(entry, ast.Constant) and isinstance(entry.value, str) and entry.value.startswith(f"{LOCAL}.")
        for entry in entries
    )


def _imports(path: Path, root: Path) -> Iterator[str]:
    """The local modules that the file at `path` imports directly."""
    for module, names in _parse(path).imports:
        yield module
        source = _existing(module, root, path)
        for name in names:
            # `from a import b`: the module a.b if there is one, otherwise something that a itself defines.
            if _find(f"{module}.{name}", root):
                yield f"{module}.{name}"
            elif source.name == "__init__.py" and name not in {"*", *_parse(source).names}:
                raise TicketlabError(f"{module} has no module or name {name}: {path} imports it, correct either")


def _existing(module: str, root: Path, importer: Path) -> Path:
    path = _find(module, root)
    if path is None:
        raise TicketlabError(f"local module {module} does not exist: {importer} needs it, restore it or its import")
    return path


def _find(module: str, root: Path) -> Path | None:
    """Where Python would find a local module: a package comes before a file of the same name."""
    base = root.joinpath(*module.split("."))
    return next((path for path in (base / "__init__.py", base.parent / f"{base.name}.py") if path.is_file()), None)


def _digest(lines: Iterable[str]) -> str:
    return sha256("\n".join(sorted(lines)).encode()).hexdigest()[:16]
