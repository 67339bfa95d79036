"""Two finished runs to start from: a test copies one, with its metadata and file times, and changes the copy.

Each is made once, by the first of pytest's workers that asks for it; the others wait. Fixtures of tests/conftest.py, so
that tests/workflow and tests/operations share them.
"""

import fcntl
import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.workflow.projects import NOT_COPIED, ROOT, Project, tiny_project

COMPARED = "reference.txt"  # what test_quick.py leaves for the end of the output


@pytest.fixture(scope="session")
def pristine(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The project as it stands, without results."""
    folder = tmp_path_factory.mktemp("pristine") / "project"
    shutil.copytree(ROOT, folder, ignore=shutil.ignore_patterns(*NOT_COPIED))
    return folder


def shared_folder(factory: pytest.TempPathFactory) -> Path:
    """The temporary folder of the whole run, of all workers."""
    base = factory.getbasetemp()
    return base.parent if "PYTEST_XDIST_WORKER" in os.environ else base


def once(factory: pytest.TempPathFactory, name: str, make: Callable[[Path], Project]) -> Project:
    """What `make` makes in the folder that it is given; made by one worker, for all."""
    folder = shared_folder(factory) / name
    with folder.with_suffix(".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        overlays = folder / "overlays"
        if not overlays.exists():
            shutil.rmtree(folder, ignore_errors=True)  # of a worker in which it failed
            folder.mkdir()
            project = make(folder / "project")
            overlays.write_text("\n".join(project.overlays))
        return Project(folder / "project", tuple(overlays.read_text().splitlines()))


@pytest.fixture(scope="session")
def quick(pristine: Path, tmp_path_factory: pytest.TempPathFactory) -> Project:
    """A finished run with config/quick.yaml."""

    def make(folder: Path) -> Project:
        return Project(shutil.copytree(pristine, folder), ("config/quick.yaml",)).run()

    return once(tmp_path_factory, "quick", make)


@pytest.fixture(scope="session")
def tiny(pristine: Path, tmp_path_factory: pytest.TempPathFactory) -> Project:
    """A finished run with TINY."""
    return once(tmp_path_factory, "tiny", lambda folder: tiny_project(pristine, folder).run())
