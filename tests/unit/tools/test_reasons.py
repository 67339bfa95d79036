"""Snakemake's reasons in a user's words (workflow_scripts/tools/reasons.py)."""

from dataclasses import replace
from pathlib import Path

import pytest
from snakemake.persistence import MetadataRecord
from snakemake.persistence.file import FilePersistence

from workflow_scripts.preflight import parts
from workflow_scripts.ticketlab.core import manifest
from workflow_scripts.tools.dry_run import Job
from workflow_scripts.tools.reasons import PARAMS, differences, explain

JOB = Job(
    rule="train_dense",
    wildcards={"study": "digits", "block": "0"},
    reason="",
    input=("results/data.parquet", "results/init.parquet"),
    output=("results/weights.parquet", "results/metrics.parquet"),
    threads=1,
    benchmark=None,
    log="results/logs/train_dense/digits-0.log",
)
SPEC = {"study": "digits", "training": {"learning_rate": 0.01, "betas": [0.9, 0.99]}, "block_size": 4}


@pytest.fixture
def records(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> FilePersistence:
    """Snakemake's records in an empty folder, in which the test then is."""
    monkeypatch.chdir(tmp_path)
    return FilePersistence(nolock=True)


def told(reason: str, records: FilePersistence, **makers: str) -> str:
    return explain(
        replace(JOB, reason=reason), {f"results/{name}.parquet": rule for name, rule in makers.items()}, records
    )


def changed(before: object, now: object) -> str:
    def written(values: object) -> str:
        return ",".join(map(repr, values)) if isinstance(values, list) else repr(values)

    return f"{PARAMS}before: {written(before)} now: {written(now)} "


def test_a_setting_is_named_with_its_value_before_and_now(records: FilePersistence) -> None:
    now = {**SPEC, "training": {"learning_rate": 0.02, "betas": [0.99, 0.9]}}
    sentence = "config: training.learning_rate 0.01 -> 0.02, training.betas [0.9, 0.99] -> [0.99, 0.9]"
    assert told(changed(SPEC, now), records) == sentence


@pytest.mark.parametrize("text", ["now: before: ", "a; b, c: d", "' now ", "Params have changed"])
def test_a_value_that_reads_like_a_reason_misleads_nobody(text: str, records: FilePersistence) -> None:
    assert told(changed({"name": text}, {"name": "plain"}), records) == f"config: name {text!r} -> 'plain'"


def test_settings_that_came_and_went_are_named(records: FilePersistence) -> None:
    assert [*differences({"a": 1, "b": {"c": 2}}, {"b": {"d": 3}, "e": {"f": 4}})] == [
        "a is gone",
        "b.c is gone",
        "b.d is new: 3",
        "e is new",
    ]


def test_of_many_settings_some_are_named_and_the_others_counted(records: FilePersistence) -> None:
    sentence = told(changed(dict.fromkeys("abcde", 1), dict.fromkeys("abcde", 2)), records)
    assert sentence == "config: a 1 -> 2, b 1 -> 2, c 1 -> 2 and 2 more"


def test_files_of_the_user_are_named(records: FilePersistence) -> None:
    before, now = (
        {**SPEC, "sha256": digests} for digests in ({"a": "0", "b": "1", "c": "2"}, {"a": "3", "c": "2", "d": "4"})
    )
    assert told(changed(before, now), records) == "files: a changed, b is gone, d is new"


def test_modules_and_packages_behind_digests_are_named(records: FilePersistence) -> None:
    code, code_now = (
        {"llc.py": digest, "stack.py": "1", **more} for digest, more in (("2", {}), ("3", {"new.py": "4"}))
    )
    lock, lock_now = ({"numpy": version, "scipy": "1.17"} for version in ("2.4.6", "2.5.0"))
    before, now = ([parts.remember(found) for found in side] for side in ((code, lock), (code_now, lock_now)))
    assert told(changed(before, now), records) == "code: llc.py changed, new.py is new; packages: numpy 2.4.6 -> 2.5.0"
    assert told(changed(before[:1], now[:1]), records) == "code: llc.py changed, new.py is new"


def test_a_digest_that_stands_for_nothing_known_is_told_without_names(records: FilePersistence) -> None:
    assert told(changed(["0123456789abcdef"], [parts.remember({"a.py": "1"})]), records) == "code or packages"


def test_a_value_that_cannot_be_read_back_still_has_a_reason(records: FilePersistence) -> None:
    assert told(changed({"limit": float("inf")}, {"limit": 1.0}), records) == "config, code or packages"


def test_what_is_not_there_was_never_made_or_is_deleted(records: FilePersistence) -> None:
    missing = "Missing output files: results/weights.parquet"
    assert told(missing, records) == "not made yet"
    records._write_record("results/weights.parquet", MetadataRecord(rule="train_dense"))
    records._clear_cache()
    assert told(missing, records) == "deleted: results/weights.parquet"


def test_a_job_that_follows_others_names_them_once(records: FilePersistence) -> None:
    reason = "Input files updated by another job: results/data.parquet, results/a.parquet, results/b.parquet"
    makers = {"data": "prepare_data", "a": "imp_round", "b": "imp_round"}
    assert told(reason, records, **makers) == "follows imp_round, prepare_data"


def test_inputs_that_came_and_went_are_named(records: FilePersistence) -> None:
    for output in JOB.output:
        records._write_record(output, MetadataRecord(input=["results/data.parquet", "results/old.parquet"]))
    sentence = told("Set of input files has changed since last execution", records)
    assert sentence == "reads results/init.parquet too, reads results/old.parquet no more"


def test_a_forced_job_is_damaged_or_unfinished_or_asked_for(records: FilePersistence) -> None:
    assert told("Forced execution", records) == "asked for by option"
    records._mark_incomplete(JOB.output[0], None)
    records._clear_cache()
    assert told("Forced execution", records) == "its last run was broken off before results/weights.parquet was whole"
    for output in JOB.output:
        Path(output).parent.mkdir(exist_ok=True)
        Path(output).write_text("whole")
    assert JOB.log
    manifest.record(JOB.log, JOB.rule, [], [], JOB.output)
    Path(JOB.output[0]).write_text("half")
    assert told("Forced execution", records) == "damaged: results/weights.parquet has 4 bytes instead of 5"


def test_what_it_does_not_know_it_repeats(records: FilePersistence) -> None:
    assert told("Output file is a pipe", records) == "Output file is a pipe"
