"""What `make status` says of jobs that are done, stale, missing, running and failed is what they are."""

import os
import signal
import subprocess
import time
from pathlib import Path

from tests.workflow.projects import Project, environment

SCRIPT = "workflow_scripts/compare_roles.py"
BODY = "    spec = snakemake.params.spec\n"
LOG = "results/logs/compare_roles/digits.log"


def counts(project: Project, stage: str) -> dict[str, int]:
    """The row of a stage of the study, by state; states without jobs left out."""
    result = project.tool("status")
    assert result.returncode == 0, result.stderr
    header, *rows = [line.split() for line in result.stdout.splitlines() if line.startswith(("study ", "digits "))]
    (row,) = [row for row in rows if row[1] == stage]
    return {name: int(number) for name, number in zip(header[2:], row[2:], strict=True) if number != "·"}


def said(project: Project) -> str:
    return project.tool("status").stdout


def test_all_is_done_after_a_run_and_the_table_has_every_job(tiny: Project) -> None:
    jobs = tiny.plan("--forceall")
    assert f"All {len(jobs)} jobs are done." in said(tiny)
    assert counts(tiny, "tickets") == {
        "done": sum(j.startswith(("imp_round", "train_controls", "find_supermask")) for j in jobs)
    }


def test_damaged_outputs_are_stale_and_deleted_ones_missing(tiny: Project, tmp_path: Path) -> None:
    project = tiny.copy(tmp_path / "project")
    os.truncate(project.folder / "results/digits/block0/overlap.parquet", 10)
    (project.folder / "results/digits/block0/structure.parquet").unlink()
    assert counts(project, "instruments") == {"done": 2, "stale": 1, "missing": 1}
    assert counts(project, "verdicts") == {"stale": 1}
    assert counts(project, "dense") == {"done": 1}


def test_a_job_that_failed_is_named_with_its_error(tiny: Project, tmp_path: Path) -> None:
    project = tiny.copy(tmp_path / "project")
    project.edit(SCRIPT, BODY, f'{BODY}    raise RuntimeError("made to fail")\n')
    assert project.snakemake().returncode != 0
    done = counts(project, "roles")
    assert done.pop("failed") == 1 and set(done) == {"done"}
    (line,) = [line for line in said(project).splitlines() if line.startswith("failed: ")]
    assert "compare_roles digits" in line and "RuntimeError: made to fail" in line and LOG in line


def test_a_job_at_work_is_running_and_after_a_kill_failed_not_running(tiny: Project, tmp_path: Path) -> None:
    project = tiny.copy(tmp_path / "project")
    project.edit(SCRIPT, BODY, f'{BODY}    import time\n    print("here I wait", flush=True)\n    time.sleep(600)\n')
    log = project.folder / LOG
    log.unlink()
    running = subprocess.Popen(
        project.command(), cwd=project.folder, env=environment(), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        start_new_session=True,
    )  # fmt: skip
    try:
        end = time.monotonic() + 120
        while not (log.exists() and "here I wait" in log.read_text()):
            assert time.monotonic() < end and running.poll() is None
            time.sleep(0.1)
        assert counts(project, "roles")["running"] == 1
        assert "A run is at work in this folder" in said(project)
    finally:
        os.killpg(running.pid, signal.SIGKILL)
        running.wait()
    text = said(project)
    assert "failed: compare_roles digits: here I wait" in text
    assert "locked, and no process here works in it" in text
    assert counts(project, "roles")["failed"] == 1 and "running" not in counts(project, "roles")
