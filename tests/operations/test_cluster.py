"""Through a real Slurm: the workstation's bytes, whatever happens to jobs, node and Snakemake on the way."""

import os
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.operations.cluster import Cluster, wait_until
from tests.workflow.projects import Project, environment, tiny_project

pytestmark = pytest.mark.cluster


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
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()


def said(project: Project) -> str:
    return (project.folder / "run.log").read_text()


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
        waiting = cluster.job(project, "", "PENDING")
        assert snakemake.poll() is None
        cluster.resume()
        assert snakemake.wait() == 0, said(project)[-6000:]
    assert f"'{first.number}' failed, SLURM status is: 'CANCELLED'" in said(project)
    assert cluster.job(project, waiting.what, "COMPLETED").number == waiting.number
    assert project.tables() == tiny.tables()
    assert not project.plan()
