"""The table of `make status` for what no run of the tests has: studies with long names."""

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
