"""Faults that no other test meets, and that every fault of the table (faults.py) is met and documented."""

import math
import os
import random
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import psutil
import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.operations.faults import FAULTS
from tests.operations.processes import jobs_of, running, said, wait_until
from tests.workflow.projects import ROOT, Project, environment
from workflow_scripts.ticketlab.config.study import load
from workflow_scripts.ticketlab.core.errors import TicketlabError
from workflow_scripts.ticketlab.tables import files
from workflow_scripts.ticketlab.tables.schemas.networks import METRICS
from workflow_scripts.ticketlab.tasks import images

DOCS = (ROOT / "docs/operations.md").read_text(encoding="utf-8")
LOCK = ".snakemake/locks/*.output.lock"
UNLOCK = [sys.executable, "-m", "workflow_scripts.tools.unlock"]
SECTION = re.search(r"^## When something goes wrong\n(.*?)(?=^## |\Z)", DOCS, flags=re.MULTILINE | re.DOTALL)


def test_every_fault_is_documented_and_no_other() -> None:
    assert SECTION
    rows = re.findall(r"^\| (.+?) \| .+? \| (\d+) \|$", SECTION[1], flags=re.MULTILINE)
    assert {fault: int(count) for fault, count in rows} == {fault: len(tests) for fault, tests in FAULTS.items()}


@pytest.mark.parametrize("test", [test for tests in FAULTS.values() for test in tests])
def test_the_test_that_a_fault_names_is_there(test: str) -> None:
    file, name = test.split("::")
    assert f"\ndef {name}(" in (ROOT / "tests" / file).read_text()


def kinds(test: str) -> int:
    """The cases of a test: one without parameters has one."""
    file, name = test.split("::")
    function = getattr(import_module(f"tests.{file.removesuffix('.py').replace('/', '.')}"), name)
    sizes = [len(mark.args[1]) for mark in getattr(function, "pytestmark", []) if mark.name == "parametrize"]
    return math.prod(sizes)


@pytest.mark.parametrize("fault", [fault for fault in FAULTS if " kinds" in fault])
def test_a_fault_counts_the_kinds_that_its_tests_try(fault: str) -> None:
    (said,) = re.findall(r"(\d+) kinds", fault)
    assert int(said) == sum(map(kinds, FAULTS[fault]))


def test_the_configs_that_were_tried_by_hand_add_up() -> None:
    assert SECTION
    (tried,), (files_tried,) = re.findall(r"any_config (\d+)", SECTION[1]), re.findall(r"and (\d+) files", SECTION[1])
    outcomes = [
        int(refused) + int(valid) for refused, valid in re.findall(r"\| (\d+) refused, (\d+) valid \|", SECTION[1])
    ]
    assert outcomes and sum(outcomes[:-1]) == int(tried) and outcomes[-1] == int(files_tried)
    assert f"{tried} tried by hand" in SECTION[1]


# Disk, memory, permissions: a job's script, without Snakemake.

SCRIPT = """
import sys
from types import SimpleNamespace
import numpy as np
from workflow_scripts.ticketlab.tables import stacks
from workflow_scripts.ticketlab.tables.schemas.networks import WEIGHTS
from workflow_scripts.ticketlab.core.job import logged

folder = sys.argv[1]
params = SimpleNamespace(spec={{}}, code="c", lock="l")
output = folder + "/digits/weights.parquet"
job = SimpleNamespace(log=[folder + "/logs/job.log"], rule="train_dense", params=params, input=[], output=[output])
with logged(job) as provenance:
    {body}
"""
WRITE = """
    keys = {"init_seed": 0, "data_seed": 0, "variant": "dense", "rewind_step": -1, "level": 0}
    with stacks.writing(output, WEIGHTS, provenance) as writer:
        for step in range(50):
            values = np.random.default_rng(step).normal(size=(1, 100_000)).astype(np.float32)
            writer.add("digits", step, [keys], {("weight", "a"): values})
"""


def job(folder: Path, body: str) -> subprocess.CompletedProcess[str]:
    """A job whose log and table are in `folder`."""
    command = [sys.executable, "-c", SCRIPT.format(body=body), str(folder)]
    return subprocess.run(command, cwd=ROOT, env=environment(), capture_output=True, text=True)


def one_sentence(result: subprocess.CompletedProcess[str]) -> str:
    assert result.returncode != 0 and result.stdout == ""
    (line,) = result.stderr.splitlines()
    assert line.startswith("error: train_dense: ")
    return line


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 4 MB of its own with the folders of a job."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=4m", "tmpfs", folder], capture_output=True)
    if mounted.returncode:
        pytest.skip("a small disk can be mounted by root only, and not in every container")
    for name in ("logs", "digits"):
        (folder / name).mkdir()
    yield folder
    subprocess.run(["umount", folder], check=True)


def test_a_full_disk_is_told_in_one_sentence_and_leaves_no_half_table(small_disk: Path) -> None:
    said = one_sentence(job(small_disk, WRITE))
    assert "No space left on device; the disk is full: make room and run again" in said
    assert not [*(small_disk / "digits").iterdir()]

    filler = small_disk / "filler"
    with pytest.raises(OSError), filler.open("wb") as file:
        file.write(bytes(5_000_000))
    assert "the disk is full" in one_sentence(job(small_disk, WRITE)), "with no room for the log's own lines either"


def test_a_read_only_results_folder_is_told_in_one_sentence(small_disk: Path) -> None:
    subprocess.run(["mount", "-o", "remount,ro", small_disk], check=True)
    said = one_sentence(job(small_disk, WRITE))
    assert f"{small_disk}/logs/job.log" in said and "make that folder writable, or set `results`" in said


@pytest.mark.parametrize(
    "body",
    ["np.ones(2**50)", "import torch; torch.ones(2**50)"],
    ids=["NumPy", "torch"],
)
def test_memory_that_is_used_up_is_told_in_one_sentence(tmp_path: Path, body: str) -> None:
    (tmp_path / "logs").mkdir()
    said = one_sentence(job(tmp_path, body))
    assert "out of memory: run fewer jobs at a time (CORES)" in said
    assert "Traceback" in (tmp_path / "logs/job.log").read_text()


def test_a_second_run_in_the_same_folder_is_refused_while_the_first_goes_on(tiny: Project, tmp_path: Path) -> None:
    project = tiny.copy(tmp_path / "project")
    (project.folder / "results/report.html").unlink()
    with running(project, project.command()) as first:
        wait_until(lambda: any(lock.stat().st_size for lock in project.folder.glob(LOCK)), "lock")
        first.send_signal(signal.SIGSTOP)
        second, unlocked = project.snakemake(), project.call(UNLOCK)
        first.send_signal(signal.SIGCONT)
        assert first.wait() == 0, said(project)[-6000:]
    assert second.returncode != 0
    assert "Directory cannot be locked" in second.stderr and "Traceback" not in second.stderr
    assert unlocked.returncode == 1 and str(first.pid) in unlocked.stderr
    assert not project.plan()


# What others wrote: images, tables, configs.


class Bomb:
    """Makes a file when unpickled."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[Any, ...]:
        return (os.mkdir, (str(self.path),))


def test_code_in_an_npz_file_is_refused_and_not_run(tmp_path: Path) -> None:
    arrays = {name: np.zeros(6, int) for name in ("y_train", "x_test", "y_test")}
    np.savez(tmp_path / "images.npz", x_train=np.array([Bomb(tmp_path / "ran")], dtype=object), **arrays)
    chosen = images.Settings(kind="images", source="npz", path=str(tmp_path / "images.npz"))
    with pytest.raises(TicketlabError, match=r"images\.npz.*plain arrays"):
        images.prepare(chosen, "study")
    assert not (tmp_path / "ran").exists()


@pytest.fixture(scope="module")
def table(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("table") / "m.parquet"
    rows = {
        "study": "digits",
        "init_seed": 0,
        "data_seed": 0,
        "variant": "dense",
        "rewind_step": -1,
        "level": 0,
        "step": np.arange(9),
        "density": 1.0,
        "emptied": "",
        "split": "test",
        "metric": "loss",
        "value": np.linspace(0, 1, 9),
    }
    provenance = {"spec": "0", "code": "1", "lock": "2", "packages": {"torch": "2"}}
    files.write(path, METRICS, pd.DataFrame(rows), provenance)
    return path


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_an_edited_table_is_refused_or_holds_what_it_held(table: Path, data: st.DataObject) -> None:
    """Whatever stretch of the file is replaced by whatever bytes."""
    content = table.read_bytes()
    start = data.draw(st.integers(0, len(content)))
    end = data.draw(st.integers(start, min(len(content), start + 40)))
    edited = table.with_name("edited.parquet")
    edited.write_bytes(content[:start] + data.draw(st.binary(max_size=40)) + content[end:])
    try:
        pd.testing.assert_frame_equal(files.read(edited, METRICS), files.read(table, METRICS))
    except TicketlabError as error:
        assert str(edited) in str(error) and "\n" not in str(error)


SCALARS = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=8), st.sampled_from(["1e-3", "auto", "0"])
)
KEYS = st.one_of(st.text(max_size=8), st.sampled_from(["kind", "seeds", "studies"]), st.integers(), st.none())
VALUES = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=3), max_leaves=6
)


def refused_well(error: TicketlabError) -> bool:
    return "\n" not in str(error) and len(str(error)) > 10


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(content=st.binary(max_size=60) | VALUES.map(lambda value: yaml.safe_dump(value).encode()))
def test_any_file_is_a_config_or_refused_in_one_message(
    tmp_path_factory: pytest.TempPathFactory, content: bytes
) -> None:
    file = tmp_path_factory.getbasetemp() / "any.yaml"
    file.write_bytes(content)
    try:
        load([ROOT / "config.yaml", file], {})
    except TicketlabError as error:
        assert refused_well(error)


# Kills.


@pytest.mark.slow
def test_twenty_kills_of_jobs_and_of_snakemake_at_random_moments_of_the_quick_run_change_no_byte(
    quick: Project, pristine: Path, tmp_path: Path
) -> None:
    project = Project(shutil.copytree(pristine, tmp_path / "project"), quick.overlays)
    choose = random.Random(0)
    for target in choose.sample(["a job, then Snakemake", "Snakemake", "Snakemake and its jobs"] * 7, 20):
        with running(project, project.command()) as snakemake:
            wait_until(lambda: bool(jobs_of(project)), "job that runs")
            time.sleep(choose.uniform(0, 10))
            if target == "a job, then Snakemake":
                with suppress(IndexError, psutil.NoSuchProcess):  # none runs at this moment
                    choose.choice(jobs_of(project)).kill()
                time.sleep(choose.uniform(0, 5))
            assert snakemake.poll() is None, f"ended by itself: {said(project)[-6000:]}"
            (os.killpg if target == "Snakemake and its jobs" else os.kill)(snakemake.pid, signal.SIGKILL)
            snakemake.wait()
        for left in jobs_of(project):
            left.wait()
        unlocked = project.call(UNLOCK)
        assert unlocked.returncode == 0, unlocked.stderr
    project.run()
    assert project.tables("results/quick") == quick.tables("results/quick")
    assert not project.plan()
    assert not [*project.folder.rglob(".*.partial")]
    verified = project.tool("verify")
    assert verified.returncode == 0, verified.stdout
