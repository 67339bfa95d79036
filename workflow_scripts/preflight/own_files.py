"""A check, before the first job, that the user's own files are there and can be read."""

import os
from pathlib import Path

from workflow_scripts.ticketlab.config import rule_params
from workflow_scripts.ticketlab.config.study import Config
from workflow_scripts.ticketlab.core.errors import TicketlabError, shown


def check(config: Config) -> None:
    """Raises TicketlabError that names the study and the first path that cannot be read."""
    for study in config.names():
        named = [("task", Path(path)) for path in rule_params.external_files(config, study)]
        if own := rule_params.own_model(config, study):
            named.append(("model", own))
        named += [("released", path) for path in rule_params.released_folders(config, study)]
        for section, path in named:
            if not os.access(path, os.R_OK):
                raise TicketlabError(
                    f"config: studies.{study}.{section}: no file or folder that can be read at {shown(path)}, "
                    f"seen from {Path.cwd()}; correct the path, or restore what it or its link leads to"
                )
