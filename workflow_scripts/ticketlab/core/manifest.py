"""The manifest: what each job read and wrote, stored with the results, so that the results can be checked on their own.

Snakemake compares file times, never a file's content with what it once wrote, and keeps its records in another folder,
which a copy of the results may lack. Each job writes one small JSON file, `manifest/<as its log>.json`, below the
results folder: it needs no lock, and no two jobs share a file. Outputs are named relative to the results folder, so
that the manifest stays valid when the folder is moved. The readers are in workflow_scripts/preflight (damage, recover);
this module is part of every job's code and therefore only writes.
"""

import json
import os
from collections.abc import Collection, Iterable
from hashlib import file_digest
from pathlib import Path
from typing import Any

FOLDER = "manifest"


def record(
    log: str | Path, rule: str, inputs: Collection[str | Path], params: Iterable[Any], outputs: Iterable[str | Path]
) -> None:
    """Record what the job of `rule` with this log read and wrote. The file appears whole or not at all.

    It holds the sum, size and time of each output; the names of the inputs, and the sums of those that are not
    results; the parameters as Snakemake stores them (their sorted `repr`).
    Raises OSError if a file cannot be read or the manifest cannot be written.
    """
    results, path = places(log)
    foreign = [str(file) for file in inputs if not Path(file).is_relative_to(results)]
    content = {
        "rule": rule,
        "inputs": sorted(map(str, inputs)),
        "foreign": {file: entry(file)["sha256"] for file in foreign},
        "params": sorted(map(repr, params)),
        "outputs": {Path(output).relative_to(results).as_posix(): entry(output) for output in outputs},
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.partial")
    temporary.write_text(json.dumps(content, indent=1, sort_keys=True) + "\n")
    os.replace(temporary, path)


def withdraw(log: str | Path) -> None:
    """Delete the manifest of an earlier run of the job: a log without a manifest belongs to a job that failed."""
    places(log)[1].unlink(missing_ok=True)


def entry(path: str | Path) -> dict[str, str | int]:
    """A file's entry in the manifest: `sha256` (hexadecimal), `size` (bytes), `mtime_ns`."""
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
