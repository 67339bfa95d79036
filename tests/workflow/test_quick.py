"""The quick workflow from end to end: every rule and study, every table whole, a verdict on every test, then rest."""

import json
from pathlib import Path

import duckdb
import pandas as pd
import polars as pl
import pyarrow.parquet as pq
import pytest

from tests.contracts import CONTRACTS
from tests.workflow import runs
from tests.workflow.projects import ROOT, Project
from workflow_scripts.ticketlab.core.numerics_mode import mode
from workflow_scripts.ticketlab.tables import files, stacks
from workflow_scripts.ticketlab.tables.schemas.networks import MASKS, WEIGHTS
from workflow_scripts.ticketlab.verdicts.rows import VERDICTS
from workflow_scripts.tools import answer, verify_reference

RESULTS = "results/quick"
ALL = "results"  # with the calibrations, which serve other results too
ON_REQUEST = {"sweep_llc", "draw_llc_sweep", "sweep_rates", "draw_rate_sweep"}
RELEASED = {"import_checkpoints", "trace_released_masks", "judge_released"}  # of studies that others trained
TESTS = {"T1 tickets", "T2 roles", "T3 transience"}
STUDIES = ("text", "digits", "markov_chains", "linear_regression", "modular_addition")


def test_every_rule_and_study_ran_and_left_its_outputs_log_and_benchmark(quick: Project) -> None:
    jobs = quick.plan("--forceall").values()
    scripts = {path.stem for path in (ROOT / "workflow_scripts").glob("*.py")} - {"__init__", "numerics"}
    assert scripts - ON_REQUEST - RELEASED <= {
        "draw" if job.rule.startswith("draw_") or job.rule == "figures" else job.rule for job in jobs
    }
    assert {job.study for job in jobs} == {*STUDIES, ""}
    missing = [path for job in jobs for path in (*job.output, job.benchmark) if not (quick.folder / path).is_file()]
    assert not missing
    logs = [quick.folder / folder / "logs" for folder in (RESULTS, ALL)]
    logged = {path.relative_to(each).parts[0].removesuffix(".log") for each in logs for path in each.rglob("*.log")}
    assert {job.rule for job in jobs} <= logged


def test_the_run_ended_with_its_verdicts_and_the_place_of_the_report(quick: Project) -> None:
    logs = [path.read_text() for path in (quick.folder / ".snakemake/log").iterdir()]
    said = next(log for log in logs if "The report is" in log)
    assert answer.table(files.read(quick.folder / RESULTS / "verdicts.parquet", CONTRACTS["verdicts"])) in said
    assert f"The report is {RESULTS}/report.html" in said


def test_a_second_run_has_nothing_to_do(quick: Project) -> None:
    assert not quick.plan()
    assert "Nothing to be done" in quick.run().snakemake().stderr


def test_every_output_is_asked_for(quick: Project) -> None:
    """Snakemake remakes no unasked-for intermediate: of a job that failed after a change, or that was deleted."""
    assert quick.asked_for() >= {path for job in quick.plan("--forceall").values() for path in job.output}


def test_snakemake_recorded_the_three_parameters_of_every_job(quick: Project) -> None:
    """It compares what it recorded, and silently leaves out a parameter whose function takes `input` or `output`."""
    paths = [path for path in (quick.folder / ".snakemake/metadata").rglob("*") if path.is_file()]
    records = [json.loads(path.read_text()) for path in paths]
    assert {record["rule"] for record in records} == {job.rule for job in quick.plan("--forceall").values()}
    assert {(record["rule"], len(record["params"])) for record in records} == {
        (record["rule"], 3) for record in records
    }


def table_of(path: Path) -> str:
    return path.parent.name if path.parent.name in ("roles", "calibration") else path.stem


def test_every_table_reads_by_its_contract_and_tells_its_origin(quick: Project) -> None:
    paths = sorted((quick.folder / ALL).rglob("*.parquet"))
    assert {table_of(path) for path in paths} == set(CONTRACTS) - {"llc_sweep", "checkpoints"}
    for path in paths:
        table = CONTRACTS[table_of(path)]
        facts = files.facts(path, table)
        assert {"spec", "code", "lock", "packages"} <= set(facts) and facts["numerics"] == mode()
        if table in (WEIGHTS, MASKS):
            for step in stacks.steps(path, table):
                snapshot = stacks.read_stack(path, table, step)
                assert len(snapshot.keys) and all(
                    len(array) == len(snapshot.keys) for array in snapshot.tensors.values()
                )
        else:
            assert len(files.read(path, table))


def test_pandas_polars_and_duckdb_open_every_table_and_find_the_same_rows(quick: Project) -> None:
    for path in sorted((quick.folder / ALL).rglob("*.parquet")):
        columns = list(CONTRACTS[table_of(path)].columns)
        rows = pq.read_metadata(path).num_rows
        assert rows
        read = pl.read_parquet(path)
        assert (read.columns, read.height) == (columns, rows)
        relation = duckdb.read_parquet(str(path))
        assert (relation.columns, len(relation.fetchall())) == (columns, rows)
        frame = pd.read_parquet(path)
        assert (list(frame.columns), len(frame)) == (columns, rows)


def test_no_table_holds_a_path_of_this_machine(quick: Project) -> None:
    for path in (quick.folder / ALL).rglob("*.parquet"):
        schema = pq.read_schema(path)
        content = json.dumps([str(value) for value in (schema.metadata or {}).values()])
        assert str(quick.folder.parent) not in content


@pytest.mark.parametrize("study", STUDIES)
def test_every_study_has_a_verdict_on_each_test(quick: Project, study: str) -> None:
    table = files.read(quick.folder / RESULTS / "verdicts.parquet", CONTRACTS["verdicts"])
    mine = table[table["study"] == study]
    assert set(mine["test"]) >= TESTS
    assert (mine["reason"] != "").all()
    assert set(mine["decision"]) <= {*VERDICTS, "winning", "matching", "neither"}
    hypothesis = mine[~mine["decision"].isin(["winning", "matching", "neither"])]
    assert set(hypothesis["test"]) >= TESTS


def test_the_numbers_are_compared_with_the_published_ones(
    quick: Project, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """Shown at the end of the output; equal only where the processor's maker is one whose numbers are recorded."""
    frames = verify_reference.read_run(quick.folder / RESULTS)
    text, _ = verify_reference.report(frames, ROOT / "docs/reference/quick", mode())
    assert [line.partition(":")[0] for line in text.splitlines() if line[0] != " "][
        : len(verify_reference.NUMBERS)
    ] == [table.name for table in verify_reference.NUMBERS]
    (runs.shared_folder(tmp_path_factory) / runs.COMPARED).write_text(text)
