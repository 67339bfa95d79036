"""The numerics in which this process was started (workflow_scripts/numerics.py), as every table records them."""

import os

MODE = "TICKETLAB_NUMERICS"  # passes a process's mode to the processes that it starts


def mode() -> str:
    """The mode in which this process was started; `native` if none was fixed."""
    return os.environ.get(MODE, "native")
