"""What a job wrote can be told from what is there now (ticketlab/core/manifest.py, preflight/damage.py,
preflight/recover.py)."""

import json
import os
import shutil
from pathlib import Path
from typing import Any

import pytest
from snakemake.persistence import MetadataRecord
from snakemake.persistence.file import FilePersistence

from workflow_scripts.preflight import damage
from workflow_scripts.preflight.recover import recover
from workflow_scripts.ticketlab.core import manifest

LOG = "logs/train_dense/digits-0.log"
OUTPUT = "digits/block0/weights.parquet"
OTHER = "digits/block0/metrics.parquet"


@pytest.fixture
def results(tmp_path: Path) -> Path:
    """The results of one job with two outputs."""
    folder = tmp_path / "logs/results"  # a folder above that is named as ours below must not mislead
    for name, content in ((LOG, ""), (OUTPUT, "weights"), (OTHER, "metrics")):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(content)
    manifest.record(folder / LOG, "train_dense", [], [], [folder / OUTPUT, folder / OTHER])
    return folder


def faults(results: Path, whole: bool = False) -> dict[str, str]:
    found = damage.of_job(str(results / LOG), whole=whole)
    assert {fault.rule for fault in found} <= {"train_dense"}
    return {Path(fault.path).relative_to(results).as_posix(): fault.fault for fault in found}


def same_time(path: Path, content: str) -> None:
    """Other content under the old time."""
    time = path.stat().st_mtime_ns
    path.write_text(content)
    os.utime(path, ns=(time, time))


def test_what_was_written_is_whole(results: Path) -> None:
    assert faults(results) == faults(results, whole=True) == {}
    assert damage.everywhere(str(results)) == []


@pytest.mark.parametrize(
    ("content", "fault"),
    [("", "has 0 bytes instead of 7"), ("weigh", "has 5 bytes instead of 7"), ("weightz", "holds other bytes")],
)
def test_an_output_that_was_changed_is_named_with_its_rule_and_the_others_are_not(
    results: Path, content: str, fault: str
) -> None:
    (results / OUTPUT).write_text(content)
    found = faults(results)
    assert list(found) == [OUTPUT] and found[OUTPUT].startswith(fault)
    assert [(found.path, found.rule) for found in damage.everywhere(str(results))] == [
        (f"{results}/{OUTPUT}", "train_dense")
    ]


def test_bytes_that_changed_under_the_same_size_and_time_are_found_by_reading_only(results: Path) -> None:
    same_time(results / OUTPUT, "weightz")
    assert faults(results) == {}
    assert faults(results, whole=True) == {OUTPUT: "holds other bytes than were written"}


def test_a_missing_output_is_named_but_left_to_snakemake(results: Path) -> None:
    (results / OUTPUT).unlink()
    assert faults(results) == {OUTPUT: damage.MISSING}
    assert damage.everywhere(str(results)) == []


def test_a_touched_or_copied_output_is_whole_and_gets_its_time_back(results: Path, tmp_path: Path) -> None:
    time = (results / OUTPUT).stat().st_mtime_ns
    os.utime(results / OUTPUT)
    assert faults(results) == {}
    assert (results / OUTPUT).stat().st_mtime_ns == time
    copied = tmp_path / "copied"
    shutil.copytree(results, copied, copy_function=shutil.copyfile)
    assert (copied / OUTPUT).stat().st_mtime_ns != time
    assert damage.everywhere(str(copied)) == []
    assert (copied / OUTPUT).stat().st_mtime_ns == time


def test_a_job_that_has_begun_again_is_not_held_against_what_it_wrote_before(results: Path) -> None:
    assert damage.vouched(str(results / LOG))
    manifest.withdraw(results / LOG)
    (results / OUTPUT).write_text("half")
    assert not damage.vouched(str(results / LOG))
    assert faults(results, whole=True) == {}


@pytest.mark.parametrize("content", ["", "{", "[]", "{}", '{"rule": "train_dense"}', '{"rule": "x", "outputs": 3}'])
def test_a_broken_manifest_vouches_for_nothing_and_stops_nothing(results: Path, content: str) -> None:
    manifest.places(results / LOG)[1].write_text(content)
    assert not damage.vouched(str(results / LOG))
    assert damage.everywhere(str(results)) == []


@pytest.fixture
def records(results: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> FilePersistence:
    """Snakemake's, without any; the manifest is of a job that made OUTPUT of OTHER."""
    monkeypatch.chdir(tmp_path)
    manifest.record(results / LOG, "train_dense", [results / OTHER], [{"a": 1}, "c"], [results / OUTPUT])
    return FilePersistence(nolock=True)


def recovered(results: Path, records: FilePersistence) -> MetadataRecord:
    recover(str(results), records)
    found = records._read_record(f"{results}/{OUTPUT}")
    assert found
    return found.model_copy()


def test_snakemakes_records_are_written_anew_where_they_lack(results: Path, records: FilePersistence) -> None:
    found = recovered(results, records)
    assert (found.rule, found.params) == ("train_dense", sorted([repr({"a": 1}), repr("c")]))
    assert found.input == [str(results / OTHER)]
    assert records._read_record(f"{results}/{OTHER}") is None


def test_snakemakes_own_record_of_the_same_job_is_kept(results: Path, records: FilePersistence) -> None:
    own = recovered(results, records)
    own.input_checksums, own.endtime = {"data.parquet": "sha256:0"}, (own.endtime or 0) + 1
    records._write_record(f"{results}/{OUTPUT}", own)
    records._clear_cache()
    assert recovered(results, records) == own


@pytest.mark.parametrize(
    "wrong",
    [
        {"params": ["other"], "seconds": 1},  # said by --touch, or of bytes that an older copy has replaced
        {"params": ["other"], "seconds": -1},  # of an earlier run: the job outlived the Snakemake that ran it
        {"rule": "other", "seconds": 1},
        {"input": ["other"], "seconds": 1},
        {"seconds": -1},  # of an equal job, made of other bytes, perhaps
    ],
)
def test_a_record_of_another_job_than_made_these_bytes_is_replaced(
    results: Path, records: FilePersistence, wrong: dict[str, Any]
) -> None:
    right = recovered(results, records)
    record = right.model_copy(update={**wrong, "endtime": (right.endtime or 0) + wrong.pop("seconds")})
    records._write_record(f"{results}/{OUTPUT}", record)
    records._clear_cache()
    assert recovered(results, records) == right


def test_a_manifest_appears_whole_or_not_at_all(results: Path) -> None:
    path = manifest.places(results / LOG)[1]
    before = path.read_text()
    with pytest.raises(FileNotFoundError):
        manifest.record(results / LOG, "train_dense", [], [], [results / OUTPUT, results / "gone"])
    assert path.read_text() == before
    assert [*path.parent.iterdir()] == [path]
    assert set(json.loads(before)["outputs"]) == {OUTPUT, OTHER}
