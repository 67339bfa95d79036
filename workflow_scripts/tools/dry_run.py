"""A job of Snakemake's, in the form that the tools here use."""

import re
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Job:
    """A job of Snakemake's. `benchmark`, `log`: paths of these files, None if its rule has none."""

    rule: str
    wildcards: dict[str, str]
    reason: str
    input: tuple[str, ...]
    output: tuple[str, ...]
    threads: int
    benchmark: str | None
    log: str | None = None

    @property
    def study(self) -> str:
        return self.wildcards.get("study", "")

    @property
    def name(self) -> str:
        """Rule and wildcards that say something: imp_round digits 0 10 2"""
        return " ".join([self.rule, *filter(None, self.wildcards.values())])


def of_snakemake(job: Any) -> Job:
    """A job of Snakemake's graph, without the reason why it has to run."""
    return Job(
        rule=job.rule.name,
        wildcards={name: str(value) for name, value in job.wildcards_dict.items()},
        reason="",
        input=tuple(map(str, job.input)),
        output=tuple(map(str, job.output)),
        threads=job.threads,
        benchmark=job.benchmark and str(job.benchmark),
        log=next(map(str, job.log), None),
    )


def is_of_study(name: str, study: str) -> bool:
    """Whether a benchmark file of this name belongs to a job of `study` (and not of a study with a longer name)."""
    return re.match(rf"{re.escape(study)}\b(?!_)", name) is not None
