"""What a run says at its end (workflow_scripts/tools/outcome.py)."""

import logging
from pathlib import Path

import pandas as pd
from snakemake_interface_logger_plugins.common import LogEvent

from workflow_scripts import STOPPED
from workflow_scripts.ticketlab.tables.schemas.verdicts import VERDICTS
from workflow_scripts.ticketlab.verdicts import kinds
from workflow_scripts.ticketlab.verdicts.rows import STRONG_FORM, T1, T2
from workflow_scripts.tools import outcome
from workflow_scripts.tools.dry_run import Job
from workflow_scripts.tools.results_page import REFERENCE, read


def test_the_table_has_the_verdict_of_each_study_on_each_test() -> None:
    rows = [
        ("a", T1, kinds.WINNING_TICKET, "supports LTH", 0.01, 0.0, 0.02),
        ("a", T1, kinds.REWOUND_TICKET, "inconclusive", 0.1, 0.0, 0.2),
        ("a", T1, kinds.TICKET, "winning", 0.5, 0.4, 0.6),
        ("a", STRONG_FORM, kinds.SUPERMASK, "neither", 3.0, 2.0, 4.0),
        ("a", STRONG_FORM, kinds.STRONG_FORM, "refutes LTH", 2.0, 1.0, 3.0),
        ("bc", T2, kinds.ROLES_CHANGE, "inconclusive", float("nan"), float("nan"), float("nan")),
    ]
    columns = ["study", "test", "kind", "decision", "estimate", "ci_low", "ci_high"]
    assert outcome.table(pd.DataFrame(rows, columns=columns)).splitlines() == [
        "study  test                 verdict       estimate [95 % interval]",
        "a      T1 strong form       refutes LTH   2 [1, 3]",
        "       T1 tickets           supports LTH  0.01 [0, 0.02]",
        "       T1 tickets, rewound  inconclusive  0.1 [0, 0.2]",
        "bc     T2 roles             inconclusive  –",
    ]


def test_the_table_of_the_default_run_fits_a_terminal() -> None:
    lines = outcome.table(read(REFERENCE / "verdicts.csv", VERDICTS).drop_duplicates(["study", "kind"])).splitlines()
    assert len(lines) <= 24 and max(map(len, lines)) <= 100


def job(log: Path) -> Job:
    return Job("train", {"study": "text", "block": "0"}, "", (), ("a",), 1, None, str(log))


def test_a_failed_job_is_named_with_the_last_lines_of_its_log(tmp_path: Path) -> None:
    log = tmp_path / "train.log"
    log.write_text("".join(f"line {number}\n\n" for number in range(9)))
    assert outcome.text("results", {"results/report.html"}, [job(log)], False).splitlines() == [
        "The report is results/report.html",
        "",
        f"failed: train text 0  ({log})",
        *(f"    line {number}" for number in range(4, 9)),
        "",
        "Finished jobs are kept: repair what failed, and give the same command again.",
    ]
    log.unlink()
    assert "    it has no log: it ended before it began to work" in outcome.text("", set(), [job(log)], False)


def test_a_job_that_ctrl_c_ended_was_stopped(tmp_path: Path) -> None:
    log = tmp_path / "train.log"
    log.write_text(f"step 1\n{STOPPED}\n")
    assert outcome.was_stopped(job(log))
    log.write_text("Traceback (most recent call last):\nKeyboardInterrupt\n")
    assert outcome.was_stopped(job(log)), "it had not yet loaded the project"
    assert outcome.text("", set(), [], True) == "Stopped. The same command goes on after the last finished job."


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
