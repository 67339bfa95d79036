"""A check, before the first job, that the user's own files are there and can be read."""

import os
from pathlib import Path

from workflow_scripts.ticketlab.config import rule_params
from workflow_scripts.ticketlab.config.study import Config
from workflow_scripts.ticketlab.core.errors import TicketlabError, shown


def check(config: Config) -> None:
    """Raises TicketlabError that names the study and the first path that cannot be read."""
    for study in config.names():
        for path in map(Path, rule_params.external_files(config, study)):
            if not os.access(path, os.R_OK):
                raise TicketlabError(
                    f"config: studies.{study}.task: no file or folder that can be read at {shown(path)}, seen from "
                    f"{Path.cwd()}; correct the path, or restore what it or its link leads to"
                )
