"""The frame of every script: it logs to the job's file, reports an error in one sentence and writes the manifest.

The module does not import Snakemake: it takes the object that Snakemake passes to a script and reads its attributes.
"""

import ctypes
import gc
import json
import logging
import os
import platform
import sys
import traceback
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from errno import EACCES, EDQUOT, ENOSPC, EROFS
from hashlib import sha256
from importlib.metadata import version
from pathlib import Path
from typing import Any, TextIO

from workflow_scripts import USUAL
from workflow_scripts.ticketlab.core import manifest
from workflow_scripts.ticketlab.core.errors import TicketlabError
from workflow_scripts.ticketlab.core.numerics_mode import mode

RECORDED_PACKAGES = ("numpy", "torch", "devinterp", "matplotlib", "pandas", "pyarrow", "scipy", "scikit-learn")
# glibc's malloc.h: parameters of mallopt, and the largest size that it takes for the second.
M_TRIM_THRESHOLD, M_MMAP_THRESHOLD = -1, -3
LARGEST_MMAP_THRESHOLD = 32 * 2**20
OUT_OF_MEMORY = ("can't allocate memory", "out of memory")  # torch's words, for the CPU and for a GPU


def provenance(params: Any) -> dict:
    """The origin that a table records: digests of config section, code and lock, package versions, numerics."""
    spec = sha256(json.dumps(params.spec, sort_keys=True).encode()).hexdigest()[:16]
    packages = {name: version(name) for name in RECORDED_PACKAGES}
    return {
        "spec": spec,
        "code": params.code,
        "lock": params.lock,
        "packages": packages,
        "numerics": mode(),
    }


@contextmanager
def logged(job: Any) -> Iterator[dict]:
    """Run a script's body with both output streams in `job.log[0]`; yields the provenance for its tables.

    What the library logs (progress with rate and remaining time, warnings) goes to the terminal as well, where
    Snakemake shows it, each line after the job's name. A TicketlabError ends the process with its one sentence, in the
    log and on the terminal. Any other exception writes its traceback to the log and its last line to the terminal,
    with a remedy if the machine lacks memory, disk space or a permission. A body that ends well writes the manifest.
    """
    keep_freed_memory()
    collect_what_comes_from_here_on()
    terminal = os.dup(2)
    sys.stdout.flush()
    sys.stderr.flush()
    try:
        log = open(job.log[0], "w", buffering=1)  # noqa: SIM115
    except OSError as error:
        sys.exit(f"error: {job.rule}: {error}{_remedy(error)}")
    with log:
        os.dup2(log.fileno(), 1)
        os.dup2(log.fileno(), 2)
        _log_to(log, terminal, f"{job.rule} {Path(job.log[0]).stem}")
        try:
            manifest.withdraw(job.log[0])
            yield provenance(job.params)
            params = (job.params.spec, job.params.code, job.params.lock)
            manifest.record(job.log[0], job.rule, job.input, params, job.output)
        except TicketlabError as error:
            _end(terminal, f"{job.rule}: {error}")
        except Exception as error:
            with suppress(OSError):
                traceback.print_exc()
            _end(terminal, f"{job.rule}: {type(error).__name__}: {error}{_remedy(error)} (traceback in {job.log[0]})")
        finally:
            with suppress(OSError):
                sys.stdout.flush()


def collect_what_comes_from_here_on() -> None:
    """Run the garbage collector as usual (workflow_scripts/__init__.py), but not over the objects that imports made.

    One collection of those takes 0.2 s. devinterp's sampling runs one per chain, and the interpreter some at its end.
    """
    gc.freeze()
    gc.set_threshold(*USUAL)


def keep_freed_memory() -> None:
    """Make glibc, where it is the C library, reuse freed memory instead of returning it to the kernel.

    Tensors of some MB are freed and allocated at every step, and the kernel can take as long to clear their pages as
    torch to fill them. Tensors above 32 MB still come from the kernel each time.
    """
    if platform.libc_ver()[0] == "glibc":
        library = ctypes.CDLL(None)
        library.mallopt(M_TRIM_THRESHOLD, 2**31 - 1)
        library.mallopt(M_MMAP_THRESHOLD, LARGEST_MMAP_THRESHOLD)


def _log_to(log: TextIO, terminal: int, name: str) -> None:
    """Send the library's log records to the log file, and to the terminal after the job's name."""
    logger = logging.getLogger("workflow_scripts")
    logger.setLevel(logging.INFO)
    shown = logging.StreamHandler(os.fdopen(terminal, "w", closefd=False))
    shown.setFormatter(_Named(name))
    logger.handlers = [logging.StreamHandler(log), shown]


class _Named(logging.Formatter):
    """A line after the job's name; a warning is called one (tools/progress.py shows all else for a moment only)."""

    def __init__(self, name: str) -> None:
        super().__init__()
        self.name = name

    def format(self, record: logging.LogRecord) -> str:
        return f"{'warning: ' * (record.levelno >= logging.WARNING)}{self.name}: {record.getMessage()}"


def _remedy(error: Exception) -> str:
    """What the user can do about the error, after a semicolon; empty where the mistake is ours."""
    if isinstance(error, MemoryError) or any(words in str(error).lower() for words in OUT_OF_MEMORY):
        return "; out of memory: run fewer jobs at a time (CORES) or lower block_size or llc.members_together"
    if isinstance(error, OSError) and error.errno in (ENOSPC, EDQUOT):
        return "; the disk is full: make room and run again, finished jobs are kept"
    if isinstance(error, OSError) and error.errno in (EROFS, EACCES):
        return "; make that folder writable, or set `results` to one that is"
    return ""


def _end(terminal: int, message: str) -> None:
    with suppress(OSError):  # nobody may listen any more
        os.write(terminal, f"error: {message}\n".encode())
    with suppress(OSError):  # the log may be on the disk that is full
        print(f"error: {message}", file=sys.stderr, flush=True)
    sys.exit(1)
