"""What a run says at its end (workflow_scripts/tools/outcome.py)."""

import logging
from pathlib import Path

from snakemake_interface_logger_plugins.common import LogEvent

from workflow_scripts import STOPPED
from workflow_scripts.tools import outcome
from workflow_scripts.tools.dry_run import Job


def job(log: Path) -> Job:
    return Job("train", {"study": "text", "block": "0"}, "", (), ("a",), 1, None, str(log))


def test_a_failed_job_is_named_with_the_last_lines_of_its_log(tmp_path: Path) -> None:
    log = tmp_path / "train.log"
    log.write_text("".join(f"line {number}\n\n" for number in range(9)))
    assert outcome.text("the answer", [job(log)], False).splitlines() == [
        "the answer",
        "",
        f"failed: train text 0  ({log})",
        *(f"    line {number}" for number in range(4, 9)),
        "",
        "Finished jobs are kept: repair what failed, and give the same command again.",
    ]
    log.unlink()
    assert "    it has no log: it ended before it began to work" in outcome.text("", [job(log)], False)


def test_a_job_that_ctrl_c_ended_was_stopped(tmp_path: Path) -> None:
    log = tmp_path / "train.log"
    log.write_text(f"step 1\n{STOPPED}\n")
    assert outcome.was_stopped(job(log))
    log.write_text("Traceback (most recent call last):\nKeyboardInterrupt\n")
    assert outcome.was_stopped(job(log)), "it had not yet loaded the project"
    assert outcome.text("", [], True) == "Stopped. The same command goes on after the last finished job."


def tell(failures: outcome.Failures, message: str = "", **facts: object) -> None:
    record = logging.LogRecord("snakemake", logging.INFO, "", 0, message, None, None)
    record.__dict__.update(facts)
    assert failures.filter(record), "every line goes on to the terminal and the log file"


def test_failures_are_jobs_that_failed_before_ctrl_c_and_did_not_succeed_later() -> None:
    failures = outcome.Failures()
    for number in (1, 2):
        tell(failures, event=LogEvent.JOB_ERROR, jobid=number)
    tell(failures, event=LogEvent.JOB_FINISHED, job_id=1)
    tell(failures, "Terminating processes on user request, this might take some time.")
    tell(failures, event=LogEvent.JOB_ERROR, jobid=3)
    assert failures.numbers == {2} and failures.stopped
