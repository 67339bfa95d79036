"""What a run shows of its progress, from Snakemake's events (workflow_scripts/tools/progress.py)."""

import io
import logging
import os
from collections.abc import Iterator
from contextlib import contextmanager
from types import SimpleNamespace
from typing import Any

import pytest
from rich.console import Console
from snakemake_interface_logger_plugins.common import LogEvent

from workflow_scripts.tools import progress
from workflow_scripts.tools.dry_run import Job
from workflow_scripts.tools.progress import LogHandler, Progress


def job(rule: str, study: str, *inputs: str) -> Job:
    name = f"{rule}-{study}"
    return Job(rule, {"study": study, "block": "0"}, "", inputs, (name,), 1, None, f"logs/{rule}/{study}-0.log")


JOBS = {
    1: job("train", "text"),
    2: job("train", "digits"),
    3: job("prune", "text", "train-text"),
    4: job("prune", "digits", "train-digits"),
    9: Job("all", {}, "", ("prune-text", "prune-digits"), (), 1, None),
}


def test_the_time_left_is_what_is_known_of_the_jobs_that_are_left_on_these_cores() -> None:
    seconds = {"train": 60.0, "prune": 20.0}
    progress = Progress(JOBS, 1, lambda job: seconds[job.rule])
    assert progress.seconds_left(0) == 160
    progress.start(1, 100)
    assert progress.seconds_left(110) == 150, "ten seconds of the first are over"
    progress.end(1, 170, well=True)
    assert progress.seconds_left(170) == 100
    assert Progress(JOBS, 2, lambda job: seconds[job.rule]).seconds_left(0) == 80


def test_without_measurements_the_runs_own_jobs_tell_the_time_left() -> None:
    progress = Progress(JOBS, 1, lambda job: None)
    progress.start(1, 0)
    assert progress.seconds_left(5) is None and progress.text(5) == "0 of 4 jobs done, 1 running"
    progress.end(1, 10, well=True)
    assert progress.seconds_left(10) == 30
    assert progress.text(10) == "1 of 4 jobs done, 0 running, about 30 s left"


def test_a_failed_job_counts_as_failed_until_it_is_tried_again() -> None:
    progress = Progress(JOBS, 1, lambda job: 1.0)
    progress.start(2, 0)
    progress.end(2, 1, well=False)
    assert progress.text(1) == "0 of 4 jobs done, 0 running, 1 failed, about 3 s left"
    progress.start(2, 2)
    assert progress.text(2) == "0 of 4 jobs done, 1 running, about 4 s left"


@contextmanager
def shown() -> Iterator[LogHandler]:
    """Not a fixture: pytest takes the standard streams back between a fixture and its test."""
    settings: Any = SimpleNamespace()
    handler = LogHandler(settings, None)
    handler.console = Console(file=io.StringIO(), soft_wrap=True)
    try:
        yield handler
    finally:
        handler.close()


def said(handler: LogHandler) -> list[str]:
    stream: Any = handler.console.file
    return stream.getvalue().splitlines()


def tell(handler: LogHandler, message: str = "", level: int = logging.INFO, **facts: object) -> None:
    record = logging.LogRecord("snakemake", level, "", 0, message, None, None)
    record.__dict__.update(facts)
    handler.emit(record)


def test_not_on_a_terminal_a_run_is_a_line_for_jobs_that_ended_its_failures_and_its_outcome() -> None:
    with shown() as handler:
        tell(handler, "Building DAG of jobs...")
        tell(handler, "unusual", logging.WARNING)
        handler.begin(JOBS, 1)
        for number in (1, 2):
            tell(handler, event=LogEvent.JOB_INFO, jobid=number)
        tell(handler, "Finished jobid: 1", event=LogEvent.JOB_FINISHED, job_id=1)
        tell(handler, "Error in rule train", logging.ERROR, event=LogEvent.JOB_ERROR, jobid=2)
        tell(handler, "RuleException:\nCalledProcessError in file x", logging.ERROR, event=LogEvent.ERROR)
        tell(handler, "Trying to restart job 2.")
        tell(handler, "the end", outcome=True)
        tell(handler, "Elapsed time: 0:00:04")
    first, done, *others = said(handler)
    assert first == "unusual" and done.endswith("; train text 0 took 0 s")
    assert others == ["failed: train digits 0", "the end"]


def test_not_on_a_terminal_many_jobs_fit_a_screen_and_the_last_is_told() -> None:
    jobs = {number: job("train", f"study{number}") for number in range(1, 1004)}
    with shown() as handler:
        handler.begin(jobs, 1)
        for number in jobs:
            tell(handler, event=LogEvent.JOB_INFO, jobid=number)
            tell(handler, event=LogEvent.JOB_FINISHED, job_id=number)
    lines = said(handler)
    assert len(lines) <= 26 and lines[-1].startswith("1003 of 1003 jobs done")


def test_not_on_a_terminal_a_run_of_few_long_jobs_is_not_silent(monkeypatch: pytest.MonkeyPatch) -> None:
    jobs = {number: job("train", f"study{number}") for number in range(1, 1004)}
    now = [0.0]
    monkeypatch.setattr(progress.time, "monotonic", lambda: now[0])
    with shown() as handler:
        handler.begin(jobs, 1)
        for number in (1, 2, 3, 4):
            tell(handler, event=LogEvent.JOB_INFO, jobid=number)
            now[0] += 200
            tell(handler, event=LogEvent.JOB_FINISHED, job_id=number)
    assert [line.split()[0] for line in said(handler)] == ["2", "4"]


def test_after_ctrl_c_no_job_counts_as_failed() -> None:
    with shown() as handler:
        handler.begin(JOBS, 1)
        tell(handler, event=LogEvent.JOB_INFO, jobid=1)
        tell(handler, "Terminating processes on user request, this might take some time.")
        tell(handler, "Error in rule train", logging.ERROR, event=LogEvent.JOB_ERROR, jobid=1)
    assert said(handler) == []


def test_what_a_job_tells_of_its_work_stands_beside_its_line_and_all_else_stays() -> None:
    with shown() as handler:
        handler.begin(JOBS, 1)
        tell(handler, event=LogEvent.JOB_INFO, jobid=1)
        os.write(2, b"train text-0: step 3/9, 4 s left\nwarning: train text-0: diverged\nerror: train: no file\n")
    assert said(handler) == ["warning: train text-0: diverged", "error: train: no file"]
    handler.console = Console(file=io.StringIO(), width=60)
    handler.console.print(handler.picture())
    at_work, bar = said(handler)
    assert at_work == "  train text 0  0 s  step 3/9, 4 s left" and bar.endswith(" 0 of 4 jobs done, 1 running")
