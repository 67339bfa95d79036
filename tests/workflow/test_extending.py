"""A study is added as docs/extending.md says: one task file, one registry line, one block of YAML."""

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.workflow.projects import ROOT, TINY, Project, closure
from workflow_scripts.ticketlab.tables import files
from workflow_scripts.ticketlab.tables.schemas.verdicts import VERDICTS

REGISTRY = "workflow_scripts/ticketlab/tasks/__init__.py"
STUDY = "majority"


@pytest.fixture(scope="module")
def blocks() -> dict[str, str]:
    """The titled code blocks of the page, by title."""
    page = (ROOT / "docs/extending.md").read_text(encoding="utf-8")
    return dict(re.findall(r'^```\w+ title="([^"]+)"\n(.*?)^```$', page, flags=re.MULTILINE | re.DOTALL))


@pytest.fixture(scope="module")
def extended(tiny: Project, blocks: dict[str, str], tmp_path_factory: pytest.TempPathFactory) -> Project:
    """A finished run with the page's study added and not yet run, in few steps."""
    project = tiny.copy(tmp_path_factory.mktemp("extended") / "project")
    (task,) = (title for title in blocks if title.endswith(".py"))
    assert not (project.folder / task).exists()
    (project.folder / task).write_text(blocks[task])
    project.edit(REGISTRY, "TASKS = {\n", "TASKS = {\n" + blocks["registry"])
    small = {key: value for key, value in TINY["studies"]["digits"].items() if key not in ("task", "model")}
    small["model"] = {"hidden": [12, 8]}
    run: dict[str, Any] = {"run": ["digits", STUDY], "studies": {STUDY: small}}
    return project.overlay("study.yaml", yaml.safe_load(blocks["config.yaml"])).overlay("small.yaml", run)


def test_a_new_study_leaves_every_finished_result_of_the_others_alone(extended: Project) -> None:
    complete, planned = extended.plans(["--forceall"], [])
    assert set(planned) == closure(complete.values(), [f"* {STUDY}", f"* {STUDY}-*"])


def test_the_pages_study_runs_to_its_verdicts(extended: Project, tmp_path: Path) -> None:
    project = extended.copy(tmp_path / "project").run()
    verdicts = files.read(project.folder / "results/verdicts.parquet", VERDICTS)
    mine = verdicts[verdicts["study"] == STUDY]
    assert {"T1 tickets", "T2 roles", "T3 transience"} <= set(mine["test"])
    assert set(verdicts["study"]) == {"digits", STUDY}
