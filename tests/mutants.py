"""Random mutants of the formulas of instruments, pruning, statistics and verdicts, and whether the unit tests notice.

    python -m tests.mutants [--count 200] [--seed 0] [--only pruning/masks] [--jobs 2]

A mutant differs from the library in one place: a comparison, an arithmetic or logical operator, a sign or a constant.
`count` of all are drawn with `seed`. Its tests are those in the folder of its wing that import its module, first those
that call the changed function. It is killed if one of them fails or takes far too long. Survivors that change no
behaviour are in mutants.yaml, each with the reason. Exit code 1 if fewer than 90 % of the others are killed.

Packages load once: each mutant is a fork of a process that has loaded them, and no module of the library.
"""

import argparse
import ast
import copy
import multiprocessing
import os
import re
import signal
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from hashlib import sha256
from importlib.machinery import SourceFileLoader
from pathlib import Path
from types import CodeType, FrameType
from typing import Any

import pytest
import yaml
from hypothesis import HealthCheck, Phase, settings

from workflow_scripts import numerics

numerics.fix("portable")

ROOT = Path(__file__).parents[1]
LIBRARY, TESTS = ROOT / "workflow_scripts/ticketlab", ROOT / "tests/unit"
WINGS = ("instruments", "pruning", "verdicts")
FURTHER = (LIBRARY / "core/statistics.py",)
EQUIVALENT = Path(__file__).with_suffix(".yaml")
WANTED = 0.9
ARGUMENTS = ("-q", "-x", "-p", "no:cacheprovider", "-p", "no:randomly", "-m", "not slow and not gpu")
PATIENCE, AT_LEAST = 5, 20  # a mutant may take this many times as long as its tests, and this many seconds

COMPARISONS: dict[type, tuple[type, ...]] = {
    ast.Lt: (ast.LtE, ast.GtE),
    ast.LtE: (ast.Lt, ast.Gt),
    ast.Gt: (ast.GtE, ast.LtE),
    ast.GtE: (ast.Gt, ast.Lt),
    ast.Eq: (ast.NotEq,),
    ast.NotEq: (ast.Eq,),
    ast.Is: (ast.IsNot,),
    ast.IsNot: (ast.Is,),
    ast.In: (ast.NotIn,),
    ast.NotIn: (ast.In,),
}
OPERATORS: dict[type, type] = {
    ast.Add: ast.Sub,
    ast.Sub: ast.Add,
    ast.Mult: ast.Div,
    ast.Div: ast.Mult,
    ast.FloorDiv: ast.Mult,
    ast.Mod: ast.Mult,
    ast.Pow: ast.Mult,
    ast.BitAnd: ast.BitOr,
    ast.BitOr: ast.BitAnd,
    ast.And: ast.Or,
    ast.Or: ast.And,
}
# What a mutant leaves alone: types, decorators, the lengths that `zip` checks, and axes, of which others are errors.
UNTOUCHED = ("annotation", "returns", "decorator_list", "strict", "axis", "dim", "keepdim", "keepdims")


@dataclass(frozen=True)
class Mutant:
    """`place`: of the node in ast.walk; `choice`: of the ways to change it; `line`: where its function begins, or 0."""

    path: Path
    place: int
    choice: int
    line: int
    function: str
    change: str

    @property
    def module(self) -> str:
        return str(self.path.relative_to(LIBRARY).with_suffix(""))

    def __str__(self) -> str:
        return f"{self.module} {self.function}: {self.change}"

    def code(self) -> CodeType:
        tree = ast.parse(self.path.read_text(encoding="utf-8"))
        changes(list(ast.walk(tree))[self.place])[self.choice]()
        return compile(ast.fix_missing_locations(tree), self.path, "exec")


def changes(node: ast.AST) -> list[Callable[[], None]]:
    """The ways to change this node, in place."""

    def put(target: Any, name: str | int, value: Any) -> Callable[[], None]:
        if isinstance(name, int):
            return lambda: target.__setitem__(name, value)
        return lambda: setattr(target, name, value)

    match node:
        case ast.Compare(ops=ops):
            return [put(ops, place, other()) for place, op in enumerate(ops) for other in COMPARISONS[type(op)]]
        case ast.BinOp(op=op) | ast.BoolOp(op=op) | ast.AugAssign(op=op) if type(op) in OPERATORS:
            return [put(node, "op", OPERATORS[type(op)]())]
        case ast.UnaryOp(op=ast.USub() | ast.Invert()):
            return [put(node, "op", ast.UAdd())]
        case ast.UnaryOp(op=ast.Not()):
            return [put(node, "operand", ast.UnaryOp(ast.Not(), node.operand))]
        case ast.Constant(value=bool(value)):
            return [put(node, "value", not value)]
        case ast.Constant(value=int(value) | float(value)):
            return [put(node, "value", value + 1)]
    return []


def mutants(path: Path) -> Iterator[Mutant]:
    """All mutants of a module."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    places = {id(node): place for place, node in enumerate(ast.walk(tree))}

    def within(node: ast.AST, line: int, function: str, shown: ast.AST) -> Iterator[Mutant]:
        if isinstance(node, ast.FunctionDef):
            line = line or min([node.lineno, *(one.lineno for one in node.decorator_list)])
            function = f"{function}.{node.name}".lstrip(".")
        if isinstance(node, ast.ClassDef):
            function = node.name
        signed = isinstance(node, ast.UnaryOp) and not isinstance(node.op, ast.Not)
        if isinstance(node, ast.expr | ast.AugAssign) and not isinstance(node, ast.Constant) and not signed:
            shown = node
        for choice in range(len(changes(node))):
            shown = node if isinstance(shown, ast.stmt) and hasattr(shown, "body") else shown
            before = ast.unparse(shown)
            changed = copy.deepcopy(shown)
            inner = [*ast.walk(shown)].index(node)
            changes([*ast.walk(changed)][inner])[choice]()
            after = ast.unparse(ast.fix_missing_locations(changed))
            yield Mutant(path, places[id(node)], choice, line, function, f"{before}  ->  {after}")
        for name, value in ast.iter_fields(node):
            if name in UNTOUCHED or (isinstance(node, ast.keyword) and node.arg in UNTOUCHED):
                continue
            for inner in value if isinstance(value, list) else [value]:
                if isinstance(inner, ast.AST):
                    yield from within(inner, line, function, inner if isinstance(inner, ast.stmt) else shown)

    yield from within(tree, 0, "", tree)


def tests_of(path: Path) -> list[Path]:
    """The test files of a module: in its wing's folder, those that import it, and the one with its name."""
    wing, name = path.parent.name, path.stem
    imports = re.compile(rf"ticketlab\.{wing}(\.{name} import|import .*\b{name}\b| import .*\b{name}\b)")
    files = sorted((TESTS / wing).glob("test_*.py"))
    return [file for file in files if file.stem == f"test_{name}" or imports.search(file.read_text(encoding="utf-8"))]


class Watch:
    """A plugin of pytest that notes the first lines of the functions of a module that each test calls, and its time."""

    def __init__(self, path: Path) -> None:
        self.path = str(path)
        self.calls: dict[str, list[int]] = {}
        self.seconds: dict[str, float] = {}

    @pytest.hookimpl(hookwrapper=True)
    def pytest_runtest_protocol(self, item: pytest.Item) -> Iterator[None]:
        lines: set[int] = set()

        def note(frame: FrameType, event: str, argument: Any) -> None:
            if event == "call" and frame.f_code.co_filename == self.path:
                lines.add(frame.f_code.co_firstlineno)

        began = time.monotonic()
        sys.settrace(note)
        yield
        sys.settrace(None)
        self.calls[item.nodeid], self.seconds[item.nodeid] = sorted(lines), time.monotonic() - began


@dataclass(frozen=True)
class Tests:
    """The tests of a module: `calls`: which of its functions each calls, by first line; `seconds`: that each takes."""

    calls: dict[str, list[int]]
    seconds: dict[str, float]

    def ordered(self, line: int) -> list[str]:
        """Those that call the function at this line before the others, which may see it through what these keep."""
        return sorted(self.seconds, key=lambda name: (line not in self.calls[name], self.seconds[name]))


def run(arguments: Sequence[str], *plugins: object) -> int:
    """pytest's exit code, without its output."""
    silent = os.open(os.devnull, os.O_WRONLY)
    os.dup2(silent, 1)
    os.dup2(silent, 2)
    return int(pytest.main([*ARGUMENTS, *arguments], [*plugins]))


def watch(path: Path) -> Tests:
    """The tests of a module, all of which pass."""
    watched = Watch(path)
    if run([*map(str, tests_of(path))], watched):
        raise RuntimeError(f"the tests of {path} fail, or there are none")
    return Tests(watched.calls, watched.seconds)


def killed(task: tuple[Mutant, Tests]) -> bool:
    """Whether a test fails, or takes far too long, where the mutant stands for its module."""
    mutant, tests = task
    original = SourceFileLoader.get_code

    def get_code(loader: SourceFileLoader, name: str) -> CodeType | None:
        return mutant.code() if loader.path == str(mutant.path) else original(loader, name)

    SourceFileLoader.get_code = get_code  # type: ignore[method-assign]
    signal.signal(signal.SIGALRM, signal.default_int_handler)
    signal.alarm(int(AT_LEAST + PATIENCE * sum(tests.seconds.values())))
    return run(tests.ordered(mutant.line)) != 0


def load_packages() -> None:
    """Load what the tests import, and forget the library and the tests again."""
    files = {str(file) for path in modules() for file in tests_of(path)}
    out = os.dup(1), os.dup(2)
    run(["--collect-only", *sorted(files)])
    for number, kept in enumerate(out, start=1):
        os.dup2(kept, number)
    # The same examples each time, however slow the machine is, and none that only make a failure shorter.
    phases, checks = (Phase.explicit, Phase.generate), tuple(HealthCheck)
    settings.register_profile(
        "mutants", derandomize=True, database=None, deadline=None, phases=phases, suppress_health_check=checks
    )
    settings.load_profile("mutants")
    for name in [name for name in sys.modules if name.partition(".")[0] in ("workflow_scripts", "tests", "conftest")]:
        del sys.modules[name]


def modules() -> list[Path]:
    """The modules with formulas."""
    return [*FURTHER, *(path for wing in WINGS for path in sorted((LIBRARY / wing).glob("[!_]*.py")))]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--count", type=int, default=200, help="number of mutants; 0 for all")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--only", nargs="*", default=[""], help="of those drawn, the ones of modules that begin so")
    parser.add_argument("--jobs", type=int, default=1)
    given = parser.parse_args()
    known = {(one["module"], one["change"]): one["reason"] for one in yaml.safe_load(EQUIVALENT.read_text()) or []}
    every = [mutant for path in modules() for mutant in mutants(path)]
    # By the digest of its text, so that most of those drawn remain when a module changes.
    every.sort(key=lambda mutant: sha256(f"{given.seed} {mutant}".encode()).digest())
    drawn = every[: given.count or None]
    drawn = [one for one in drawn if one.module.startswith(tuple(given.only))]
    load_packages()
    with multiprocessing.get_context("fork").Pool(given.jobs, maxtasksperchild=1) as pool:
        paths = sorted({mutant.path for mutant in drawn})
        tests = dict(zip(paths, pool.imap(watch, paths), strict=True))
        survivors = []
        for mutant, dead in zip(drawn, pool.imap(killed, [(one, tests[one.path]) for one in drawn]), strict=True):
            print("killed  " if dead else "SURVIVED", mutant, known.get((mutant.module, mutant.change), ""), flush=True)
            survivors += [] if dead else [mutant]
    equal = sum((one.module, one.change) in known for one in survivors)
    dead, alive = len(drawn) - len(survivors), len(drawn) - equal
    print(f"{dead} of {alive} mutants killed ({dead / alive:.1%}); {equal} more change no behaviour.")
    return 0 if dead >= WANTED * alive else 1


if __name__ == "__main__":
    sys.exit(main())
