"""The target on request: a study's LLC at other settings, as a table and a figure."""

from pathlib import Path

from tests.workflow.projects import Project
from workflow_scripts.ticketlab.tables import files
from workflow_scripts.ticketlab.tables.schemas.llc import LLC_SWEEP


def test_the_sweep_of_a_study_is_made_when_asked_for_and_only_then(tiny: Project, tmp_path: Path) -> None:
    project = tiny.copy(tmp_path / "project")
    assert set(project.plan("sweeps")) == {"sweep_llc digits", "draw_llc_sweep digits"}
    project.run("sweeps")
    frame = files.read(project.folder / "results/digits/llc_sweep.parquet", LLC_SWEEP)
    assert frame.groupby("varied")["value"].nunique().to_dict() == {"learning_rate": 3, "localization": 3, "nbeta": 3}
    assert (project.folder / "results/figures/llc_sweep_digits.png").is_file()
    assert not project.plan() and not project.plan("sweeps")
