"""The expected time of a job of which nothing was measured here yet, from the jobs of the reference run.

`make reference` writes what each job of the default run took, and how fast that machine was (docs/reference/time.csv).
Of a job only the start takes the same time in every run. The rest is scaled by training steps × seeds of the job's
study, and all of it by the speed of this machine, which a probe of two seconds measures.
"""

import csv
from collections.abc import Mapping
from functools import cached_property
from pathlib import Path
from statistics import median
from time import perf_counter

import numpy as np

from workflow_scripts.ticketlab.config.study import Config, StudySettings
from workflow_scripts.tools.dry_run import Job, is_of_study

FILE = Path(__file__).parents[2] / "docs/reference/time.csv"
PROBE = "probe"  # the row of FILE with the speed of its machine
PROBE_SECONDS = 2.0
WIDTH, ROUNDS = 64, 50


def speed(seconds: float = PROBE_SECONDS) -> float:
    """How many products of small matrices one core computes in a second, measured for this many seconds.

    It is wall time: other work on the machine slows a run down, too.
    """
    weights = np.eye(WIDTH, dtype=np.float32)
    values, done, begun = np.ones((WIDTH, WIDTH), dtype=np.float32), 0, perf_counter()
    while perf_counter() - begun < seconds:
        for _ in range(ROUNDS):
            values = np.tanh(values @ weights)
        done += ROUNDS
    return done / (perf_counter() - begun)


def job_of(benchmark: Path | str) -> str:
    """A job's name in FILE, from its benchmark file: train_dense/text-0."""
    parts = Path(benchmark).with_suffix("").parts
    return "/".join(parts[parts.index("benchmarks") + 1 :])


def write(path: Path, seconds: Mapping[str, float], of_machine: float) -> None:
    """Write FILE: the seconds of each job by name, and the speed of the machine that they were measured on."""
    rows = [(PROBE, f"{of_machine:.0f}"), *((name, f"{seconds[name]:.1f}") for name in sorted(seconds))]
    with path.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file, lineterminator="\n").writerows([("job", "seconds"), *rows])


def read(path: Path = FILE) -> dict[str, float]:
    """The numbers of FILE by name, PROBE among them; none if there is no such file."""
    if not path.exists():
        return {}
    with path.open(newline="", encoding="utf-8") as file:
        return {row["job"]: float(row["seconds"]) for row in csv.DictReader(file)}


class ReferenceTimes:
    """The expected times of the jobs of `config`; shipped: the config of the reference run. times: as `read` gives."""

    def __init__(self, times: Mapping[str, float], config: Config, shipped: Config) -> None:
        self.times = {name: seconds for name, seconds in times.items() if name != PROBE}
        self.of_machine = times.get(PROBE)
        self.config, self.shipped = config, shipped

    @cached_property
    def slowness(self) -> float:
        """How many times as long the same work takes here."""
        return self.of_machine / speed() if self.of_machine else 1.0

    def seconds(self, job: Job) -> float | None:
        """What this job is expected to take; None if the reference run had no job of its rule."""
        of_rule = {name: each for name, each in self.times.items() if name.partition("/")[0] == job.rule}
        if not of_rule:
            return None
        own = of_rule.get(job_of(job.benchmark)) if job.benchmark else None
        of_study = [each for name, each in of_rule.items() if is_of_study(name.partition("/")[2], job.study)]
        like = median(of_study or of_rule.values()) if own is None else own
        start = min(self.times.values())
        return self.slowness * (start + (like - start) * self._work(job))

    def _work(self, job: Job) -> float:
        """Steps × seeds of a job, in those of a job of the same study in the reference run, or of its median study."""

        def amount(study: StudySettings) -> int:
            return study.training.steps * (study.block_size if "block" in job.wildcards else study.seeds)

        if job.study not in self.config.studies:
            return 1.0
        before = self.shipped.studies.get(job.study)
        reference = amount(before) if before else median(map(amount, self.shipped.studies.values()))
        return amount(self.config.studies[job.study]) / reference

    def sentence(self, jobs: int) -> str:
        """How the times of this many jobs were found."""
        return (
            f"{jobs} of them never ran here: by the reference run's times, scaled by steps × seeds and by this "
            f"machine's speed, {1 / self.slowness:.2g} of that one's in a probe of {PROBE_SECONDS:.0f} s"
        )
