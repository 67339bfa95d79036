"""The files below a folder, as a user sees them: those behind links, too."""

import os
from pathlib import Path

from workflow_scripts.ticketlab.core.errors import TicketlabError, shown


def files_below(folder: Path) -> list[Path]:
    """All files in the folder and in folders below it, in the order of their names relative to it.

    A folder that several links, or a circle of them, lead to is read once. A link to nothing counts as a file, so that
    its reader refuses it by name. Raises TicketlabError for a folder that cannot be listed.
    """
    found: list[Path] = []
    seen = set()

    def refuse(error: OSError) -> None:
        raise TicketlabError(f"{shown(error.filename)}: cannot be listed ({error.strerror}); make the folder readable")

    for place, folders, names in os.walk(folder, followlinks=True, onerror=refuse):
        real = os.path.realpath(place)
        if real in seen:
            folders.clear()
            continue
        seen.add(real)
        folders.sort()
        found += [Path(place, name) for name in names]
    return sorted(found, key=lambda path: path.relative_to(folder).as_posix())
