"""The manifest: what each job wrote, as sha256 sums beside the results, so that later damage can be told from results.

Snakemake compares file times, never what it once wrote with what is there now. Each job leaves one small JSON file,
`manifest/<as its log>.json` below the results folder: no lock, no file that two jobs share. Paths in it are relative to
the results folder, so that it holds wherever the folder is moved. What reads it is workflow_scripts/tools/verify.py;
this module is part of every job's code and therefore holds no more than the writing.
"""

import json
import os
from collections.abc import Iterable
from hashlib import file_digest
from pathlib import Path

FOLDER = "manifest"


def record(log: str | Path, rule: str, outputs: Iterable[str | Path]) -> None:
    """Say what the job of `rule` with this log wrote: sum, size and time of each output. Appears at once or not at all.

    Raises OSError if an output cannot be read or the manifest cannot be written.
    """
    results, path = places(log)
    entries = {Path(output).relative_to(results).as_posix(): entry(output) for output in outputs}
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.partial")
    temporary.write_text(json.dumps({"rule": rule, "outputs": entries}, indent=1, sort_keys=True) + "\n")
    os.replace(temporary, path)


def withdraw(log: str | Path) -> None:
    """Forget what an earlier run of the job wrote: a log without a manifest is of a job that has not ended well."""
    places(log)[1].unlink(missing_ok=True)


def entry(path: str | Path) -> dict[str, str | int]:
    """A file as the manifest has it: `sha256` (hexadecimal), `size` (bytes), `mtime_ns`."""
    with open(path, "rb") as file:
        status = os.fstat(file.fileno())
        return {
            "sha256": file_digest(file, "sha256").hexdigest(),
            "size": status.st_size,
            "mtime_ns": status.st_mtime_ns,
        }


def places(log: str | Path) -> tuple[Path, Path]:
    """The results folder of the job with this log, `<results>/logs/….log`, and the job's manifest."""
    log = Path(log)
    results = next(folder.parent for folder in log.parents if folder.name == "logs")
    return results, (results / FOLDER / log.relative_to(results / "logs")).with_suffix(".json")
