"""The parts behind the digests in Snakemake's records: a small file for each, so that a plan can name what changed.

Snakemake stores a job's parameters, and so the digests of its code and of the lock file, but not their parts. These
files are in Snakemake's own folder, next to its records, and move with them. Without one, a plan says less.
"""

import json
import os
from pathlib import Path

from workflow_scripts.preflight.digest import parts_digest

FOLDER = Path(".snakemake/ticketlab")


def remember(parts: dict[str, str]) -> str:
    """The digest of these parts (file or package to digest or version), stored so that `recall` finds them by it."""
    digest = parts_digest(parts)
    path = FOLDER / f"{digest}.json"
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary = path.with_name(f".{path.name}.{os.getpid()}")
        temporary.write_text(json.dumps(parts, indent=1))
        os.replace(temporary, path)
    return digest


def recall(digest: str) -> dict[str, str] | None:
    """The parts with this digest; None if they are not known."""
    try:
        parts = json.loads((FOLDER / f"{digest}.json").read_text())
        return parts if parts_digest(parts) == digest else None
    except (OSError, ValueError, AttributeError):
        return None
