"""The outputs that are no longer what their jobs wrote, by comparison of files with the manifest's sums.

Every Snakemake command calls this (rules/common.smk) and makes damaged outputs again. It compares sizes and times,
which takes milliseconds; `make verify`, which reads every file, finds bytes that changed under the same size and time.
"""

import json
import os
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from workflow_scripts.ticketlab.core import manifest

MISSING = "is missing"
KEYS = {"rule", "inputs", "foreign", "params", "outputs"}


@dataclass(frozen=True)
class Damage:
    """An output, the rule that made it and its fault."""

    path: str
    rule: str
    fault: str

    def __str__(self) -> str:
        return f"{self.path} {self.fault}"


def everywhere(results: str) -> list[Damage]:
    """The files below the results folder that differ from what their jobs wrote; Snakemake finds the missing ones."""
    found = [damage for path in manifests(results) for damage in _damages(results, path, whole=False)]
    return [damage for damage in found if damage.fault != MISSING]


def manifests(results: str) -> list[Path]:
    """The manifests of all jobs that ever ended well below this folder."""
    return sorted(Path(results, manifest.FOLDER).rglob("[!.]*.json"))


def of_job(log: str, *, whole: bool = False) -> list[Damage]:
    """The faults of the outputs of the job with this log; none if no manifest records what it wrote.

    whole: read every file. Otherwise a file of the recorded size and time counts as unchanged.
    """
    results, path = manifest.places(log)
    return list(_damages(str(results), path, whole))


def vouched(log: str) -> bool:
    """Whether there is a manifest of the job with this log."""
    return read(manifest.places(log)[1]) is not None


def read(path: Path) -> dict[str, Any] | None:
    """A manifest; None if there is none, or a broken one, which vouches for nothing."""
    try:
        content = json.loads(path.read_text())
        return content if content.keys() >= KEYS and content["outputs"].items() else None
    except (OSError, ValueError, TypeError, KeyError, AttributeError):
        return None


def _damages(results: str, path: Path, whole: bool) -> Iterator[Damage]:
    content = read(path)
    if content is None:
        return
    for name, recorded in content["outputs"].items():
        fault = _fault(Path(results, name), recorded, whole)
        # A job that starts deletes its manifest, so its new outputs are not compared with its earlier ones.
        if fault and read(path) == content:
            yield Damage(f"{results}/{name}", content["rule"], fault)


def _fault(path: Path, recorded: dict[str, Any], whole: bool) -> str | None:
    """The fault of a file, None if there is none.

    A file with the right bytes and another time (copied, touched) gets its recorded time back. Otherwise Snakemake
    would consider it new and make everything that depends on it again.
    """
    try:
        status = path.stat()
        if status.st_size != recorded["size"]:
            return f"has {status.st_size} bytes instead of {recorded['size']}"
        if status.st_mtime_ns == recorded["mtime_ns"] and not whole:
            return None
        if manifest.entry(path)["sha256"] != recorded["sha256"]:
            return "holds other bytes than were written"
        if status.st_mtime_ns != recorded["mtime_ns"]:
            with suppress(OSError):  # someone else's file: it will be read again the next time
                os.utime(path, ns=(status.st_atime_ns, recorded["mtime_ns"]))
    except FileNotFoundError:
        return MISSING
    except OSError as error:
        return f"cannot be read ({error.strerror})"
    return None
