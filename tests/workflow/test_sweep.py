"""The target on request: a study's learning rate and LLC at other settings, as tables and figures."""

from pathlib import Path

from tests.workflow.projects import Project
from workflow_scripts.ticketlab.tables import files
from workflow_scripts.ticketlab.tables.schemas.llc import LLC_SWEEP
from workflow_scripts.ticketlab.tables.schemas.rates import RATES


def test_the_sweep_of_a_study_is_made_when_asked_for_and_only_then(tiny: Project, tmp_path: Path) -> None:
    project = tiny.copy(tmp_path / "project")
    assert set(project.plan("sweeps")) == {
        *("sweep_rates digits", "draw_rate_sweep digits"),
        *("sweep_llc digits", "draw_llc_sweep digits"),
    }
    project.run("sweeps")
    frame = files.read(project.folder / "results/digits/llc_sweep.parquet", LLC_SWEEP)
    assert frame.groupby("varied")["value"].nunique().to_dict() == {"learning_rate": 3, "localization": 3, "nbeta": 3}
    assert (project.folder / "results/figures/llc_sweep_digits.png").is_file()
    rates = files.read(project.folder / "results/digits/rate_sweep.parquet", RATES)
    assert set(rates["rate"]) == {0.25, 0.5, 1, 2, 4} and set(rates["split"]) == {"validation"}
    assert set(rates["init_seed"]) == {0, 1} and set(rates["variant"]) == {"dense"}
    assert (project.folder / "results/figures/rate_sweep_digits.png").is_file()
    assert not project.plan() and not project.plan("sweeps")
