"""What a site exports, kept away from jobs: other packages, threads, a notebook's backend, an encoding.

The Snakefile and the tools call `settle`, and jobs inherit the process's environment. Snakemake itself has started by
then; `make` takes the same variables away from it. Nothing here is loaded by a job.
"""

import os
import re
import sys
from collections.abc import Iterator
from contextlib import suppress
from io import TextIOWrapper
from pathlib import Path

from workflow_scripts import numerics
from workflow_scripts.preflight.digest import lock_parts

REMOVED = (
    *("PYTHONPATH", "PYTHONHOME", "PYTHONUSERBASE", "PYTHONSTARTUP", "PYTHONIOENCODING", "PYTHONOPTIMIZE"),
    "PYTHONDONTWRITEBYTECODE",  # each job would compile what it imports anew: up to 700 modules, 3 s
)
SET = {
    "PYTHONNOUSERSITE": "1",
    "PYTHONUTF8": "1",
    "MPLBACKEND": "agg",
    "MATPLOTLIBRC": os.devnull,
    # As many jobs as cores, each with one thread.
    **dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1"),
}


def settle(mode: str) -> None:
    """Set this process's environment for the jobs that it starts; `mode`: see numerics.fix.

    What this process itself writes cannot fail either: a stream that is not UTF-8 gets escapes.
    """
    for name in REMOVED:
        os.environ.pop(name, None)
    os.environ.update(SET)
    numerics.fix(mode)
    for stream in (sys.stdout, sys.stderr):
        # A file that became a pipe under its stream cannot be asked for its place, which Python does here.
        with suppress(OSError):
            if isinstance(stream, TextIOWrapper):
                stream.reconfigure(errors="backslashreplace")


def doubts(mode: str, lock: Path) -> Iterator[str]:
    """Reasons why this process's numbers may differ from those of others, each a sentence with its remedy."""
    if mode != "native" and numerics.doubt():
        yield numerics.doubt()
    others = list(_others(lock_parts(lock)))
    if others:
        yield (
            f"Python imports other packages than {lock} pins, and numbers may differ: {'; '.join(others)}. "
            "Use make or .venv/bin/snakemake; if you do, make clean and again."
        )


def _others(pins: dict[str, str]) -> Iterator[str]:
    found: dict[str, tuple[str, str]] = {}
    for folder in sys.path:  # the names of these folders tell what importlib.metadata takes half a second to read
        for path in sorted(Path(folder).glob("*.dist-info")):
            name, _, version = path.stem.partition("-")
            found.setdefault(re.sub(r"[-_.]+", "-", name).lower(), (version, folder))
    for name, version in pins.items():
        here, folder = found.get(name, (version, ""))
        if here.partition("+")[0] != version:  # 2.13.0+cpu is a build of 2.13.0
            yield f"{name} {here}, not {version}, from {folder}"
