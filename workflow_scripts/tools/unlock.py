"""Let a killed run go on: remove the lock that it left in this folder, once nothing of it is alive any more.

Snakemake locks the folder while it runs, and a SIGKILL or a power cut leaves the lock behind. `make` calls this before
every run. It looks at this machine only: on a cluster, unlock by hand (`snakemake --unlock`).
"""

import os
import subprocess
import sys
from pathlib import Path

import psutil

LOCKS = Path(".snakemake/locks")


def alive(folder: Path) -> list[int]:
    """Process numbers of Snakemake, or of jobs that it started, in `folder`; ours is not counted."""
    found = []
    for process in psutil.process_iter():
        try:
            command, here = process.cmdline(), Path(process.cwd()) == folder
        except (psutil.Error, OSError):  # gone, or someone else's
            continue
        of_snakemake = any(Path(word).name == "snakemake" or ".snakemake/scripts/" in word for word in command)
        if here and of_snakemake and process.pid != os.getpid():
            found.append(process.pid)
    return found


def main() -> None:
    if not LOCKS.is_dir() or not any(LOCKS.iterdir()):
        return
    running = alive(Path.cwd())
    if running:
        numbers = ", ".join(map(str, running))
        sys.exit(
            f"error: a run, or jobs of one that was killed, still write in this folder (processes {numbers}): "
            "wait until they have ended, or stop them, and start again"
        )
    print("The last run was killed; its lock is removed, and the run goes on where it stopped.", flush=True)
    subprocess.run([sys.executable, "-m", "snakemake", "--unlock", "--quiet", "all"], check=True)


if __name__ == "__main__":
    main()
