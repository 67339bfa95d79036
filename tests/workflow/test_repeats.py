"""The same config gives the same bytes: in another folder, on other cores, after a failure, after a kill."""

import os
import random
import re
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import psutil
import pytest

from tests.operations.processes import wait_until
from tests.workflow.projects import Project, environment, tiny_project

SCRIPT = "workflow_scripts/estimate_llc.py"
BODY = "spec = snakemake.params.spec\n"
FAULT = f'raise RuntimeError("made to fail")\n    {BODY}'
AFTER_LLC = r"/llc/|compression|comparisons|verdicts"
OTHER_LLC: dict[str, Any] = {"studies": {"digits": {"llc": {"nbeta": 20.0}}}}


@pytest.fixture(scope="module")
def clean(pristine: Path, tmp_path_factory: pytest.TempPathFactory) -> Project:
    """A run with the changed config from nothing, in another folder than all others, on one core, with no forks."""
    project = tiny_project(pristine, tmp_path_factory.mktemp("clean") / "project")
    return project.overlay("other.yaml", OTHER_LLC).run(cores=1, real=True)


def test_another_folder_and_another_number_of_cores_give_the_same_bytes(tiny: Project, clean: Project) -> None:
    """Of all tables that the one setting in which the two differ cannot reach."""
    same = {path: content for path, content in clean.tables().items() if not re.search(AFTER_LLC, path)}
    assert len(same) > 15
    assert same == {path: content for path, content in tiny.tables().items() if not re.search(AFTER_LLC, path)}


@pytest.fixture(scope="module")
def failed(tiny: Project, tmp_path_factory: pytest.TempPathFactory) -> Project:
    """A finished run whose config was changed, and in which the job that depends on the change then failed."""
    project = tiny.copy(tmp_path_factory.mktemp("failed") / "project").overlay("other.yaml", OTHER_LLC)
    project.edit(SCRIPT, BODY, FAULT)
    result = project.snakemake()
    assert result.returncode != 0
    assert "estimate_llc: RuntimeError: made to fail" in result.stderr
    project.edit(SCRIPT, FAULT, BODY)
    return project


def test_after_a_failure_and_its_repair_nothing_old_is_left(failed: Project, clean: Project, tmp_path: Path) -> None:
    """Snakemake alone says "Nothing to be done" here and leaves the old verdicts."""
    repaired = failed.copy(tmp_path / "repaired").run()
    assert repaired.tables() == clean.tables()


@pytest.mark.parametrize("target", ["instruments", "verdicts", "report"])
def test_a_target_makes_up_for_a_failure_by_itself(failed: Project, target: str) -> None:
    planned = set(failed.plan(target))
    assert {"estimate_llc digits-0-dense", "estimate_llc digits-0-tickets"} <= planned
    assert target == "instruments" or {"summarise digits", "judge"} <= planned
    assert target != "report" or target in planned


def processes(project: Project) -> list[psutil.Process]:
    """Whatever runs in the project's folder."""
    found = []
    for process in psutil.process_iter():
        try:
            if Path(process.cwd()).is_relative_to(project.folder):
                found.append(process)
        except (psutil.Error, OSError):
            continue
    return found


def kill_when_started(project: Project, jobs: int, *, whole_group: bool) -> None:
    """Run until `jobs` jobs have begun and up to two more seconds passed; then SIGKILL, to Snakemake or to all."""
    with (project.folder / "killed.log").open("w") as log:
        running = subprocess.Popen(
            project.command(), cwd=project.folder, env=environment(), stdout=log, stderr=log, start_new_session=True
        )
    try:
        wait_until(lambda: len([*project.folder.glob("results/logs/*/*.log")]) >= jobs, f"job {jobs}")
        delay = random.uniform(0, 2)
        time.sleep(delay)
        assert running.poll() is None, f"ended by itself, {delay} s after job {jobs} had begun"
    finally:
        (os.killpg if whole_group else os.kill)(running.pid, signal.SIGKILL)
        running.wait()


def unlock(project: Project) -> None:
    """What `make run` does before a run: a SIGKILL leaves Snakemake's lock behind, and maybe jobs that still write."""
    refused = project.snakemake()
    assert refused.returncode != 0 and "--unlock" in refused.stderr
    command = [sys.executable, "-m", "workflow_scripts.tools.unlock"]
    if processes(project):
        result = project.call(command)
        assert result.returncode == 1 and result.stderr.startswith("error: a run, or jobs of one that was killed")
        wait_until(lambda: not processes(project), "end of the orphaned jobs")
    result = project.call(command)
    assert result.returncode == 0 and "goes on where it stopped" in result.stdout


def test_a_run_that_was_killed_goes_on_where_it_was_and_ends_in_the_same_bytes(
    tiny: Project, pristine: Path, tmp_path: Path
) -> None:
    project = tiny_project(pristine, tmp_path / "project")
    kill_when_started(project, 3, whole_group=True)
    wait_until(lambda: not processes(project), "end of the killed jobs")
    unlock(project)
    finished = project.tables()
    # Now the jobs of the killed run live on.
    kill_when_started(project, 8, whole_group=False)
    unlock(project)
    assert finished.items() <= project.tables().items()
    project.run()
    assert project.tables() == tiny.tables()
    assert not project.plan()
    assert not [*project.folder.rglob(".*.partial")]


def test_what_a_job_wrote_that_outlived_its_snakemake_is_known_by_the_config_that_it_ran_with(
    tiny: Project, tmp_path: Path
) -> None:
    """In a cluster's queue jobs outlive a killed run, and no one is left to record what they made, and of what."""
    project = tiny.copy(tmp_path / "project")
    other = project.overlay("other.yaml", OTHER_LLC)
    # As the executor calls a job that it has submitted.
    job = ["--target-jobs", "estimate_llc:study=digits,block=0,source=tickets", "--allowed-rules", "estimate_llc"]
    other.run("--mode", "remote", "--force", "--nolock", "--ignore-incomplete", *job)
    assert project.tables() != tiny.tables()
    assert {*project.plan("instruments")} == {"estimate_llc digits-0-tickets"}
    assert {*other.plan("instruments")} == {"estimate_llc digits-0-dense"}
    assert project.run().tables() == tiny.tables()


def test_an_output_that_was_only_said_to_be_up_to_date_stays_stale(tiny: Project, tmp_path: Path) -> None:
    other = tiny.copy(tmp_path / "project").overlay("other.yaml", OTHER_LLC)
    planned = set(other.plan())
    assert planned
    other.run("--touch")
    assert set(other.plan()) == planned
