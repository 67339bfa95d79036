"""Two finished runs to start from: a test copies one, with its metadata and file times, and changes the copy.

Fixtures of tests/conftest.py, so that tests/workflow and tests/operations share them.
"""

import shutil
from pathlib import Path

import pytest

from tests.workflow.projects import NOT_COPIED, ROOT, Project, tiny_project


@pytest.fixture(scope="session")
def pristine(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The project as it stands, without results."""
    folder = tmp_path_factory.mktemp("pristine") / "project"
    shutil.copytree(ROOT, folder, ignore=shutil.ignore_patterns(*NOT_COPIED))
    return folder


@pytest.fixture(scope="session")
def quick(pristine: Path, tmp_path_factory: pytest.TempPathFactory) -> Project:
    """A finished run with config/quick.yaml."""
    folder = shutil.copytree(pristine, tmp_path_factory.mktemp("quick") / "project")
    return Project(folder, ("config/quick.yaml",)).run()


@pytest.fixture(scope="session")
def tiny(pristine: Path, tmp_path_factory: pytest.TempPathFactory) -> Project:
    """A finished run with TINY."""
    return tiny_project(pristine, tmp_path_factory.mktemp("tiny") / "project").run()
