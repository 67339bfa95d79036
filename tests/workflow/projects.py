"""Copies of the project to run Snakemake in: no test runs it in the repository itself."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

import yaml

from tests.workflow import forks
from workflow_scripts.tools.dry_run import Job

ROOT = Path(__file__).parents[2]
NOT_COPIED = (".git", ".snakemake", ".venv", "__pycache__", ".*_cache", ".hypothesis", "results", "logs", "tests")

# One study, all rules, seconds: for tests that must really run something.
TINY: dict[str, Any] = {
    "results": "results",
    "run": ["digits"],
    # Too little to pass: so in this project every verdict is withheld.
    "calibration": {
        "llc": {
            "networks": [{"widths": [3, 3, 3], "rank": 1}],
            "hard_networks": [],
            "nbeta": 1e3,
            "draws": 16,
            "burn_in": 2,
            "chains": 2,
            "calls": 3,
            "exact": {"crossings": [], "two_hidden": [[2, 2]], "draws": 16, "burn_in": 2, "chains": 2, "calls": 3},
            "noisy": {"draws": 16, "burn_in": 2, "chains": 2, "calls": 3},
            "parity": {"sequences": 32, "training_steps": 2, "chains": 2, "calls": 2, "draws": 16, "burn_in": 0},
            "strata": {"points": [[4, 0]], "draws": 16, "burn_in": 2, "chains": 2, "calls": 3},
            "two_minima": {"localizations": [100.0, 10.0], "draws": 16, "burn_in": 2, "chains": 2, "calls": 3},
            "minima": {
                "sequences": 32,
                "draws_of_targets": 2,
                "early_step": 1,
                "starts": 2,
                "draws": 16,
                "burn_in": 2,
                "calls": 3,
            },
            "sweep": {
                "networks": [{"widths": [3, 3, 3], "rank": 1}, {"widths": [4, 3, 8], "rank": 0}],
                "draws": 16,
                "burn_in": 0,
                "chains": 2,
            },
        },
        "roles": {"training_steps": 1, "simulations": 2, "permutations": 20},
        "pruning": {
            "seeds": 2,
            "linear": {"rounds": 4, "training": {"steps": 5}},
            "relu": {"rounds": 4, "training": {"steps": 5}},
            "digits": {"nulls": 1, "training": {"steps": 5}},
            "classic": None,
        },
        "structure": {"simulations": 2},
        "statistics": {"simulations": 10, "verdict_simulations": 2, "roles": {"simulations": 3}},
    },
    "dimension": {"networks": [{"widths": [2] * depth, "rank": 1} for depth in (2, 3, 4)], "seeds": 2},
    "studies": {
        "digits": {
            "seeds": 2,
            "block_size": 2,
            "checkpoints": 4,
            "task": {"evaluation_examples": 64},
            "model": {"hidden": [20, 10]},
            "training": {"batch_size": 16, "steps": 12},
            "pruning": {
                "rounds": 1,
                "rewind_steps": [0],
                "control_levels": [1],
                "rates": [1],
                "controls": ["reinitialised", "shuffled"],
                "mask_steps": [],
                "clock_level": 1,
            },
            "supermask": {"densities": [0.5], "inits": ["kaiming"], "steps": 4},
            "spawning": {"split_steps": [0], "orders": 1},
            "llc": {"chains": 2, "draws": 16, "burn_in": 2, "checkpoints": 2},
            # A job starts in three seconds, and every test that runs this project starts all of them.
            **dict.fromkeys(("resampling", "forecast")),
        }
    },
}


# Dry runs, job by job, by the code behind `make plan`.
PLANS = (
    "import dataclasses, json, sys\n"
    "from workflow_scripts.tools.plan import dry_run, explained\n"
    "runs = [explained(dry_run(arguments)) for arguments in json.loads(sys.argv[1])]\n"
    "print(json.dumps([[dataclasses.asdict(job) for job in jobs] for jobs in runs]))"
)


def name(job: Job) -> str:
    """A job as rule and wildcards, without the digest of a calibration's settings: "imp_round digits-0-10-2"."""
    values = [value for wildcard, value in job.wildcards.items() if wildcard != "settings"]
    return f"{job.rule} {'-'.join(values)}".strip()


@dataclass(frozen=True)
class Project:
    """A copy of the project, run with these config files over config.yaml."""

    folder: Path
    overlays: tuple[str, ...]

    def command(self, *arguments: str, cores: int = 2) -> list[str]:
        return [sys.executable, "-m", "snakemake", *arguments, "--cores", str(cores), *self._config()]

    def snakemake(self, *arguments: str, cores: int = 2) -> subprocess.CompletedProcess[str]:
        """A run in forks: as a user's, but for the time that its jobs take to load packages."""
        _, _, _, *own = self.command(*arguments, cores=cores)
        return forks.snakemake(self.folder, own, environment())

    def run(self, *arguments: str, cores: int = 2, real: bool = False) -> "Project":
        """Run to the end, in forks or as a user does; a failure shows what Snakemake said."""
        command = self.command(*arguments, cores=cores)
        result = self.call(command) if real else self.snakemake(*arguments, cores=cores)
        assert result.returncode == 0, (result.stdout + result.stderr)[-6000:]
        return self

    def plan(self, *arguments: str) -> dict[str, Job]:
        """The jobs that a run would do, by name, with reasons as `make plan` tells them."""
        return self.plans(arguments)[0]

    def plans(self, *runs: Sequence[str]) -> list[dict[str, Job]]:
        """`plan` for each of these lists of arguments, in one process, one after the other."""
        return [{name(job): job for job in jobs if job.output} for jobs in self._dry_runs(*runs)]

    def asked_for(self) -> set[str]:
        """The files that the default target asks for by itself."""
        return {path for job in self._dry_runs(["--forceall"])[0] if not job.output for path in job.input}

    def _dry_runs(self, *runs: Sequence[str]) -> list[list[Job]]:
        commands = [[*arguments, "--cores", "1", *self._config()] for arguments in runs]
        result = forks.python(self.folder, PLANS, [json.dumps(commands)], environment())
        assert result.returncode == 0, (result.stdout + result.stderr)[-6000:]
        return [
            [
                Job(**{key: tuple(value) if isinstance(value, list) else value for key, value in fields.items()})
                for fields in jobs
            ]
            for jobs in json.loads(result.stdout.splitlines()[-1])
        ]

    def tool(self, name: str, *arguments: str) -> subprocess.CompletedProcess[str]:
        """One of workflow_scripts/tools, as `make` calls it."""
        own = ["--cores", "2", *self._config(), *arguments]
        return forks.module(self.folder, f"workflow_scripts.tools.{name}", own, environment())

    def call(self, command: list[str]) -> subprocess.CompletedProcess[str]:
        return subprocess.run(command, cwd=self.folder, env=environment(), capture_output=True, text=True)

    def overlay(self, file: str, content: dict[str, Any]) -> "Project":
        """The same copy with one more config file over the others."""
        (self.folder / file).write_text(yaml.safe_dump(content))
        return Project(self.folder, (*self.overlays, file))

    def copy(self, folder: Path) -> "Project":
        """Another copy, with results and metadata and their times."""
        shutil.copytree(self.folder, folder, symlinks=True)
        return Project(folder, self.overlays)

    def edit(self, file: str, old: str, new: str) -> None:
        path = self.folder / file
        text = path.read_text()
        assert old in text, f"{file} has no {old!r} any more: fix the test"
        path.write_text(text.replace(old, new, 1))

    def append(self, file: str, text: str) -> None:
        with (self.folder / file).open("a") as stream:
            stream.write(text)

    def touch(self, pattern: str) -> None:
        for path in self.folder.glob(pattern):
            os.utime(path)

    def tables(self, results: str = "results") -> dict[str, bytes]:
        """Every Parquet file below the results folder, by path."""
        folder = self.folder / results
        return {path.relative_to(folder).as_posix(): path.read_bytes() for path in sorted(folder.rglob("*.parquet"))}

    def _config(self) -> list[str]:
        return ["--configfile", *self.overlays] if self.overlays else []


def tiny_project(pristine: Path, folder: Path) -> Project:
    """A copy without results, with TINY over config.yaml."""
    shutil.copytree(pristine, folder)
    return Project(folder, ()).overlay("tiny.yaml", TINY)


def environment() -> dict[str, str]:
    """Without what would lead a copy back to the repository or to the options of whoever runs the tests."""
    hidden = ("PYTHONPATH", "SNAKEMAKE_PROFILE")
    return {key: value for key, value in os.environ.items() if key not in hidden}


def closure(jobs: Iterable[Job], patterns: Iterable[str]) -> set[str]:
    """The names of the jobs that match a pattern, and of all jobs downstream of them."""
    jobs = list(jobs)
    reached = {name(job) for job in jobs if any(fnmatch(name(job), pattern) for pattern in patterns)}
    made = {path for job in jobs if name(job) in reached for path in job.output}
    while True:
        further = {name(job) for job in jobs if name(job) not in reached and made & set(job.input)}
        if not further:
            return reached
        reached |= further
        made |= {path for job in jobs if name(job) in further for path in job.output}
