"""Removal of the lock that a killed run left in this folder, once none of its processes is alive.

Snakemake locks the folder while it runs, and a SIGKILL or a power cut leaves the lock behind. `make` calls this before
every run. It checks this machine, and Slurm's queue where there is one: a queued job of a killed run would write the
same files as the corresponding job of the next run.
"""

import os
import shutil
import subprocess
import sys
from getpass import getuser
from pathlib import Path

import psutil

LOCKS = Path(".snakemake/locks")
PATIENCE = 60  # seconds
LOOKS = {"plan", "status", "verify"}  # targets of make that run no job


def alive(folder: Path) -> list[int]:
    """Process numbers of Snakemake, or of jobs that it started, in `folder`, without our own."""
    found = []
    for process in psutil.process_iter():
        try:
            command, here = process.cmdline(), Path(process.cwd()) == folder
        except (psutil.Error, OSError):  # gone, or someone else's
            continue
        of_snakemake = any(Path(word).name == "snakemake" or ".snakemake/scripts/" in word for word in command)
        of_make = "workflow_scripts.tools.run" in command and not LOOKS & set(command)
        if here and (of_snakemake or of_make) and process.pid != os.getpid():
            found.append(process.pid)
    return found


def queued(folder: Path) -> list[str]:
    """Numbers of the Slurm jobs that were submitted from `folder` and wait or run.

    Empty if this machine has no Slurm, or one that does not answer: a workstation may have it installed and unused.
    """
    if not shutil.which("squeue"):
        return []
    command = ["squeue", "--noheader", f"--user={getuser()}", "--format=%A|%Z"]
    try:
        answer = subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE)
    except subprocess.TimeoutExpired:
        return []
    rows = [line.split("|", 1) for line in answer.stdout.splitlines() if "|" in line]
    return [number for number, submitted in rows if Path(submitted) == folder]


def main() -> None:
    if not LOCKS.is_dir() or not any(LOCKS.iterdir()):
        return
    running, jobs = alive(Path.cwd()), queued(Path.cwd())
    if running:
        numbers = ", ".join(map(str, running))
        sys.exit(
            f"error: a run, or jobs of one that was killed, still write in this folder (processes {numbers}): "
            "wait until they have ended, or stop them, and start again"
        )
    if jobs:
        sys.exit(
            f"error: jobs of a run that was killed, or is at work elsewhere, are in Slurm's queue ({', '.join(jobs)}): "
            f"wait until they have ended, or scancel {' '.join(jobs)}, and start again"
        )
    print("The last run was killed; its lock is removed, and the run goes on where it stopped.", flush=True)
    subprocess.run([sys.executable, "-m", "snakemake", "--unlock", "--quiet", "all"], check=True)


if __name__ == "__main__":
    main()
