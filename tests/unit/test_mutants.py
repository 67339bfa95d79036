"""The mutants that the unit tests are tried on: what is changed, what is left alone, and which are equivalent."""

from pathlib import Path

import yaml

from tests import mutants

SOURCE = '''
LIMIT = 0.5

@dataclass(frozen=True)
class A:
    def f(self, a: tuple[int, 2], b) -> 3:
        """Two."""
        for x, y in zip(a, b, strict=True):
            a += x * y
        return -a if not b else a.sum(axis=1) <= b
'''


def test_each_comparison_operator_sign_and_constant_is_changed_once_and_nothing_else(tmp_path: Path) -> None:
    path = tmp_path / "source.py"
    path.write_text(SOURCE)
    found = [(mutant.function, mutant.change) for mutant in mutants.mutants(path)]
    assert found == [
        ("", "LIMIT = 0.5  ->  LIMIT = 1.5"),
        ("A.f", "a += x * y  ->  a -= x * y"),
        ("A.f", "x * y  ->  x / y"),
        ("A.f", "not b  ->  not not b"),
        ("A.f", "-a if not b else a.sum(axis=1) <= b  ->  +a if not b else a.sum(axis=1) <= b"),
        ("A.f", "a.sum(axis=1) <= b  ->  a.sum(axis=1) < b"),
        ("A.f", "a.sum(axis=1) <= b  ->  a.sum(axis=1) > b"),
    ]


def test_a_mutant_is_compiled_with_its_change_alone(tmp_path: Path) -> None:
    path = tmp_path / "source.py"
    path.write_text("def f(a, b):\n    return 2 * a - b\n")
    values = []
    for mutant in mutants.mutants(path):
        names: dict = {}
        exec(mutant.code(), names)
        values.append(names["f"](3, 1))
    assert sorted(values) == [2 / 3 - 1, 2 * 3 + 1, 3 * 3 - 1]


def test_every_module_with_formulas_has_tests() -> None:
    assert [path.name for path in mutants.modules() if path.stem != "kinds" and not mutants.tests_of(path)] == []


def test_what_is_listed_as_equivalent_is_a_mutant_still_and_has_a_reason() -> None:
    listed = yaml.safe_load(mutants.EQUIVALENT.read_text(encoding="utf-8"))
    there = {(mutant.module, mutant.change) for path in mutants.modules() for mutant in mutants.mutants(path)}
    assert [one for one in listed if (one["module"], one["change"]) not in there or not one["reason"]] == []
