"""The progress of a run: on a terminal a bar and a line for each job at work, elsewhere a line now and then.

A logger plugin of Snakemake's. `register` makes it known under NAME without an installation, and `--logger` selects it.
tools/outcome.py hands it the jobs of the run. Snakemake's own log file still gets everything.
"""

import logging
import os
import re
import sys
import threading
import time
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from statistics import median

from rich.console import Console, Group
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text
from snakemake_interface_logger_plugins.base import LogHandlerBase
from snakemake_interface_logger_plugins.common import LogEvent
from snakemake_interface_logger_plugins.registry import LoggerPluginRegistry

from workflow_scripts import STOPPED
from workflow_scripts.tools import outcome
from workflow_scripts.tools.dry_run import Job
from workflow_scripts.tools.plan import Expected, duration, expected_seconds, wall_seconds

NAME = "ticketlab"
SHOWN = 10  # jobs at work, on a terminal
# Not on a terminal: about this many lines, and one at least this often, in seconds, as long as jobs end.
LINES, SILENCE = 25, 300.0
# What Snakemake says before it starts jobs, and need not be read each time.
USUAL = re.compile(
    "Assuming unrestricted|Building DAG|Using shell|Provided |Rules claiming|Group jobs|Conda env|Singularity|host: |"
    "Config file "
)
# The line of a failed job and outcome.text say it.
SAID_OTHERWISE = ("RuleException", "Exiting because a job execution failed", "WorkflowError:\nAt least one job did")


def register() -> None:
    LoggerPluginRegistry().register_plugin(f"snakemake_logger_plugin_{NAME}", sys.modules[__name__])


class Progress:
    """The jobs of a run by Snakemake's numbers, those at work and those that have ended. Times are of one clock."""

    def __init__(self, jobs: Mapping[int, Job], cores: int, expected: Expected) -> None:
        self.jobs = {number: job for number, job in jobs.items() if job.output}
        self.cores = cores
        self.expected = {number: expected(job) for number, job in self.jobs.items()}
        self.began: dict[int, float] = {}
        self.took: dict[int, float] = {}
        self.failed: set[int] = set()

    def start(self, number: int, now: float) -> None:
        if number in self.jobs:
            self.began[number] = now
            self.failed.discard(number)  # it is tried again

    def end(self, number: int, now: float, *, well: bool) -> None:
        if number not in self.jobs:
            return
        began = self.began.pop(number, now)
        if well:
            self.took[number] = now - began
        else:
            self.failed.add(number)

    def seconds_left(self, now: float) -> float | None:
        """The expected time until all jobs are done; None while nothing is known of it.

        A job is expected to take what it took in earlier runs, else what others of its rule and study, of its rule, or
        all others took in this one.
        """
        took: dict[tuple[str, ...], list[float]] = {}
        for number, seconds in list(self.took.items()):
            job = self.jobs[number]
            for group in ((job.rule, job.study), (job.rule,), ()):
                took.setdefault(group, []).append(seconds)
        left: dict[int, float] = {}
        for number in [*list(self.began), *(number for number in self.jobs if number not in self.began)]:
            if number in self.took or number in self.failed:
                continue
            expected, job = self.expected[number], self.jobs[number]
            groups = ((job.rule, job.study), (job.rule,), ())
            like = next((took[group] for group in groups if group in took), None)
            if expected is None and like is None:
                return None
            seconds = median(like or []) if expected is None else expected
            left[number] = max(seconds - (now - self.began.get(number, now)), 0.0)
        return wall_seconds([self.jobs[number] for number in left], self.cores, list(left.values()))

    def text(self, now: float) -> str:
        """12 of 133 jobs done, 2 running, 1 failed, about 3 min left"""
        parts = [f"{len(self.took)} of {len(self.jobs)} jobs done", f"{len(self.began)} running"]
        parts += [f"{len(self.failed)} failed"] if self.failed else []
        left = self.seconds_left(now)
        parts += [f"about {duration(left)} left"] if left else []
        return ", ".join(parts)

    def at_work(self, line: str) -> tuple[int, str] | None:
        """The running job that wrote this line to the terminal, and what it said; None if it came from elsewhere."""
        for number in list(self.began):
            job = self.jobs[number]
            name = f"{job.rule} {Path(job.log or '').stem}: "  # as core/job.py begins each line
            if line.startswith(name):
                return number, line.removeprefix(name)
        return None


class LogHandler(LogHandlerBase):
    """Shows a run. What jobs write to the terminal comes through a pipe, so that it does not run into the bar."""

    writes_to_stream, writes_to_file, has_filter, has_formatter, needs_rulegraph = True, False, False, False, False

    def __post_init__(self) -> None:
        self.progress: Progress | None = None
        self.said: dict[int, str] = {}
        self.stopped = False
        self.told, self.told_at = 0, time.monotonic()
        self.terminal = os.dup(2)
        self.console = Console(file=os.fdopen(os.dup(2), "w", errors="replace"), highlight=False, soft_wrap=True)
        self.live = Live(get_renderable=self.picture, console=self.console, refresh_per_second=2, transient=True)
        source, drain = os.pipe()
        os.dup2(drain, 2)
        os.close(drain)
        self.listener = threading.Thread(target=self.listen, args=(source,), daemon=True)
        self.listener.start()

    def begin(self, jobs: Mapping[int, Job], cores: int, expected: Expected = expected_seconds) -> None:
        """Take the jobs of the run, before the first of them starts."""
        self.progress = Progress(jobs, cores, expected)
        if self.console.is_terminal:
            self.live.start()

    def listen(self, source: int) -> None:
        """Show what comes through the pipe: what a job tells of its work for a moment, all else for good."""
        with os.fdopen(source, errors="replace") as stream:
            for line in map(str.rstrip, stream):
                spoken = self.progress and self.progress.at_work(line)
                if spoken:
                    self.said[spoken[0]] = spoken[1]
                elif line and not self.stopped and line != STOPPED:
                    self.show(line)

    def emit(self, record: logging.LogRecord) -> None:
        try:
            self.take(record)
        except Exception:
            self.handleError(record)

    def take(self, record: logging.LogRecord) -> None:
        facts, message, now = record.__dict__, record.getMessage(), time.monotonic()
        self.stopped |= message.startswith(outcome.STOPPING)
        progress, event = self.progress, facts.get("event")
        if progress is None:
            if event == LogEvent.ERROR or (event is None and not USUAL.match(message)):
                self.show(message)
        elif event == LogEvent.JOB_INFO:
            progress.start(facts["jobid"], now)
        elif event == LogEvent.JOB_FINISHED:
            self.ended(progress, facts["job_id"], now, well=True)
        elif event == LogEvent.JOB_ERROR:
            self.ended(progress, facts["jobid"], now, well=False)
        elif "outcome" in facts:
            self.live.stop()
            self.show(message)
        elif record.levelno > logging.INFO and not message.startswith(SAID_OTHERWISE):
            self.show(message)

    def ended(self, progress: Progress, number: int, now: float, *, well: bool) -> None:
        job = progress.jobs.get(number)
        if job is None or self.stopped:
            return
        progress.end(number, now, well=well)
        self.said.pop(number, None)
        if not well and not outcome.was_stopped(job):
            self.show(f"failed: {job.name}")
        elif well and not self.console.is_terminal:
            done, total = len(progress.took), len(progress.jobs)
            if (done - self.told) * LINES >= total or done == total or now - self.told_at >= SILENCE:
                self.told, self.told_at = done, now
                self.show(f"{progress.text(now)}; {job.name} took {duration(progress.took[number])}")

    def show(self, line: str) -> None:
        self.console.print(line, markup=False)

    def picture(self) -> Group:
        """The jobs at work, the bar and the numbers."""
        now, progress = time.monotonic(), self.progress
        if progress is None:
            return Group()
        running = list(progress.began.items())
        lines = []
        for number, began in running[:SHOWN]:
            line = f"  {progress.jobs[number].name}  {duration(now - began)}  {self.said.get(number, '')}"
            lines.append(Text(line, no_wrap=True, overflow="ellipsis"))
        lines += [Text(f"  and {len(running) - SHOWN} more")] if len(running) > SHOWN else []
        last = Table.grid(padding=(0, 1))
        last.add_row(ProgressBar(len(progress.jobs), len(progress.took), width=20), Text(progress.text(now)))
        return Group(*lines, last)

    def close(self) -> None:
        with suppress(OSError):
            self.live.stop()
            os.dup2(self.terminal, 2)  # closes the pipe's end here
            self.listener.join(1)
        super().close()
