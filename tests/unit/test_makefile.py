"""The front door: set-up that is complete or absent, one sentence for a wrong Python, results that stay."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from envs import install
from workflow_scripts.tools.command import TARGETS

ROOT = Path(__file__).parents[2]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A copy of the Makefile and its scripts with an empty lock: set-up makes a bare .venv in seconds, offline."""
    folder = tmp_path / "ticket lab"
    (folder / "envs").mkdir(parents=True)
    shutil.copy(ROOT / "Makefile", folder)
    for script in ("create.sh", "install.py"):
        shutil.copy(ROOT / "envs" / script, folder / "envs")
    (folder / "envs/requirements.lock").write_text("# nothing\n")
    return folder


def make(
    folder: Path, *arguments: str, python: str | Path = sys.executable, **variables: str
) -> subprocess.CompletedProcess[str]:
    # Without the variables of the make that may run these tests, and those given to it.
    hidden = ("MAKE", "MFLAGS", "ARGS", "CORES", "STUDIES", "CONFIG")
    environment = {name: value for name, value in os.environ.items() if not name.startswith(hidden)}
    environment |= {"PYTHON": str(python), **variables}
    return subprocess.run(["make", *arguments], cwd=folder, env=environment, capture_output=True, text=True)


def fake_python(folder: Path, version: str) -> Path:
    path = folder / f"python{version}"
    path.write_text(f"#!/bin/sh\necho {version}\n")
    path.chmod(0o755)
    return path


@pytest.mark.parametrize("version", ["3.10.4", "3.15.0", "3.1.1", "2.7.18"])
def test_another_python_gets_one_sentence_and_no_environment(folder: Path, version: str) -> None:
    result = make(folder, "run", python=fake_python(folder, version))
    sentence = (
        f"ticketlab needs Python 3.11 to 3.14; found {version}: install one, or uv, or set PYTHON=/path/to/python3"
    )
    assert result.returncode != 0
    assert [line for line in result.stderr.splitlines() if not line.startswith("make")] == [sentence]
    assert not (folder / ".venv").exists()


def test_no_python_gets_the_same_sentence(folder: Path) -> None:
    result = make(folder, "run", python=folder / "gone")
    assert "ticketlab needs Python 3.11 to 3.14; found none: " in result.stderr


def test_a_set_up_that_failed_does_not_count_and_a_complete_one_holds_until_lock_or_place_changes(folder: Path) -> None:
    def is_complete(folder: Path) -> bool:
        # With a Python that cannot build one, only a complete environment succeeds.
        return make(folder, "environment", python=fake_python(folder, "3.10.4")).returncode == 0

    lock = folder / "envs/requirements.lock"
    lock.write_text("no such requirement!\n")
    assert make(folder, "environment").returncode != 0
    assert (folder / ".venv/bin/python").exists()
    assert not is_complete(folder)

    lock.write_text("# mended\n")
    assert make(folder, "environment").returncode == 0
    os.utime(lock)
    assert is_complete(folder)
    lock.write_text("# mended again\n")
    assert not is_complete(folder)
    lock.write_text("# mended\n")
    assert is_complete(folder)
    assert not is_complete(folder.rename(folder.parent / "moved"))


HOSTILE = {
    "PYTHONPATH": "/exported",
    "PYTHONHOME": "/exported",
    "PYTHONIOENCODING": "ascii",
    "PIP_USER": "1",
    "PIP_TARGET": "/exported",
    "PIP_REQUIRE_VIRTUALENV": "0",
    "UV_TARGET": "/exported",
    "OMP_NUM_THREADS": "77",
    "HOME": "/dev/null",
    "XDG_CACHE_HOME": "",
}


def test_what_a_site_exports_disturbs_neither_set_up_nor_a_run(folder: Path) -> None:
    with (folder / "Makefile").open("a") as makefile:
        makefile.write(
            "\nshown:\n\t@echo $(CORES) $$XDG_CACHE_HOME; $(BIN)/python -c 'import sys; print(\"θ\", sys.path)'\n"
        )
    done = make(folder, "environment", "shown", **HOSTILE)
    assert done.returncode == 0, done.stderr
    cores, last = done.stdout.splitlines()[-2:]
    assert cores == f"{len(os.sched_getaffinity(0))} {folder}/.snakemake/cache"
    assert last.startswith("θ") and "/exported" not in last


def test_the_installers_keep_of_a_sites_settings_only_where_to_download_from(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "environ", os.environ | HOSTILE | {"UV_OFFLINE": "1", "HOME": "/home/me"})
    monkeypatch.setattr(
        install,
        "settings_of_pip",
        lambda: {"extra-index-url": "https://a https://b", "find-links": "/c /d", "timeout": "9"},
    )
    kept = install.variables()
    assert not kept.keys() & HOSTILE.keys() - {"OMP_NUM_THREADS", "HOME", "XDG_CACHE_HOME"}
    assert {name: kept[name] for name in kept if name.startswith(("PIP_", "UV_"))} == {
        "PIP_EXTRA_INDEX_URL": "https://a https://b",
        "PIP_FIND_LINKS": "/c /d",
        "PIP_TIMEOUT": "9",
        "PIP_CONFIG_FILE": os.devnull,
        "UV_EXTRA_INDEX_URL": "https://a https://b",
        "UV_FIND_LINKS": "/c,/d",
        "UV_INDEX_STRATEGY": "unsafe-best-match",
        "UV_OFFLINE": "1",
    }


def test_a_set_up_that_fails_says_where_its_log_is(folder: Path) -> None:
    (folder / "envs/requirements.lock").write_text("no such requirement!\n")
    done = make(folder, "environment")
    assert f"said is in {folder}/.venv/set-up.log" in done.stderr
    assert "no such requirement!" in (folder / ".venv/set-up.log").read_text()


def test_help_is_the_default_and_tells_every_target(folder: Path) -> None:
    result = make(folder)
    for target in (
        "run",
        "quick",
        "slurm",
        "answer",
        "plan",
        "status",
        "verify",
        "report",
        "test",
        "test-cluster",
        "lint",
        "format",
        "bench",
        "lock",
        "clean",
        "help",
    ):
        assert f"\nmake {target} " in f"\n{result.stdout}"


@pytest.mark.parametrize("target", TARGETS)
def test_targets_hand_the_variables_to_the_tool_that_composes_them(folder: Path, target: str) -> None:
    variables = ["CORES=3", "STUDIES=text digits", "CONFIG=a.yaml b.yaml", "ARGS=--config 'x=1 2' -n"]
    last = make(folder, "-n", target, *variables).stdout.splitlines()[-1]
    cores = "$CORES" if target == "slurm" else "3"  # make exports it if it was given, and not its own default
    assert last == (
        f".venv/bin/python -m workflow_scripts.tools.run {target} "
        f'--cores="{cores}" --studies="text digits" --configs="a.yaml b.yaml" -- --config \'x=1 2\' -n'
    )


def test_a_config_that_a_site_exports_is_not_makes(folder: Path) -> None:
    assert '--configs=""' in make(folder, "-n", "run", CONFIG="/etc/site.conf").stdout


def test_the_whole_reasons_are_asked_for_by_why(folder: Path) -> None:
    assert "--why -- " in make(folder, "-n", "answer", "WHY=yes").stdout
    assert "--why" not in make(folder, "-n", "answer", "WHY=no").stdout


def test_clean_keeps_results_until_asked(folder: Path) -> None:
    for name in ("results/README.md", "results/text/weights.parquet", ".snakemake/metadata/x", ".venv/bin/python"):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text("")
    told = make(folder, "clean").stdout
    assert "make clean RESULTS=yes" in told
    assert not (folder / ".venv").exists()
    assert (folder / "results/text/weights.parquet").exists()
    assert (folder / ".snakemake/metadata/x").exists()

    assert make(folder, "clean", "RESULTS=yes").returncode == 0
    assert [path.name for path in (folder / "results").iterdir()] == ["README.md"]
    assert not (folder / ".snakemake").exists()
