"""A Slurm of one node for the tests marked cluster, started once and stopped at the end."""

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.operations.cluster import Cluster

SLURM = Path(__file__).parent / "slurm"


@pytest.fixture(scope="session")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    """Skips where Slurm cannot be started; fails there if REQUIRE_CLUSTER is set (.ci/run)."""
    folder = tmp_path_factory.mktemp("slurm")
    with (folder / "start.log").open("w") as log:  # the daemons keep what they are given
        started = subprocess.run([SLURM / "start.sh", folder], stdout=log, stderr=log)
    if started.returncode:
        why = (folder / "start.log").read_text().strip()
        (pytest.fail if os.environ.get("REQUIRE_CLUSTER") else pytest.skip)(why)
    yield Cluster()
    subprocess.run([SLURM / "stop.sh", folder], stdin=subprocess.DEVNULL)
