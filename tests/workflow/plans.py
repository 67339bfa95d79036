"""Dry runs of copies of the project, in forks of one process that has the heavy packages loaded.

What remains of a dry run's time is then the workflow's own part. This module must not import the project: a fork uses
the modules of the copy that it is run in, and a copy may be an edited one.
"""

import dataclasses
import multiprocessing
import os
import sys
import tempfile
import traceback
from collections.abc import Sequence
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

FORKS = multiprocessing.get_context("forkserver")
FORKS.set_forkserver_preload(["snakemake.cli", "torch", "pandas", "pydantic", "pyarrow.parquet"])


def dry_runs(folder: Path, runs: Sequence[Sequence[str]]) -> list[list[dict[str, Any]]]:
    """The jobs of each dry run `snakemake <arguments>` in this folder, one after the other, as `make plan` tells them.

    A job comes as a dictionary of the fields of tools/jobs.Job. Raises AssertionError with what was said if one fails.
    """
    receiver, sender = FORKS.Pipe(duplex=False)
    with tempfile.NamedTemporaryFile("w+") as log:
        process = FORKS.Process(target=_work, args=(sender, log.name, str(folder), [list(run) for run in runs]))
        process.start()
        sender.close()
        try:
            return receiver.recv()
        except EOFError:
            raise AssertionError(log.read()[-6000:]) from None
        finally:
            process.join()


def _work(sender: Connection, log: str, folder: str, runs: list[list[str]]) -> None:
    with open(log, "w") as stream:
        os.dup2(stream.fileno(), 1)
        os.dup2(stream.fileno(), 2)
    os.chdir(folder)
    os.environ.pop("SNAKEMAKE_PROFILE", None)
    sys.path[:] = [folder, *(path for path in sys.path if not Path(path, "workflow_scripts").is_dir())]
    try:
        from workflow_scripts.tools.plan import dry_run, explained

        sender.send([[dataclasses.asdict(job) for job in explained(dry_run(arguments))] for arguments in runs])
    except BaseException:
        traceback.print_exc()
        raise
