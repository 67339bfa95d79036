"""Where Slurm cannot be started, what must run it says so and fails; nothing passes by skipping it."""

import os
import re
import subprocess
from pathlib import Path

import pytest
import yaml

from tests.conftest import ROOT

WITHOUT_SLURM = "/usr/bin:/bin"  # its daemons are in sbin


def command(*words: str, path: str) -> subprocess.CompletedProcess[str]:
    # Without the variables of the make that may run these tests.
    variables = {name: value for name, value in os.environ.items() if not name.startswith(("MAKE", "MFLAGS", "ARGS"))}
    return subprocess.run(words, cwd=ROOT, env={**variables, "PATH": path}, capture_output=True, text=True)


def test_make_test_cluster_says_what_is_missing_and_fails() -> None:
    result = command("make", "-o", "environment", "test-cluster", path=WITHOUT_SLURM)
    assert result.returncode != 0 and not result.stdout
    sentence, _ = result.stderr.splitlines()
    assert sentence == (
        "no Slurm for the tests: slurmctld is missing; as root: apt-get install slurm-wlm munge (Debian, Ubuntu)"
    )


@pytest.fixture
def stubs(tmp_path: Path) -> Path:
    """Where `id` is of someone who is not root; make, apt-get and sudo leave a file with what they were asked."""
    bodies = {
        "id": "echo 1000",
        **{name: f'echo "$@" > {tmp_path}/{name}.asked' for name in ("make", "apt-get")},
        "sudo": f'[ "$2" = true ] && exit $(cat {tmp_path}/sudo.answer); echo "$@" > {tmp_path}/sudo.asked',
    }
    (tmp_path / "bin").mkdir()
    for name, body in bodies.items():
        (tmp_path / "bin" / name).write_text(f"#!/bin/sh\n{body}\n")
        (tmp_path / "bin" / name).chmod(0o755)
    return tmp_path


def asked(stubs: Path) -> set[str]:
    return {path.stem for path in stubs.glob("*.asked")}


def test_the_check_of_a_change_refuses_whoever_may_not_start_a_slurm(stubs: Path) -> None:
    (stubs / "sudo.answer").write_text("1")
    result = command("bash", ".ci/run", path=f"{stubs}/bin:{WITHOUT_SLURM}")
    assert result.returncode == 1
    assert result.stderr.startswith("error: .ci/run installs and starts Slurm: run it as root")
    assert not asked(stubs)


def test_the_check_of_a_change_becomes_root_where_it_may(stubs: Path) -> None:
    (stubs / "sudo.answer").write_text("0")
    result = command("bash", ".ci/run", path=f"{stubs}/bin:{WITHOUT_SLURM}")
    assert result.returncode == 0, result.stderr
    assert asked(stubs) == {"sudo"}
    assert (stubs / "sudo.asked").read_text().strip() == f"-nEH env PATH={stubs}/bin:{WITHOUT_SLURM} bash .ci/run"


def test_github_runs_what_every_change_must_pass() -> None:
    steps = yaml.safe_load((ROOT / ".github/workflows/ci.yml").read_text())["jobs"]["test"]["steps"]
    assert steps[-1] == {"run": ".ci/run"} and os.access(ROOT / ".ci/run", os.X_OK)


def test_what_the_image_is_built_of_is_there() -> None:
    kept = [line[1:] for line in (ROOT / "envs/Dockerfile.dockerignore").read_text().splitlines() if line[0] == "!"]
    copied = re.findall(r"^(?:COPY|RUN) (envs\S*)", (ROOT / "envs/Dockerfile").read_text(), flags=re.MULTILINE)
    assert copied == ["envs", "envs/create.sh"]
    assert [name for name in (*kept, *copied) if not (ROOT / name).exists()] == []
