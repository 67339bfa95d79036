"""Snakemake in the background, and the jobs' own processes, to be stopped and killed."""

import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import psutil

from tests.workflow.projects import Project, environment

LOG = "run.log"
PATIENCE = 900.0  # seconds: for what takes one on a fast idle machine, with slow cores that other tests share


@contextmanager
def running(project: Project, command: Sequence[str]) -> Iterator[subprocess.Popen[bytes]]:
    """Snakemake in the background, with what it says in run.log; not outliving the block."""
    with (project.folder / LOG).open("w") as log:
        process = subprocess.Popen(
            command, cwd=project.folder, env=environment(), stdout=log, stderr=log, start_new_session=True
        )
    try:
        yield process
    finally:
        kill(process)


def kill(process: subprocess.Popen[bytes]) -> None:
    """Snakemake and what it started here, at once; not its jobs in a cluster's queue."""
    if process.poll() is None:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def end(process: subprocess.Popen[bytes], project: Project) -> int:
    """Wait for Snakemake; its exit status."""
    try:
        return process.wait(PATIENCE)
    except subprocess.TimeoutExpired:
        raise AssertionError(f"no end within {PATIENCE:.0f} s; so far:\n{said(project)[-6000:]}") from None


def said(project: Project) -> str:
    return (project.folder / LOG).read_text()


def jobs_of(project: Project) -> list[psutil.Process]:
    """The scripts that run in the project's folder, whoever started them."""
    found = []
    for process in psutil.process_iter():
        try:
            script = any(".snakemake/scripts/" in word for word in process.cmdline())
            if script and Path(process.cwd()) == project.folder:
                found.append(process)
        except (psutil.Error, OSError):
            continue
    return found


def wait_until(condition: Callable[[], bool], what: str, patience: float = PATIENCE) -> None:
    end = time.monotonic() + patience
    while not condition():
        assert time.monotonic() < end, f"no {what} within {patience:.0f} s"
        time.sleep(0.1)
