"""The small run, and a text of one's own over it: what they do, and that their calibrations serve other results."""

import shutil
from pathlib import Path
from typing import Any

from tests.workflow.projects import Project

OWN: dict[str, Any] = {
    "results": "results/mine",
    "run": ["text"],
    "studies": {"text": {"task": {"corpus": {"kind": "file", "path": "mine.txt"}}}},
}


def test_another_folder_of_results_finds_the_calibrations_ready(tiny: Project, tmp_path: Path) -> None:
    project = tiny.copy(tmp_path / "project").overlay("elsewhere.yaml", {"results": "elsewhere"})
    planned = project.plan()
    assert "judge" in planned and "train_dense digits-0" in planned
    assert not [job for job in planned if job.startswith("calibrate ")]


def test_a_text_over_the_small_run_is_one_study_on_the_same_calibrations(pristine: Path, tmp_path: Path) -> None:
    folder = shutil.copytree(pristine, tmp_path / "project")
    (folder / "mine.txt").write_text("One sentence stands here.\n\n" * 2000)
    small = Project(folder, ("config/small.yaml",))
    all_studies, mine = small.plan(), small.overlay("mine.yaml", OWN).plan()
    calibrations = {name: job.output for name, job in mine.items() if name.startswith("calibrate ")}
    assert len(calibrations) == 5
    assert calibrations == {name: job.output for name, job in all_studies.items() if name.startswith("calibrate ")}
    assert {job.study for job in mine.values()} == {"text", ""} < {job.study for job in all_studies.values()}
    elsewhere = [path for job in mine.values() if job.rule != "calibrate" for path in job.output]
    assert all(path.startswith("results/mine/") for path in elsewhere)
