"""What a run says at its end: its answer (tools/answer.py), what failed with the last lines of its log."""

import logging
from collections.abc import Iterable
from importlib import import_module
from pathlib import Path
from typing import Any

from snakemake.logging import logger
from snakemake_interface_logger_plugins.common import LogEvent

from workflow_scripts import STOPPED
from workflow_scripts.preflight import surroundings
from workflow_scripts.ticketlab.config.study import Config
from workflow_scripts.tools.dry_run import Job, of_snakemake

LOCK = Path(__file__).parents[2] / "envs/requirements.lock"
LAST = 5  # lines of a failed job's log
STOPPING = "Terminating processes on user request"  # Snakemake's words


class Failures(logging.Filter):
    """Takes from Snakemake's log the jobs that failed and did not succeed later, and whether the user stopped it."""

    def __init__(self) -> None:
        super().__init__()
        self.numbers: set[int] = set()
        self.stopped = False

    def filter(self, record: logging.LogRecord) -> bool:
        event = getattr(record, "event", None)
        self.stopped |= record.getMessage().startswith(STOPPING)
        if event == LogEvent.JOB_ERROR and not self.stopped:
            self.numbers.add(record.__dict__["jobid"])
        if event == LogEvent.JOB_FINISHED:
            self.numbers.discard(record.__dict__["job_id"])
        return True


def announce(workflow: Any, config: Config) -> None:
    """Have a run of Snakemake's `workflow` say this, and at its start what is to be known of this machine's numbers.

    A logger that shows progress (tools/progress.py) gets the jobs that are to run.
    """
    for doubt in surroundings.doubts(config.numerics, LOCK):
        logger.warning(doubt)
    failures = Failures()
    logger.addFilter(failures)
    planned: dict[int, Job] = {}

    def begin(log: object) -> None:
        planned.update({workflow.dag.jobid(job): of_snakemake(job) for job in workflow.dag.needrun_jobs()})
        for handler in workflow.logger_manager.get_log_handlers():
            if hasattr(handler, "begin"):
                # Loaded here, as in `answer`: only the process that shows a run needs it.
                expected = import_module("workflow_scripts.tools.plan").expectation(config)
                handler.begin(planned, workflow.cores if workflow.local_exec else workflow.nodes, expected)

    def end(log: object) -> None:
        made = [path for job in workflow.dag.jobs for path in job.output if workflow.dag.finished(job)]
        made += [path for job in workflow.dag.jobs for path in job.output if not workflow.dag.needrun(job)]
        failed = [planned[number] for number in failures.numbers if not was_stopped(planned[number])]
        answered = answer(config) if f"{config.results}/verdicts.parquet" in made else ""
        if said := text(answered, failed, failures.stopped):
            logger.info(said, extra={"outcome": True})

    workflow.onstart(begin)
    workflow.onsuccess(end)
    workflow.onerror(end)


def answer(config: Config) -> str:
    """tools/answer.py's text; loaded here since its judgements take a second that every start of Snakemake would."""
    found: str = import_module("workflow_scripts.tools.answer").text(config)
    return found


def text(answered: str, failed: Iterable[Job], stopped: bool) -> str:
    """The end of a run as text. answered: its answer, empty if verdicts are not up to date."""
    parts = [answered] if answered else []
    for job in failed:
        lines = last_lines(job.log)
        parts.append("\n".join([f"failed: {job.name}  ({job.log})", *(f"    {line}" for line in lines)]))
    if stopped:
        parts.append("Stopped. The same command goes on after the last finished job.")
    elif failed:
        parts.append("Finished jobs are kept: repair what failed, and give the same command again.")
    return "\n\n".join(parts)


def last_lines(log: str | None, count: int = LAST) -> list[str]:
    """The last lines of a job's log that are not empty, each of at most 200 characters."""
    try:
        lines = Path(log or "").read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return ["it has no log: it ended before it began to work"]
    return [line[:200] for line in lines if line.strip()][-count:] or ["its log is empty: it was killed"]


def was_stopped(job: Job) -> bool:
    """Whether the user stopped this job, as the last line of its log says.

    A job that is stopped before it has loaded the project ends in Python's own word.
    """
    return last_lines(job.log, 1)[0] in (STOPPED, KeyboardInterrupt.__name__)
