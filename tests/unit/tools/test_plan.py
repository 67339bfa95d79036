"""The plan gives the dry run's jobs and reasons, and times from benchmark files (workflow_scripts/tools/plan.py)."""

import subprocess
import sys
from pathlib import Path

import pytest

from workflow_scripts.tools.plan import (
    Job,
    duration,
    expected_memory,
    expected_seconds,
    measurements,
    report,
    wall_seconds,
)

ROOT = Path(__file__).parents[3]

SNAKEFILE = """
rule all:
    input: expand("results/{study}-{block}.txt", study=["text", "digits"], block=[0, 1])

rule train:
    output: "results/{study}-{block}.txt"
    params: spec={"lr": float(config.get("dimension", {}).get("alpha", 0.1)), "momentum": 0.9}, code="abc"
    benchmark: "results/benchmarks/train/{study}-{block}.tsv"
    shell: "sleep 0.1; touch {output}"
"""


def job(rule: str, output: str, *inputs: str, threads: int = 1, benchmark: str | None = None, **wildcards: str) -> Job:
    return Job(rule, wildcards, "", inputs, (output,), threads, benchmark)


def measure(folder: Path, name: str, *seconds: float, memory: float | str = 9.3) -> str:
    path = folder / "benchmarks" / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("s\th:m:s\tmax_rss\n" + "".join(f"{value}\t0:00:01\t{memory}\n" for value in seconds))
    measurements.cache_clear()
    return str(path)


def test_a_job_is_expected_to_take_what_it_took_else_what_its_study_else_what_its_rule_took(tmp_path: Path) -> None:
    own = measure(tmp_path, "train/text-0.tsv", 100.0)
    measure(tmp_path, "train/text-1.tsv", 300.0)
    measure(tmp_path, "train/text_long-0.tsv", 5000.0)
    measure(tmp_path, "train/digits-0.tsv", 8.0)
    measure(tmp_path, "prune/text-2.tsv", 1.0)
    other = str(tmp_path / "benchmarks/train/text-2.tsv")
    new_study = str(tmp_path / "benchmarks/train/grokking-0.tsv")
    assert expected_seconds(job("train", "a", benchmark=own, study="text")) == 100
    assert expected_seconds(job("train", "a", benchmark=other, study="text")) == 200
    assert expected_seconds(job("train", "a", benchmark=new_study, study="grokking")) == 200


def test_what_was_never_measured_has_no_time_and_a_target_takes_none(tmp_path: Path) -> None:
    measure(tmp_path, "train/text-0.tsv")
    broken = tmp_path / "benchmarks/train/text-1.tsv"
    broken.write_text("")
    assert expected_seconds(job("train", "a", benchmark=str(broken), study="text")) is None
    assert expected_seconds(job("judge", "a")) is None
    assert expected_seconds(Job("all", {}, "", ("a",), (), 1, None)) == 0


def test_repeats_of_a_benchmark_count_by_their_median(tmp_path: Path) -> None:
    path = measure(tmp_path, "train/text-0.tsv", 1.0, 2.0, 30.0)
    assert expected_seconds(job("train", "a", benchmark=path)) == 2


def test_the_memory_of_a_job_is_what_it_took_else_the_most_that_its_study_or_rule_took(tmp_path: Path) -> None:
    own = measure(tmp_path, "train/text-0.tsv", 1.0, memory=512.0)
    measure(tmp_path, "train/text-1.tsv", 1.0, memory=1536.0)
    measure(tmp_path, "train/digits-0.tsv", 1.0, memory=2048.0)
    measure(tmp_path, "train/text-2.tsv", 1.0, memory="NA")  # as Snakemake writes of the shortest jobs
    small = job("train", "a", benchmark=own, study="text")
    new_block = job("train", "b", benchmark=str(tmp_path / "benchmarks/train/text-3.tsv"), study="text")
    new_study = job("train", "c", benchmark=str(tmp_path / "benchmarks/train/new-0.tsv"), study="new")
    jobs = [small, new_block, new_study, job("judge", "d")]
    assert [expected_memory(each) for each in jobs] == [512, 1536, 2048, None]
    assert "at most 2.0 GB of memory at a time, by train\n" in report(jobs, 1)
    assert "at most 3.5 GB of memory at a time, by train\n" in report(jobs, 2)
    assert "at most 4.0 GB of memory at a time, by train, judge\n" in report(jobs, 8)


@pytest.mark.parametrize(("cores", "seconds"), [(1, 60), (2, 40), (3, 30), (8, 30)])
def test_a_chain_and_single_jobs_share_the_cores(cores: int, seconds: float) -> None:
    chain = [job("imp", f"round{r}", f"round{r - 1}") for r in (1, 2, 3)]
    single = [job("imp", name) for name in "abc"]
    assert wall_seconds(chain + single, cores, [10] * 6) == seconds


def test_a_job_with_two_threads_waits_for_two_cores() -> None:
    jobs = [job("imp", "a"), job("imp", "b", threads=2)]
    assert wall_seconds(jobs, 2, [10, 10]) == 20
    assert wall_seconds(jobs, 3, [10, 10]) == 10
    assert wall_seconds([job("imp", "b", threads=4)], 2, [10]) == 10


def test_times_read_like_times() -> None:
    assert [duration(seconds) for seconds in (0.4, 99, 100, 3600, 12000)] == [
        "0 s",
        "99 s",
        "2 min",
        "60 min",
        "3 h 20 min",
    ]


def plan(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "workflow_scripts.tools.plan", "--cores", "2", *arguments]
    return subprocess.run(
        command, cwd=folder, env={"PYTHONPATH": str(ROOT), "HOME": str(folder)}, capture_output=True, text=True
    )


def test_the_plan_of_a_workflow_before_and_after_its_run(tmp_path: Path) -> None:
    (tmp_path / "Snakefile").write_text(SNAKEFILE)
    before = plan(tmp_path).stdout
    assert "train of text: 2 jobs, block 0 1\n    not made yet\n" in before
    assert "4 jobs: none of them was measured yet\nand what 4 jobs without a measurement will take: train" in before

    run = [sys.executable, "-m", "snakemake", "--cores", "2"]
    subprocess.run(
        run, cwd=tmp_path, env={"PATH": "/usr/bin:/bin", "HOME": str(tmp_path)}, check=True, capture_output=True
    )
    assert plan(tmp_path).stdout == "Nothing to do: every output is up to date.\n"

    after = plan(tmp_path, "--config", "dimension={alpha: 0.2}").stdout
    assert "train of digits: 2 jobs, block 0 1\n    config: lr 0.1 -> 0.2\n" in after
    assert "no measurement yet" not in after
    assert "4 jobs: " in after


def test_a_faulty_workflow_has_snakemakes_message_and_no_plan(tmp_path: Path) -> None:
    (tmp_path / "Snakefile").write_text('rule all:\n    input: "gone.txt"\n')
    result = plan(tmp_path)
    assert result.returncode == 1
    assert "gone.txt" in result.stdout + result.stderr
    assert "computing" not in result.stdout
