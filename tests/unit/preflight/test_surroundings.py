"""What a site exports does not reach jobs, and packages that are not the lock's are named."""

import io
import os
import re
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

import pytest

from workflow_scripts import numerics
from workflow_scripts.preflight import surroundings

ROOT = Path(__file__).parents[3]
HOSTILE = {
    "MPLBACKEND": "module://matplotlib_inline.backend_inline",
    "OMP_NUM_THREADS": "64",
    "PYTHONIOENCODING": "ascii",
    "PYTHONDONTWRITEBYTECODE": "1",
}


@pytest.fixture(autouse=True)
def environment(monkeypatch):
    """An environment of its own for `settle` to change."""
    monkeypatch.setattr(os, "environ", os.environ | HOSTILE | {"PYTHONPATH": "/site", "PYTHONHOME": "/site"})


def test_a_job_draws_in_one_thread_and_writes_any_letter_whatever_the_site_exports(tmp_path):
    surroundings.settle("portable")
    code = """
import sys, matplotlib.pyplot, torch
sys.stdout.write(f"θ {matplotlib.get_backend()} {torch.get_num_threads()} {'/site' in sys.path}")
"""
    (tmp_path / "matplotlib").mkdir()
    (tmp_path / "matplotlib/matplotlibrc").write_text("backend: none\nfigure.dpi: many\n")
    os.environ["XDG_CONFIG_HOME"] = str(tmp_path)
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True, env=os.environ)
    assert (done.stdout.decode(), done.stderr) == ("θ agg 1 False", b"")


def test_a_job_compiles_nothing_that_a_job_before_it_has_compiled(tmp_path):
    surroundings.settle("portable")
    (tmp_path / "module.py").write_text("")
    subprocess.run([sys.executable, "-c", "import module"], cwd=tmp_path, check=True, env=os.environ)
    assert list(tmp_path.glob("__pycache__/module.*.pyc"))


def test_make_takes_away_what_jobs_do_not_get():
    (names,) = re.findall("(?m)^unexport (PYTHON.*)$", (ROOT / "Makefile").read_text())
    assert set(names.split()) == set(surroundings.REMOVED)


def test_a_stream_that_is_not_utf8_gets_escapes(monkeypatch):
    written = io.BytesIO()
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(written, encoding="ascii", write_through=True))
    surroundings.settle("portable")
    sys.stdout.write("θ₀")
    assert written.getvalue() == rb"\u03b8\u2080"


def test_a_file_that_became_a_pipe_under_its_stream_is_left_as_it_is(monkeypatch, tmp_path):
    """As the terminal's display does with a log to which errors are written."""
    with (tmp_path / "log").open("w") as stream:
        stream.write("before")
        stream.flush()
        _, drain = os.pipe()
        os.dup2(drain, stream.fileno())
        monkeypatch.setattr(sys, "stderr", stream)
        surroundings.settle("portable")
        stream.write("after")


def test_packages_that_are_not_the_locks_are_named_with_their_place(tmp_path, monkeypatch):
    monkeypatch.setattr(numerics, "doubt", str)
    lock = tmp_path / "lock"
    locked = version("numpy")
    lock.write_text(f"numpy=={locked}\ntorch=={version('torch').partition('+')[0]}\nnot-here==1.0\n")
    assert list(surroundings.doubts("portable", lock)) == []
    (tmp_path / "numpy-9.9.dist-info").mkdir()
    monkeypatch.syspath_prepend(tmp_path)
    (doubt,) = surroundings.doubts("portable", lock)
    assert f"numpy 9.9, not {locked}, from {tmp_path}" in doubt and "make clean" in doubt


def test_this_environment_is_the_locks(monkeypatch):
    monkeypatch.setattr(numerics, "doubt", str)
    assert list(surroundings.doubts("portable", ROOT / "envs/requirements.lock")) == []
