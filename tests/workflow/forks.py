"""Python in a fork of one process that has the heavy packages loaded, instead of an interpreter that loads them again.

Snakemake and torch take some two seconds to import, and the tests start Snakemake more than a hundred times, and some
five hundred jobs. A fork has none of the project's modules, so that it uses those of the folder that it is run in,
which may be an edited copy. What only real processes show (kills, a cluster, the bytes of a clean run) uses these.
"""

import multiprocessing
import os
import runpy
import subprocess
import sys
import tempfile
import threading
import traceback
from collections.abc import Callable, Mapping, Sequence
from multiprocessing import connection, forkserver
from pathlib import Path
from typing import Any
from unittest.mock import patch

# As Snakemake sets them for a job of one thread: libraries read them once, when they are loaded.
ONE_THREAD = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")
FORKS = multiprocessing.get_context("forkserver")
FORKS.set_forkserver_preload(
    [
        __name__,
        "arviz_stats.base",
        "devinterp.optim.sgmcmc",
        "matplotlib.backends.backend_agg",
        "matplotlib.backends.backend_svg",
        "pandas",
        "pyarrow.parquet",
        "pydantic",
        "sklearn.isotonic",
        "snakemake.cli",
        "torch._dynamo",  # devinterp's own sampling, which the calibration runs, imports it
    ]
)
STARTING = threading.Lock()  # Snakemake starts jobs in threads, and multiprocessing polls all children at each start


def python(
    folder: Path, code: str, arguments: Sequence[str], environment: Mapping[str, str]
) -> subprocess.CompletedProcess[str]:
    """What `python -c code arguments` does in this folder."""
    return _run(_code, folder, code, arguments, environment)


def module(
    folder: Path, name: str, arguments: Sequence[str], environment: Mapping[str, str]
) -> subprocess.CompletedProcess[str]:
    """What `python -m name arguments` does in this folder."""
    return python(folder, f"runpy.run_module({name!r}, run_name='__main__', alter_sys=True)", arguments, environment)


def snakemake(
    folder: Path, arguments: Sequence[str], environment: Mapping[str, str]
) -> subprocess.CompletedProcess[str]:
    """What `python -m snakemake arguments` does in this folder, its scripts in forks too."""
    return _run(_snakemake, folder, "snakemake", arguments, environment)


def _run(
    program: Callable[..., None], folder: Path, what: str, arguments: Sequence[str], environment: Mapping[str, str]
) -> subprocess.CompletedProcess[str]:
    with tempfile.TemporaryDirectory() as scratch:
        outputs = [str(Path(scratch, name)) for name in ("stdout", "stderr")]
        argv = ["-c", *arguments]
        process = FORKS.Process(target=_be, args=(program, what, str(folder), argv, dict(environment), outputs))
        with patch.dict(os.environ, ONE_THREAD):
            forkserver.ensure_running()
        process.start()
        process.join()
        stdout, stderr = (Path(path).read_text() if Path(path).exists() else "" for path in outputs)
    return subprocess.CompletedProcess(argv, process.exitcode, stdout, stderr)


def _be(
    program: Callable[..., None],
    what: Any,
    folder: str,
    argv: list[str],
    environment: dict[str, str],
    outputs: list[str],
) -> None:
    """Become a fresh interpreter in this folder that writes to these files, and run the program."""
    for path, number in zip(outputs, (1, 2), strict=True):
        os.dup2(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND), number)
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    os.chdir(folder)
    os.environ.clear()
    os.environ.update(environment)
    sys.argv[:] = argv
    sys.path[:] = [path for path in sys.path if path and not Path(path, "workflow_scripts").is_dir()]
    try:
        program(what, outputs)
    except SystemExit:
        raise
    except BaseException:
        traceback.print_exc()
        sys.exit(1)
    finally:
        sys.stdout.flush()
        sys.stderr.flush()


def _code(code: str, _: list[str]) -> None:
    sys.path.insert(0, os.getcwd())
    exec(compile(code, "<string>", "exec"), {"__name__": "__main__", "runpy": runpy})


def _script(what: tuple[str, connection.Connection], _: list[str]) -> None:
    file, gate = what
    gate.recv()
    sys.path.insert(0, str(Path(file).parent))
    runpy.run_path(file, run_name="__main__")


def _snakemake(module: str, outputs: list[str]) -> None:
    from snakemake.benchmark import benchmarked
    from snakemake.script import PythonScript

    def execute_script(script: Any, file: str, edit: bool = False) -> None:
        """In place of Snakemake's, which starts an interpreter: measured, and its failure told, in the same way."""
        gate, key = FORKS.Pipe(duplex=False)
        arguments = (_script, (file, gate), os.getcwd(), [file], dict(os.environ), outputs)
        job = FORKS.Process(target=_be, args=arguments)
        with STARTING:
            job.start()
        with benchmarked(job.pid, script.bench_record):
            key.send("it is being measured")
            connection.wait([job.sentinel])
        with STARTING:
            job.join()
        if job.exitcode:
            raise subprocess.CalledProcessError(job.exitcode, f"{sys.executable} {file}")

    PythonScript.execute_script = execute_script
    # A fork knows its server's address and yet starts a server of its own, unless it takes the server for alive.
    forkserver._forkserver.ensure_running = lambda: None
    sys.path.insert(0, os.getcwd())
    runpy.run_module(module, run_name="__main__", alter_sys=True)
