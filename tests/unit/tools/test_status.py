"""The table of `make status` for what no run of the tests has: studies with long names, jobs that Ctrl-C ended."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from workflow_scripts import STOPPED
from workflow_scripts.tools import status
from workflow_scripts.tools.dry_run import Job


def job(study: str) -> Job:
    return Job("train_dense", {"study": study}, "", (), (f"{study}.parquet",), 1, None, None)


def test_a_studys_name_of_any_length_stands_apart_from_its_stage() -> None:
    table = status.table([(job("a" * 30), "done"), (job("digits"), "stale")], {"train_dense": "dense"})
    header, *rows = [line.split() for line in table.splitlines()]
    assert [row[:2] for row in rows] == [["a" * 30, "dense"], ["digits", "dense"]]
    assert {len(row) for row in [header, *rows]} == {len(header)}
    assert len({len(line) for line in table.splitlines()}) == 1


@pytest.mark.parametrize(("last", "state"), [(STOPPED, "missing"), ("error: train: no", "failed")])
def test_a_job_that_ctrl_c_ended_has_not_failed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, last: str, state: str
) -> None:
    monkeypatch.chdir(tmp_path)
    log = Path("results/logs/train.log")
    log.parent.mkdir(parents=True)
    log.write_text(f"step 1\n{last}\n")
    records: Any = SimpleNamespace(_filter_incomplete_keys=lambda outputs: [])
    stopped = Job("train", {}, "", (), ("a.parquet",), 1, None, str(log))
    assert status.state(stopped, True, None, records) == state
