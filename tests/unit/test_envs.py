"""The environment is said once: direct dependencies, lock and conda file agree, and the code imports nothing else."""

import ast
import re
import sys
from importlib.metadata import packages_distributions, version
from importlib.util import find_spec
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

from envs import install
from workflow_scripts.preflight.digest import lock_parts
from workflow_scripts.ticketlab.core import job
from workflow_scripts.tools import lock

ROOT = Path(__file__).parents[2]
ENVS = ROOT / "envs"
LOCAL = {"workflow_scripts", "benchmarks", "tests", "envs"}
CODE = sorted(path for folder in LOCAL for path in (ROOT / folder).rglob("*.py"))


def requirements(name: str) -> list[Requirement]:
    return [Requirement(line) for line in re.findall(r"^\w[^#\\\n]*", (ENVS / name).read_text(), re.MULTILINE)]


def pins(found: list[Requirement]) -> dict[str, str]:
    """Exact versions by name; fails on anything that is not one pin per package."""
    exact: dict[str, str] = {}
    for requirement in found:
        (specifier,) = requirement.specifier
        assert specifier.operator == "==", f"{requirement} is no pin"
        exact[canonicalize_name(requirement.name)] = specifier.version
    assert len(exact) == len(found)
    return exact


DIRECT: dict[str, Requirement] = {
    canonicalize_name(requirement.name): requirement for requirement in requirements("requirements.in")
}
LOCKED = pins(requirements("requirements.lock"))
DISTRIBUTIONS = packages_distributions()
OF_JOBS = {canonicalize_name(name): version for name, version in lock_parts(ENVS / "requirements.lock").items()}


@pytest.mark.parametrize("name", DIRECT)
def test_each_direct_dependency_is_bounded_and_locked_within_its_bounds(name: str) -> None:
    operators = {specifier.operator for specifier in DIRECT[name].specifier}
    assert operators in ({"=="}, {">=", "<"})
    assert DIRECT[name].specifier.contains(LOCKED[name])


def test_the_lock_has_no_build_that_only_one_index_serves() -> None:
    assert [pin for pin in LOCKED.items() if Version(pin[1]).local] == []


def test_every_package_has_hashes_but_torch_whose_builds_differ_by_index() -> None:
    blocks = re.split(r"\n(?=\w)", (ENVS / "requirements.lock").read_text())[1:]
    assert [block.partition("==")[0] for block in blocks if "--hash=sha256:" not in block] == ["torch"]


@pytest.mark.parametrize("python", ["3.11", "3.12", "3.13", "3.14"])
def test_one_lock_serves_every_python(python: str) -> None:
    left_out = [
        one.name
        for one in requirements("requirements.lock")
        if one.marker
        and not one.marker.evaluate(
            {
                "python_version": python,
                "python_full_version": f"{python}.0",
                "sys_platform": "linux",
                "platform_machine": "x86_64",
            }
        )
    ]
    assert left_out == []


def test_the_cuda_part_of_the_lock_is_used_by_no_job_and_starts_where_set_up_looks_for_it() -> None:
    of_cuda = (ENVS / "requirements.lock").read_text().partition(lock.CUDA)[2]
    assert f'CUDA = "{lock.CUDA}"' in (ENVS / "install.py").read_text()
    assert {name for name in LOCKED if lock.OF_CUDA.match(f"{name}==")} == set(re.findall(r"(?m)^([\w-]+)==", of_cuda))
    assert not [name for name in OF_JOBS if lock.OF_CUDA.match(f"{name}==")]


def test_jobs_need_what_the_workflow_imports_and_no_tool_of_the_tests() -> None:
    assert OF_JOBS.items() < LOCKED.items()
    assert {"snakemake", "torch", "devinterp", "pandas", "matplotlib"} <= OF_JOBS.keys()
    assert not {"pytest", "pytest-xdist", "ruff", "mypy", "hypothesis"} & OF_JOBS.keys()


def test_conda_file_and_lock_pin_the_same_for_jobs() -> None:
    content = yaml.safe_load((ENVS / "environment.yaml").read_text())
    python, pip, packages = content["dependencies"]
    assert (python, pip) == ("python=3.11", "pip")
    assert pins([Requirement(line) for line in packages["pip"]]) == OF_JOBS


def test_set_up_compiles_packages_of_jobs_that_are_there() -> None:
    names = {name for group in install.IMPORTED for name in group}
    assert {canonicalize_name(DISTRIBUTIONS[name.partition(".")[0]][0]) for name in names} <= OF_JOBS.keys()
    assert all(find_spec(name) for name in names)


@pytest.mark.parametrize("name", DIRECT)
def test_what_is_installed_is_what_is_locked(name: str) -> None:
    assert Version(version(name)).public == LOCKED[name]


def test_the_packages_that_tables_record_are_direct_dependencies() -> None:
    assert {canonicalize_name(name) for name in job.RECORDED_PACKAGES} <= set(DIRECT)


@pytest.mark.parametrize("path", CODE, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_import_is_local_standard_or_a_direct_dependency(path: Path) -> None:
    imported = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            imported |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            imported.add(node.module.partition(".")[0])
    foreign = imported - LOCAL - sys.stdlib_module_names
    unlisted = {
        name for name in foreign if not {canonicalize_name(d) for d in DISTRIBUTIONS.get(name, [])} & set(DIRECT)
    }
    assert unlisted == set()


def test_both_profiles_decide_staleness_alike() -> None:
    """A cluster must not call stale, or fresh, what the workstation does not."""
    default, slurm = (
        yaml.safe_load((ROOT / f"profiles/{name}/config.yaml").read_text()) for name in ("default", "slurm")
    )
    assert default["rerun-triggers"] == ["mtime", "params", "input", "software-env"]
    assert default.items() <= slurm.items()
