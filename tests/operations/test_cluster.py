"""Through a real Slurm: the workstation's bytes, whatever happens to jobs, node and Snakemake on the way."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.operations.cluster import Cluster, wait_until
from tests.workflow.projects import Project, environment, tiny_project

pytestmark = pytest.mark.cluster

SCRIPT = "workflow_scripts/train_dense.py"
BODY = "spec = snakemake.params.spec\n"
DENSE = "digits/block0/dense/weights.parquet"
UNLOCK = [sys.executable, "-m", "workflow_scripts.tools.unlock"]
FAULT = f'raise RuntimeError("made to fail")\n    {BODY}'


@contextmanager
def running(project: Project, command: list[str]) -> Iterator[subprocess.Popen[bytes]]:
    """Snakemake in the background, with what it says in run.log; not outliving the block."""
    with (project.folder / "run.log").open("w") as log:
        process = subprocess.Popen(
            command, cwd=project.folder, env=environment(), stdout=log, stderr=log, start_new_session=True
        )
    try:
        yield process
    finally:
        kill(process)


def kill(process: subprocess.Popen[bytes]) -> None:
    """Snakemake and what it started here, at once; not its jobs in the queue."""
    if process.poll() is None:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def said(project: Project) -> str:
    return (project.folder / "run.log").read_text()


def same_as(tiny: Project, project: Project) -> bool:
    """Has `project` the dense networks, and is every table that it has the one of `tiny`?"""
    tables, others = project.tables(), tiny.tables()
    return DENSE in tables and all(others[path] == content for path, content in tables.items())


def test_a_cancelled_job_and_a_drained_node_delay_a_run_and_change_no_byte(
    cluster: Cluster, tiny: Project, pristine: Path, tmp_path: Path
) -> None:
    project = tiny_project(pristine, tmp_path / "project")
    with running(project, cluster.command(project)) as snakemake:
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
        assert snakemake.wait() == 0, said(project)[-6000:]
    assert f"'{first.number}' failed, SLURM status is: 'CANCELLED'" in said(project)
    assert cluster.job(project, waiting.what, "COMPLETED").number == waiting.number
    assert project.tables() == tiny.tables()
    assert not project.plan()


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


def test_after_snakemake_was_killed_its_queued_jobs_are_waited_for_and_the_run_completes(
    cluster: Cluster, tiny: Project, pristine: Path, tmp_path: Path
) -> None:
    project = tiny_project(pristine, tmp_path / "project")
    cluster.drain()
    try:
        with running(project, cluster.command(project, "dense")) as snakemake:
            waiting = cluster.job(project, "", "PENDING")
            kill(snakemake)
        refused = project.call(UNLOCK)
        assert refused.returncode == 1
        assert f"scancel {waiting.number}" in refused.stderr
    finally:
        cluster.resume()
    wait_until(lambda: not cluster.active(project), "end of the queued job")
    assert cluster.job(project, waiting.what, "COMPLETED").number == waiting.number

    assert project.call(UNLOCK).returncode == 0
    again = project.call(cluster.command(project, "dense"))
    assert again.returncode == 0, again.stderr[-6000:]
    assert same_as(tiny, project)
    assert not project.plan("dense")
