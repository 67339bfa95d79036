"""A run through a real Slurm gives the workstation's bytes, in spite of faults of jobs, node and Snakemake."""

import shutil
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from tests.operations.cluster import Cluster
from tests.operations.processes import end, jobs_of, kill, running, said, wait_until
from tests.workflow.projects import Project, tiny_project

pytestmark = pytest.mark.cluster

SCRIPT = "workflow_scripts/train_dense.py"
BODY = "spec = snakemake.params.spec\n"
DENSE = "digits/block0/dense/weights.parquet"
TARGETS = ("tickets", "roles")  # chains and groups of jobs; the rest of the workflow would double the time
UNLOCK = [sys.executable, "-m", "workflow_scripts.tools.unlock"]
OTHER: dict[str, Any] = {"studies": {"digits": {"training": {"learning_rate": 0.002}}}}
FAULT = f'raise RuntimeError("made to fail")\n    {BODY}'


def same_as(tiny: Project, project: Project) -> bool:
    """Whether `project` has the dense networks, and every table that it has equals that of `tiny`."""
    tables, others = project.tables(), tiny.tables()
    return DENSE in tables and all(others[path] == content for path, content in tables.items())


def test_a_cancelled_job_and_a_drained_node_delay_a_run_and_change_no_byte(
    cluster: Cluster, tiny: Project, pristine: Path, tmp_path: Path
) -> None:
    project = tiny_project(pristine, tmp_path / "project")
    with running(project, cluster.command(project, *TARGETS)) as snakemake:
        first = cluster.job(project, "train_dense", "RUNNING")
        cluster.cancel(first)
        second = cluster.job(project, "train_dense", "COMPLETED")
        assert (first.memory, second.memory) == (3000, 6000)
        cluster.drain()
        try:
            waiting = cluster.job(project, "", "PENDING")
            assert snakemake.poll() is None
        finally:
            cluster.resume()
        assert end(snakemake, project) == 0, said(project)[-6000:]
    assert f"'{first.number}' failed, SLURM status is: 'CANCELLED'" in said(project)
    assert cluster.job(project, waiting.what, "COMPLETED").number == waiting.number
    assert same_as(tiny, project)
    assert not project.plan(*TARGETS)


@pytest.mark.slow
def test_a_job_that_fails_is_tried_with_more_memory_then_told_of_and_a_repaired_run_completes(
    cluster: Cluster, tiny: Project, pristine: Path, tmp_path: Path
) -> None:
    project = tiny_project(pristine, tmp_path / "project")
    project.edit(SCRIPT, BODY, FAULT)
    failed = project.call(cluster.command(project, "dense", "--retries", "1"))
    assert failed.returncode != 0
    assert "error: train_dense: RuntimeError: made to fail" in failed.stdout + failed.stderr
    attempts = [job for job in cluster.jobs(project) if job.what.startswith("train_dense")]
    assert [(job.state, job.memory) for job in attempts] == [("FAILED", 3000), ("FAILED", 6000)]
    assert not cluster.active(project)

    project.edit(SCRIPT, FAULT, BODY)
    repaired = project.call(cluster.command(project, "dense"))
    assert repaired.returncode == 0, repaired.stderr[-6000:]
    assert same_as(tiny, project)
    assert not project.plan("dense")


def test_after_snakemake_was_killed_its_queued_jobs_are_waited_for_and_known_by_the_config_that_they_ran_with(
    cluster: Cluster, tiny: Project, tmp_path: Path
) -> None:
    project = tiny.copy(tmp_path / "project")
    other = project.overlay("other.yaml", OTHER)
    cluster.drain()
    try:
        with running(other, cluster.command(other, "dense")) as snakemake:
            waiting = cluster.job(project, "train_dense", "PENDING")
            kill(snakemake)
        refused = project.call(UNLOCK)
        assert refused.returncode == 1
        assert f"scancel {waiting.number}" in refused.stderr
    finally:
        cluster.resume()
    wait_until(lambda: not cluster.active(project), "end of the queued job")
    assert cluster.job(project, waiting.what, "COMPLETED").number == waiting.number

    assert project.call(UNLOCK).returncode == 0
    assert not other.plan("dense")
    assert {*project.plan("dense")} == {"train_dense digits-0"}
    assert project.tables()[DENSE] != tiny.tables()[DENSE]
    again = project.call(cluster.command(project, "dense"))
    assert again.returncode == 0, again.stderr[-6000:]
    assert same_as(tiny, project)
    assert not project.plan("dense")


@pytest.mark.slow
def test_a_job_that_the_scheduler_ends_at_its_wall_time_is_run_again_with_twice_the_time(
    cluster: Cluster, tiny: Project, tmp_path: Path
) -> None:
    project = tiny.copy(tmp_path / "project")
    project.edit("rules/dense.smk", "networks(minutes=60)", "networks(minutes=1)")
    (project.folder / "results" / DENSE).unlink()
    with running(project, cluster.command(project, "dense")) as snakemake:
        wait_until(lambda: bool(jobs_of(project)), "job that runs")
        for job in jobs_of(project):
            job.suspend()
        first = cluster.job(project, "train_dense", "TIMEOUT")
        second = cluster.job(project, "train_dense", "COMPLETED")
        assert (first.minutes, second.minutes) == (1, 2)
        assert end(snakemake, project) == 0, said(project)[-6000:]
    assert f"'{first.number}' failed, SLURM status is: 'TIMEOUT'" in said(project)
    assert project.tables() == tiny.tables()


@pytest.mark.slow
def test_the_quick_config_gives_the_workstations_bytes(cluster: Cluster, pristine: Path, tmp_path: Path) -> None:
    """Prints how long both took (`-s` shows it): nothing else may run meanwhile."""
    seconds, tables = {}, {}
    for way in ("workstation", "Slurm"):
        project = Project(shutil.copytree(pristine, tmp_path / way), ("config/quick.yaml",))
        start = time.monotonic()
        result = project.call(cluster.command(project) if way == "Slurm" else project.command())
        seconds[way] = time.monotonic() - start
        assert result.returncode == 0, result.stderr[-6000:]
        tables[way] = project.tables("results/quick")
    jobs = [job for job in cluster.jobs(project) if job.state == "COMPLETED"]
    print(
        f"quick: workstation {seconds['workstation']:.0f} s, Slurm {seconds['Slurm']:.0f} s in {len(jobs)} jobs, "
        f"ratio {seconds['Slurm'] / seconds['workstation']:.2f}"
    )
    assert len(tables["Slurm"]) > 100
    assert tables["Slurm"] == tables["workstation"]
