"""Times of jobs that never ran here: from the reference run, by steps × seeds and by speed."""

from pathlib import Path
from typing import Any

import pytest

from workflow_scripts.ticketlab.config import study
from workflow_scripts.ticketlab.config.study import Config
from workflow_scripts.tools import plan, reference_times
from workflow_scripts.tools.dry_run import Job
from workflow_scripts.tools.reference_times import PROBE, ReferenceTimes

ROOT = Path(__file__).parents[3]
TIMES = {PROBE: 1000.0, "judge": 2.0, "train_dense/text-0": 102.0, "train_dense/digits-0": 12.0, "prune/text-0-1": 52.0}


def config(**overrides: Any) -> Config:
    return study.load([ROOT / "config.yaml"], overrides)


def job(rule: str, benchmark: str, **wildcards: str) -> Job:
    return Job(rule, wildcards, "", (), (f"results/{benchmark}.parquet",), 1, f"nowhere/benchmarks/{benchmark}.tsv")


DENSE = job("train_dense", "train_dense/text-0", study="text", block="0")


@pytest.fixture(autouse=True)
def as_fast(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reference_times, "speed", lambda: 1000.0)


def seconds(what: Job, **overrides: Any) -> float | None:
    return ReferenceTimes(TIMES, config(**overrides), config()).seconds(what)


def text(**settings: Any) -> dict[str, Any]:
    return {"text": settings}


def test_a_job_of_the_reference_run_takes_what_it_took_there() -> None:
    assert seconds(DENSE) == 102
    assert seconds(job("judge", "judge")) == 2
    assert seconds(job("never_measured", "never_measured")) is None


def test_all_but_its_start_grows_with_steps_and_with_the_seeds_of_a_job() -> None:
    now = config().studies["text"]
    assert seconds(DENSE, studies=text(training={"steps": 2 * now.training.steps})) == 202
    assert seconds(DENSE, studies=text(seeds=2 * now.seeds, block_size=2 * now.block_size)) == 202
    # More blocks are more jobs, not longer ones.
    assert seconds(DENSE, studies=text(seeds=2 * now.seeds)) == 102


def test_on_a_machine_of_half_the_speed_all_takes_twice_as_long(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reference_times, "speed", lambda: 500.0)
    assert seconds(DENSE) == 204


def test_another_job_of_a_study_takes_what_those_of_its_rule_and_study_take() -> None:
    assert seconds(job("train_dense", "train_dense/text-1", study="text", block="1")) == 102
    own = {"mine": {"extends": "digits"}}
    assert seconds(job("train_dense", "train_dense/mine-0", study="mine", block="0"), studies=own) is not None


def test_a_plan_says_where_its_times_come_from(tmp_path: Path) -> None:
    reference = ReferenceTimes(TIMES, config(), config())
    said = plan.report([DENSE], 1, reference)
    assert "about 102 s" in said or "about 2 min" in said
    assert "1 of them never ran here: by the reference run's times, scaled by steps × seeds and by this" in said
    assert "without a measurement" not in said
    measured = tmp_path / "benchmarks/train_dense/text-0.tsv"
    measured.parent.mkdir(parents=True)
    measured.write_text("s\th:m:s\tmax_rss\n7.0\t0:00:07\t9.3\n")
    plan.measurements.cache_clear()
    ran = Job("train_dense", {"study": "text", "block": "0"}, "", (), ("a",), 1, str(measured))
    assert "about 7 s" in (said := plan.report([ran], 1, reference)) and "reference" not in said


def test_what_is_written_is_read(tmp_path: Path) -> None:
    path = tmp_path / "time.csv"
    assert reference_times.read(path) == {}
    reference_times.write(path, {"train_dense/text-0": 102.04, "judge": 2.0}, 1000.4)
    assert reference_times.read(path) == {PROBE: 1000.0, "judge": 2.0, "train_dense/text-0": 102.0}


def test_a_job_has_the_same_name_in_every_folder_of_results() -> None:
    for folder in ("results", "results/quick", "/elsewhere/results"):
        assert reference_times.job_of(f"{folder}/benchmarks/train_dense/text-0.tsv") == "train_dense/text-0"
        assert reference_times.job_of(f"{folder}/benchmarks/judge.tsv") == "judge"
