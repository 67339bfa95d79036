"""envs/requirements.lock and envs/environment.yaml, resolved from envs/requirements.in for every Python from 3.11 on.

    python -m workflow_scripts.tools.lock

uv resolves for all Pythons and machines at once. It keeps the versions of the present lock where requirements.in allows
them, since a change of one makes results stale. The lock has three parts, which set-up (envs/install.py) and the lock's
digest (preflight/digest.py) tell apart: what jobs need, what the tests and their tools add, what a CUDA build of torch
adds.
"""

import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from workflow_scripts.preflight.digest import TOOLS

ENVS = Path("envs")
CUDA = "# What a CUDA build of torch needs"  # as in envs/install.py
OF_CUDA = re.compile(r"(nvidia|cuda)-|triton==")
FOREIGN = re.compile(r".* sys_platform == '(win32|emscripten)'")  # where ticketlab does not run
HEADER = """\
# Every package of the environment, exact, for Python 3.11 to 3.14; made from requirements.in by `make lock`.
# envs/create.sh installs it. torch alone has no hashes: the indexes that serve it (PyPI: CUDA; PyTorch's: CPU,
# ROCm) have files of their own under one version. The hashes of all others are PyPI's.
"""
CONDA = """\
# The environment for `--sdm conda`: the pins of requirements.lock that jobs need; made by `make lock`, not by hand.
channels:
  - conda-forge
  - nodefaults
dependencies:
  - python=3.11
  - pip
  - pip:
"""


def resolved(uv: list[str], requirements: str, present: str) -> dict[str, str]:
    """Pins (name, version, marker) to their lines in the lock: the pin and the hashes of its files."""
    with tempfile.TemporaryDirectory() as folder:
        source, target = Path(folder, "requirements.in"), Path(folder, "requirements.lock")
        source.write_text(requirements, encoding="utf-8")
        target.write_text(present, encoding="utf-8")  # uv prefers the versions that it finds in its output
        options = ("--universal", "--generate-hashes", "--no-header", "--no-annotate", "--python-version", "3.11")
        subprocess.run([*uv, "pip", "compile", "--quiet", *options, source, "--output-file", target], check=True)
        blocks = re.split(r"\n(?=\S)", target.read_text(encoding="utf-8").strip())
    pins = {block.partition("\n")[0].rstrip(" \\"): block for block in blocks}
    return {pin: block for pin, block in pins.items() if not FOREIGN.fullmatch(pin)}


def locked(of_jobs: dict[str, str], everything: dict[str, str]) -> str:
    """The lock file's content."""
    blocks = {pin: pin if pin.startswith("torch==") else block for pin, block in everything.items()}
    cuda = [block for pin, block in blocks.items() if OF_CUDA.match(pin)]
    jobs = [block for pin, block in blocks.items() if pin in of_jobs and block not in cuda]
    tools = [block for pin, block in blocks.items() if pin not in of_jobs and block not in cuda]
    parts = (
        [HEADER.rstrip(), *jobs],
        [f"{TOOLS}: results do not depend on what stands from this line on.", *tools],
        [f"{CUDA}, and only it: set-up installs these where torch asks for them.", *cuda],
    )
    return "\n\n".join("\n".join(part) for part in parts) + "\n"


def main() -> None:
    """Write both files."""
    requirements = (ENVS / "requirements.in").read_text(encoding="utf-8")
    lock = ENVS / "requirements.lock"
    present = lock.read_text(encoding="utf-8") if lock.exists() else ""
    with tempfile.TemporaryDirectory() as folder:
        uv = ["uv"]
        if not shutil.which("uv"):
            subprocess.run([sys.executable, "-m", "venv", folder], check=True)
            subprocess.run([f"{folder}/bin/python", "-m", "pip", "install", "--quiet", "uv"], check=True)
            uv = [f"{folder}/bin/uv"]
        of_jobs = resolved(uv, requirements.partition(TOOLS)[0], present)
        everything = resolved(uv, requirements, present)
    lock.write_text(locked(of_jobs, everything), encoding="utf-8")
    pins = "".join(f"      - {pin}\n" for pin in of_jobs if not OF_CUDA.match(pin))
    (ENVS / "environment.yaml").write_text(CONDA + pins, encoding="utf-8")


if __name__ == "__main__":
    main()
