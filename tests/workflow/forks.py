"""Python in a fork of one process that has the heavy packages loaded, instead of an interpreter that loads them again.

Snakemake and torch take some two seconds to import, and the tests start Snakemake more than a hundred times. A fork has
none of the project's modules, so that it uses those of the folder that it is run in, which may be an edited copy.
"""

import multiprocessing
import os
import subprocess
import sys
import tempfile
import traceback
from collections.abc import Mapping, Sequence
from pathlib import Path

FORKS = multiprocessing.get_context("forkserver")
FORKS.set_forkserver_preload(["snakemake.cli", "torch", "pandas", "pydantic", "pyarrow.parquet"])


def python(
    folder: Path, code: str, arguments: Sequence[str], environment: Mapping[str, str]
) -> subprocess.CompletedProcess[str]:
    """What `python -c code arguments` does in this folder."""
    with tempfile.TemporaryDirectory() as scratch:
        outputs = [Path(scratch, name) for name in ("stdout", "stderr")]
        command = ["-c", *arguments]
        process = FORKS.Process(target=_run, args=(str(folder), code, command, dict(environment), outputs))
        process.start()
        process.join()
        stdout, stderr = (path.read_text() if path.exists() else "" for path in outputs)
    return subprocess.CompletedProcess(command, process.exitcode, stdout, stderr)


def module(
    folder: Path, name: str, arguments: Sequence[str], environment: Mapping[str, str]
) -> subprocess.CompletedProcess[str]:
    """What `python -m name arguments` does in this folder."""
    code = f"import runpy; runpy.run_module({name!r}, run_name='__main__', alter_sys=True)"
    return python(folder, code, arguments, environment)


def _run(folder: str, code: str, argv: list[str], environment: dict[str, str], outputs: list[Path]) -> None:
    for path, number in zip(outputs, (1, 2), strict=True):
        os.dup2(os.open(path, os.O_WRONLY | os.O_CREAT), number)
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    os.chdir(folder)
    os.environ.clear()
    os.environ.update(environment)
    sys.argv[:] = argv
    sys.path[:] = [folder, *(path for path in sys.path if path and not Path(path, "workflow_scripts").is_dir())]
    try:
        exec(compile(code, "<string>", "exec"), {"__name__": "__main__"})
    except SystemExit:
        raise
    except BaseException:
        traceback.print_exc()
        sys.exit(1)
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
