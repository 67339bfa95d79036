"""The plan of a run, its duration and memory: Snakemake's dry run, job by job, with what earlier runs took.

    python -m workflow_scripts.tools.plan --cores N [further arguments of snakemake]

A job's time is the one in its own benchmark file; else the median over its rule and study; else over its rule; else
that of the reference run (tools/reference_times.py). Its memory is found alike, with the largest in place of the
median.
"""

import heapq
import logging
import sys
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from functools import cache, partial
from pathlib import Path
from statistics import median
from typing import Any

from snakemake.logging import logger
from snakemake.persistence.file import FilePersistence

from workflow_scripts.ticketlab.config import study
from workflow_scripts.ticketlab.config.study import Config
from workflow_scripts.tools import command, reference_times
from workflow_scripts.tools.dry_run import Job, is_of_study
from workflow_scripts.tools.reasons import explain
from workflow_scripts.tools.reference_times import ReferenceTimes

ROOT = Path(__file__).parents[2]
Expected = Callable[[Job], float | None]


class Recorder(logging.Filter):
    """Takes the jobs out of Snakemake's log; of the rest, records of at least `level` go on to the terminal."""

    def __init__(self, level: int) -> None:
        super().__init__()
        self.level = level
        self.jobs: list[Job] = []

    def filter(self, record: logging.LogRecord) -> bool:
        if getattr(record, "event", None) == "job_info":
            self.jobs.append(_job(record))
        return record.levelno >= self.level


def _job(record: logging.LogRecord) -> Job:
    info = record.__dict__
    return Job(
        rule=info["rule_name"],
        wildcards={name: str(value) for name, value in info["wildcards"].items()},
        reason=info["reason"].strip(),
        input=tuple(map(str, info["input"])),
        output=tuple(map(str, info["output"])),
        threads=info["threads"],
        benchmark=info["benchmark"] and str(info["benchmark"]),
        log=next(map(str, info["log"]), None),
    )


def dry_run(arguments: Sequence[str], *, quiet: bool = False) -> list[Job]:
    """The jobs that `snakemake <arguments>` would run; on a faulty workflow the process ends as Snakemake would.

    quiet: only errors are shown, not the warnings that an earlier dry run has shown.
    """
    recorder = Recorder(logging.ERROR if quiet else logging.WARNING)
    logger.addFilter(recorder)
    try:
        if not command.execute(["--dry-run", *arguments]):
            sys.exit(1)
    finally:
        logger.removeFilter(recorder)
    return recorder.jobs


@cache
def measurements(folder: Path, column: str) -> dict[str, float]:
    """This column's median by file name below a rule's folder of benchmark files; unreadable files are left out."""
    found = {}
    for path in sorted(folder.rglob("*.tsv")):
        try:
            header, *rows = [line.split("\t") for line in path.read_text().splitlines()]
            found[path.relative_to(folder).as_posix()] = median(float(row[header.index(column)]) for row in rows)
        except (ValueError, IndexError):  # empty, written by something else, or too short a job for a measurement
            continue
    return found


def expected_seconds(job: Job, reference: ReferenceTimes | None = None) -> float | None:
    """The expected time of a job; 0 for a mere target.

    None where its rule was measured neither here nor in the `reference` run.
    """
    if not job.output:
        return 0.0
    measured = _expected(job, "s", median)
    return reference.seconds(job) if measured is None and reference else measured


def expectation(config: Config) -> Expected:
    """The expected time of each job of this config: measured here, or else by the reference run."""
    return partial(expected_seconds, reference=first_times(config))


def first_times(config: Config) -> ReferenceTimes:
    """The reference run's times for the jobs of this config."""
    return ReferenceTimes(reference_times.read(), config, study.load([ROOT / "config.yaml"], {}))


def expected_memory(job: Job) -> float | None:
    """The largest resident memory that is expected of a job, in MiB; None where its rule was never measured."""
    return _expected(job, "max_rss", max)


def _expected(job: Job, column: str, of_others: Callable[[Iterable[float]], float]) -> float | None:
    if job.benchmark is None:
        return None
    path = Path(job.benchmark)
    folder = next((parent for parent in path.parents if parent.name == job.rule), path.parent)
    known = measurements(folder, column)
    own = known.get(path.relative_to(folder).as_posix())
    of_study = [value for name, value in known.items() if is_of_study(name, job.study)]
    return own if own is not None else of_others(of_study or known.values()) if known else None


def wall_seconds(jobs: Sequence[Job], cores: int, seconds: Sequence[float]) -> float:
    """Time from start to end on `cores` cores of jobs that take this many seconds.

    Each job starts once its inputs are made and enough cores are free.
    """
    maker = {path: index for index, job in enumerate(jobs) for path in job.output}
    waiting_for = [{maker[path] for path in job.input if path in maker} for job in jobs]
    waited_by = defaultdict(list)
    for index, others in enumerate(waiting_for):
        for other in others:
            waited_by[other].append(index)
    ready = [(0.0, index) for index, others in enumerate(waiting_for) if not others]
    free = [0.0] * cores  # when each core is next free
    end = 0.0
    finished = [0.0] * len(jobs)
    while ready:
        earliest, index = heapq.heappop(ready)
        taken = min(jobs[index].threads, cores)
        free.sort()
        finished[index] = max(earliest, free[taken - 1]) + seconds[index]
        free[:taken] = [finished[index]] * taken
        end = max(end, finished[index])
        for follower in waited_by[index]:
            waiting_for[follower].discard(index)
            if not waiting_for[follower]:
                inputs = (finished[maker[path]] for path in jobs[follower].input if path in maker)
                heapq.heappush(ready, (max(inputs), follower))
    return end


def explained(jobs: list[Job]) -> list[Job]:
    """These jobs with their reasons in a user's words, from Snakemake's records in this folder."""
    maker = {path: job.rule for job in jobs for path in job.output}
    records = FilePersistence(nolock=True)
    return [replace(job, reason=explain(job, maker, records)) for job in jobs]


def report(jobs: list[Job], cores: int, reference: ReferenceTimes | None = None) -> str:
    """The plan as text: jobs by rule, study and reason, times and memory by rule and study, and the totals."""
    jobs = [job for job in jobs if job.output]
    if not jobs:
        return "Nothing to do: every output is up to date."
    lines = []
    for (rule, of, reason), members in _grouped(jobs, lambda job: (job.rule, job.study, job.reason)):
        lines.append(f"{rule}{f' of {of}' * bool(of)}: {_count(members)}{_which(members)}")
        lines.append(f"    {reason}")
    width = max(len(job.study) for job in jobs) + 2
    lines += ["", f"{'rule':<24}{'study':<{width}}{'jobs':>5}{'each':>12}{'together':>12}{'memory':>12}"]
    for (rule, of), members in _grouped(jobs, lambda job: (job.rule, job.study)):
        times = [seconds for job in members if (seconds := expected_seconds(job, reference)) is not None]
        memory = max(expected_memory(job) or 0.0 for job in members)
        cost = f"{duration(median(times)):>12}{duration(sum(times)):>12}" if times else "  no measurement yet"
        cost += f"{gigabytes(memory):>12}" * bool(memory)
        lines.append(f"{rule:<24}{of:<{width}}{len(members):>5}{cost}")
    unmeasured = [job for job in jobs if expected_seconds(job, reference) is None]
    expected = [expected_seconds(job, reference) or 0.0 for job in jobs]
    on_cores = f"about {duration(wall_seconds(jobs, cores, expected))} on {cores} core{'s' * (cores > 1)}"
    known = f"{duration(sum(expected))} of computing, {on_cores}"
    lines += ["", f"{_count(jobs)}: {known if len(unmeasured) < len(jobs) else 'none of them was measured yet'}"]
    estimated = sum(expected_seconds(job) is None for job in jobs) - len(unmeasured)
    lines += [reference.sentence(estimated)] if reference and estimated else []
    largest = heapq.nlargest(cores, ((expected_memory(job) or 0.0, job.rule) for job in jobs))
    if memory := sum(each for each, _ in largest):
        rules = ", ".join(dict.fromkeys(rule for _, rule in largest))
        lines.append(f"at most {gigabytes(memory)} of memory at a time, by {rules}")
    if unmeasured:
        rules = ", ".join(dict.fromkeys(job.rule for job in unmeasured))
        lines.append(f"and what {_count(unmeasured)} without a measurement will take: {rules}")
    return "\n".join(lines).lstrip()


def _which(jobs: list[Job]) -> str:
    """The wildcards of some jobs except their study: ", block 0 1, level 3"."""
    names = [name for name in jobs[0].wildcards if name != "study"]
    values = {name: {job.wildcards[name] for job in jobs} - {""} for name in names}
    shown = {name: sorted(found, key=lambda value: value.zfill(9)) for name, found in values.items() if found}
    return "".join(f", {name} {' '.join(found)}" for name, found in shown.items())


def duration(seconds: float) -> str:
    """Seconds in readable units: 8 s, 12 min, 3 h 20 min."""
    minutes = round(seconds / 60)
    if seconds < 100:
        return f"{seconds:.0f} s"
    return f"{minutes} min" if minutes < 100 else f"{minutes // 60} h {minutes % 60} min"


def gigabytes(mebibytes: float) -> str:
    """1234.0 MiB is 1.2 GB."""
    return f"{mebibytes / 1024:.1f} GB"


def _count(jobs: list[Job]) -> str:
    return f"{len(jobs)} job" if len(jobs) == 1 else f"{len(jobs)} jobs"


def _grouped(jobs: list[Job], key: Callable[[Job], Any]) -> list[tuple[Any, list[Job]]]:
    groups = defaultdict(list)
    for job in jobs:
        groups[key(job)].append(job)
    return list(groups.items())


def main(arguments: Sequence[str]) -> None:
    jobs = explained(dry_run(arguments))
    print(report(jobs, command.cores(arguments), first_times(command.config_of(arguments))))


if __name__ == "__main__":
    main(sys.argv[1:])
