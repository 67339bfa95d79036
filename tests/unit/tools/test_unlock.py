import os
import subprocess
import sys
import time

import pytest

from tests.conftest import ROOT
from workflow_scripts.tools.unlock import alive


def unlock(folder, **variables):
    command = [sys.executable, "-m", "workflow_scripts.tools.unlock"]
    environment = {"PYTHONPATH": str(ROOT), **variables}
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True)


def locked(folder):
    (folder / ".snakemake/locks").mkdir(parents=True)
    (folder / ".snakemake/locks/0.output.lock").touch()
    (folder / "Snakefile").write_text("rule all:\n    input: []\n")
    return folder


def test_a_folder_without_a_lock_is_left_alone(tmp_path):
    assert unlock(tmp_path).returncode == 0
    assert not [*tmp_path.iterdir()]


def test_the_lock_of_a_run_that_is_gone_is_removed(tmp_path):
    result = unlock(locked(tmp_path))
    assert result.returncode == 0, result.stderr
    assert "goes on where it stopped" in result.stdout
    assert not [*tmp_path.glob(".snakemake/locks/*")]


def test_the_lock_stays_while_a_job_still_writes(tmp_path):
    folder = locked(tmp_path)
    job = folder / ".snakemake/scripts/tmp1.train_dense.py"
    job.parent.mkdir()
    job.write_text("import time\ntime.sleep(60)\n")
    running = subprocess.Popen([sys.executable, str(job)], cwd=folder)
    try:
        time.sleep(0.2)
        result = unlock(folder)
    finally:
        running.kill()
        running.wait()
    assert result.returncode == 1
    assert str(running.pid) in result.stderr and "wait until they have ended" in result.stderr
    assert [*folder.glob(".snakemake/locks/*")]


@pytest.mark.parametrize("place", ["", "/elsewhere"])
def test_the_lock_stays_while_a_job_of_this_folder_is_in_slurms_queue(tmp_path, place):
    folder = locked(tmp_path / "project")
    squeue = tmp_path / "bin/squeue"
    squeue.parent.mkdir()
    squeue.write_text(f"#!/bin/sh\necho '17|{folder}{place}'\n")
    squeue.chmod(0o755)
    result = unlock(folder, PATH=f"{squeue.parent}:{os.environ['PATH']}")
    if place:
        assert result.returncode == 0, result.stderr
    else:
        assert result.returncode == 1
        assert "Slurm's queue (17)" in result.stderr and "scancel 17" in result.stderr
    assert [*folder.glob(".snakemake/locks/*")] == ([] if place else [folder / ".snakemake/locks/0.output.lock"])


def test_a_slurm_that_does_not_answer_is_no_reason_to_keep_a_lock(tmp_path):
    folder = locked(tmp_path / "project")
    squeue = tmp_path / "bin/squeue"
    squeue.parent.mkdir()
    squeue.write_text("#!/bin/sh\necho 'squeue: fatal: Could not establish a configuration source' >&2; exit 1\n")
    squeue.chmod(0o755)
    assert unlock(folder, PATH=f"{squeue.parent}:{os.environ['PATH']}").returncode == 0


@pytest.mark.parametrize(("target", "is_run"), [("run", True), ("plan", False)])
def test_a_target_of_make_that_runs_jobs_is_alive_and_one_that_looks_is_not(tmp_path, target, is_run):
    command = [sys.executable, "-c", "import time; time.sleep(60)", "workflow_scripts.tools.run", target]
    running = subprocess.Popen(command, cwd=tmp_path)
    try:
        time.sleep(0.2)
        assert alive(tmp_path) == [running.pid] * is_run
    finally:
        running.kill()
        running.wait()
