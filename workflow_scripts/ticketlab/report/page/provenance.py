"""Where a page's numbers come from: run time by rule, the commit of the code, the config with its digest."""

import json
import subprocess
from collections.abc import Sequence
from hashlib import sha256
from pathlib import Path

import pandas as pd
import yaml

from workflow_scripts.ticketlab.config.study import Config


def run_times(folder: Path, studies: Sequence[str]) -> pd.DataFrame:
    """Wall and CPU seconds and peak memory (MB) by rule, from Snakemake's benchmark files of these studies' jobs.

    Columns rule, jobs, wall, cpu, memory; the last row is the total. The report's own job is left out, since it is not
    finished.
    """
    jobs = []
    for path in sorted(folder.rglob("*.tsv")):
        rule = path.relative_to(folder).parts[0].removesuffix(".tsv")
        of_study = any(path.stem == study or path.stem.startswith(f"{study}-") for study in studies)
        of_all = path.parent == folder or rule == "calibrate"
        if rule == "report" or not (of_study or of_all):
            continue
        measured = pd.read_csv(path, sep="\t", na_values="-").iloc[-1]
        jobs.append({"rule": rule, "wall": measured["s"], "cpu": measured["cpu_time"], "memory": measured["max_rss"]})
    table = pd.DataFrame(jobs, columns=["rule", "wall", "cpu", "memory"])
    by_rule = table.groupby("rule").agg(
        jobs=("wall", "size"), wall=("wall", "sum"), cpu=("cpu", "sum"), memory=("memory", "max")
    )
    by_rule = by_rule.sort_values("cpu", ascending=False).reset_index()
    total = {
        "rule": "total",
        "jobs": len(table),
        "wall": table["wall"].sum(),
        "cpu": table["cpu"].sum(),
        "memory": table["memory"].max(),
    }
    return pd.concat([by_rule, pd.DataFrame([total])], ignore_index=True)


def commit() -> str:
    """The commit of this code, and whether tracked files differ from it; "unknown" outside a git repository."""
    folder = Path(__file__).parent

    def git(*arguments: str) -> str:
        return subprocess.run(
            ["git", *arguments], cwd=folder, capture_output=True, text=True, check=True
        ).stdout.strip()

    try:
        head = git("rev-parse", "HEAD")
        return f"{head}, with local changes" if git("status", "--porcelain", "--untracked-files=no") else head
    except (OSError, subprocess.CalledProcessError):
        return "unknown (not a git repository)"


def config_digest(config: Config) -> str:
    """16 hexadecimal digits that change when any value of the config does."""
    return sha256(json.dumps(config.written(), sort_keys=True).encode()).hexdigest()[:16]


def config_yaml(config: Config) -> str:
    """The resolved config as YAML, every default written out; reading it gives the same config again."""
    header = "# The config of these results: defaults, overlays and command line merged.\n"
    return header + yaml.safe_dump(config.written(), sort_keys=False, allow_unicode=True)
