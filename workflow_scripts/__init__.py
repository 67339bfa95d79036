"""The scripts of the rules, the library that they call, and the tools of the workflow.

Imports make a quarter of a million permanent objects, in a process that often works for a few seconds only. Python's
default garbage collection, after every 700 of them, is an eighth of the three seconds that a job takes to start.
"""

import gc
import sys
from types import TracebackType

USUAL = gc.get_threshold()  # job.logged goes back to it
gc.set_threshold(100_000)

STOPPED = "stopped by the user"  # the last line of a job's log after Ctrl-C


def _without_traceback(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    if issubclass(kind, KeyboardInterrupt):
        print(STOPPED, file=sys.stderr)
    else:
        sys.__excepthook__(kind, error, trace)


sys.excepthook = _without_traceback
