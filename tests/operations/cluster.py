"""What a test asks of Slurm, and how it runs a project through it."""

import subprocess
from dataclasses import dataclass
from pathlib import Path

from tests.operations.processes import wait_until
from tests.workflow.projects import Project

# The repository's own profile. This Slurm has no accounting database; the rest is haste.
ARGUMENTS = (
    *("--workflow-profile", "profiles/slurm", "--slurm-status-command", "squeue"),
    *("--slurm-init-seconds-before-status-checks", "1", "--latency-wait", "5"),
)
ACTIVE = {"PENDING", "CONFIGURING", "RUNNING", "COMPLETING", "SUSPENDED"}


@dataclass(frozen=True)
class SlurmJob:
    """number; state; what: the rule or group with its wildcards; folder: where it was submitted.

    memory: what it asks for in MB; minutes: the time that it may take.
    """

    number: str
    state: str
    what: str
    folder: str
    memory: int
    minutes: int


class Cluster:
    """The Slurm that start.sh has started."""

    def command(self, project: Project, *arguments: str) -> list[str]:
        return project.command(*ARGUMENTS, *arguments)

    def jobs(self, project: Project) -> list[SlurmJob]:
        """The project's jobs, those that have ended too."""
        answer = ask("squeue", "--states=all", "--noheader", "--sort=i", "--format=%A|%T|%k|%Z|%m|%l")
        rows = [line.split("|") for line in answer.splitlines()]
        jobs = [
            SlurmJob(number, state, what.removeprefix("rule_"), folder, megabytes(memory), minutes(limit))
            for number, state, what, folder, memory, limit in rows
        ]
        return [job for job in jobs if Path(job.folder) == project.folder]

    def active(self, project: Project) -> list[SlurmJob]:
        return [job for job in self.jobs(project) if job.state in ACTIVE]

    def job(self, project: Project, what: str, *states: str) -> SlurmJob:
        """Wait for a job of this rule in one of these states."""
        found: list[SlurmJob] = []

        def there() -> bool:
            found[:] = [job for job in self.jobs(project) if job.what.startswith(what) and job.state in states]
            return bool(found)

        wait_until(there, f"{what} that is {' or '.join(states)}")
        return found[-1]

    def cancel(self, job: SlurmJob) -> None:
        ask("scancel", job.number)

    def drain(self) -> None:
        """The node finishes what runs on it and takes no other job."""
        ask("scontrol", "update", "nodename=localhost", "state=drain", "reason=test")

    def resume(self) -> None:
        ask("scontrol", "update", "nodename=localhost", "state=resume")


def ask(*command: str) -> str:
    return subprocess.run(command, capture_output=True, text=True, check=True, timeout=30).stdout


def megabytes(memory: str) -> int:
    """3000M, 6G, 6.50G."""
    return round(float(memory[:-1]) * {"M": 1, "G": 1024}[memory[-1]])


def minutes(limit: str) -> int:
    """1:00, 2:30:00, 1-00:00:00."""
    days, _, clock = limit.rpartition("-")
    hours, minute = ["0", *clock.split(":")][-3:-1]
    return (int(days or 0) * 24 + int(hours)) * 60 + int(minute)
