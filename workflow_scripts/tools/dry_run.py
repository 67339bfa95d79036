"""A job of Snakemake's dry run, in the form that the tools here use."""

import re
from dataclasses import dataclass


@dataclass(frozen=True)
class Job:
    """A job of the dry run. `benchmark`, `log`: paths of these files, None if its rule has none."""

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


def is_of_study(name: str, study: str) -> bool:
    """Whether a benchmark file of this name belongs to a job of `study` (and not of a study with a longer name)."""
    return re.match(rf"{re.escape(study)}\b(?!_)", name) is not None
