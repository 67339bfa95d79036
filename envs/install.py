"""Fill .venv with the packages of requirements.lock; envs/create.sh runs this with the Python of a bare .venv.

    .venv/bin/python -I envs/install.py

`uv` installs if it is on the path, pip otherwise. Nothing is resolved: each package is installed at its version and one
of its hashes, and nothing else. If something is missing then, torch is a CUDA build: the last part of the lock has what
it asks for. Of a site's settings of pip and uv, only those that say where and how to download count; others (`user`,
`target`, a constraint) would put the packages elsewhere or other ones there. Only the standard library is at hand here.
"""

import ast
import importlib
import os
import re
import shutil
import subprocess
import sys
import time
from collections import deque
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from importlib import metadata
from pathlib import Path
from typing import NoReturn

LOCK = Path(__file__).with_name("requirements.lock")
LOG = Path(sys.prefix, "set-up.log")
CUDA = "# What a CUDA build of torch needs"  # as in workflow_scripts/tools/lock.py
PIP = ("-m", "pip", "--disable-pip-version-check")

# pip's settings that count, each with uv's variable of that meaning: uv reads no setting of pip.
OF_SITE = {
    "index-url": "UV_DEFAULT_INDEX",
    "extra-index-url": "UV_EXTRA_INDEX_URL",
    "find-links": "UV_FIND_LINKS",
    "cert": "SSL_CERT_FILE",
    "proxy": "ALL_PROXY",
    **dict.fromkeys(("no-index", "client-cert", "trusted-host", "timeout", "default-timeout", "retries", "cache-dir")),
}
OF_UV = re.compile(r"UV_(\w*INDEX\w*|FIND_LINKS|OFFLINE|NATIVE_TLS|SYSTEM_CERTS|INSECURE_HOST|\w*CACHE\w*|HTTP_\w+)")
# What jobs and Snakemake import: compiled at set-up, since a user of .venv may not be able to write into it. Each group
# has a process of its own.
IMPORTED = (
    ("torch.fx.experimental.symbolic_shapes", "torch.func", "devinterp.slt.llc"),
    ("arviz_stats.base", "sklearn.linear_model", "pandas", "pyarrow.parquet", "matplotlib.pyplot", "snakemake.cli"),
)
SHOWN = 15  # last lines of the log that an error repeats


def settings_of_pip() -> dict[str, str]:
    """The settings in OF_SITE that pip finds in its files and variables; several values are apart by spaces."""
    base = getattr(sys, "_base_executable", sys.executable)
    listed = subprocess.run([base, *PIP, "config", "list"], capture_output=True, text=True).stdout
    found = {}
    for section in ("global", "install", ":env:"):  # the last has the last word, as with pip
        for name, value in re.findall(rf"^{section}\.([a-z-]+)=(.+)$", listed, re.MULTILINE):
            if name in OF_SITE:
                found[name] = " ".join(ast.literal_eval(value).split())
    return found


def variables() -> dict[str, str]:
    """This process's variables, with no setting of pip and uv but those about downloads."""
    own = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("PIP_", "UV_", "PYTHON")) or OF_UV.fullmatch(name)
    }
    site = settings_of_pip()
    pip = {f"PIP_{name.upper().replace('-', '_')}": value for name, value in site.items()}
    uv = {OF_SITE[name] or "": value for name, value in site.items()}
    uv["UV_FIND_LINKS"] = uv.get("UV_FIND_LINKS", "").replace(" ", ",")
    # As pip: the best file of all indexes, not of the first that knows a name.
    uv["UV_INDEX_STRATEGY"] = "unsafe-best-match"
    return {name: value for name, value in uv.items() if name and value} | own | pip | {"PIP_CONFIG_FILE": os.devnull}


def blocks(text: str) -> list[str]:
    """Each package of a lock file's text: its pin and its hashes."""
    lines = "\n".join(line for line in text.splitlines() if not line.startswith("#"))
    return [block.strip() for block in re.split(r"\n(?=\S)", lines) if block.strip()]


def missing() -> set[str]:
    """The packages that installed ones ask for and that are not there."""
    importlib.invalidate_caches()
    requirement = importlib.import_module("packaging.requirements").Requirement
    there = list(metadata.distributions())
    asked = [requirement(line) for distribution in there for line in distribution.requires or ()]
    needed = {plain(one.name) for one in asked if one.marker is None or one.marker.evaluate({"extra": ""})}
    return needed - {plain(distribution.metadata["Name"]) for distribution in there}


def plain(name: str) -> str:
    """A package's name as indexes compare it."""
    return re.sub(r"[-_.]+", "-", name).lower()


def tell(text: str, end: str = "\n") -> None:
    """Write a line over the present one; without a terminal only lines that stay are written."""
    if sys.stdout.isatty():
        print(f"\r\033[K  {text}", end=end, flush=True)
    elif end:
        print(f"  {text}", flush=True)


class Installer:
    """uv or pip, whose output goes to LOG."""

    def __init__(self) -> None:
        uv = shutil.which("uv")
        self.name = "uv" if uv else "pip"
        self.command = [uv, "pip", "install", "--python", sys.executable] if uv else [sys.executable, *PIP, "install"]
        # Half of pip's time would go into compiling modules that nothing imports; uv compiles none.
        self.further = [] if uv else ["--no-compile"]
        self.variables = variables()

    def install(self, wanted: list[str]) -> None:
        """Install these packages and no others."""
        self.wanted, self.found = len(wanted), 0
        # pip refuses a file in which only some packages have hashes. torch has none, and takes as long as all others.
        parts = [[one for one in wanted if ("--hash" in one) == hashed] for hashed in (True, False)]
        with ThreadPoolExecutor() as pool:
            list(pool.map(self._run, filter(None, parts)))

    def _run(self, wanted: list[str]) -> None:
        file = LOG.with_name("with-hashes.txt" if "--hash" in wanted[0] else "without-hashes.txt")
        file.write_text("\n".join(wanted) + "\n", encoding="utf-8")
        process = subprocess.Popen(
            [*self.command, "--no-deps", *self.further, "--requirement", file],
            env=self.variables,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            encoding="utf-8",
            errors="replace",
        )
        assert process.stdout
        last: deque[str] = deque(maxlen=SHOWN)
        with LOG.open("a", encoding="utf-8", buffering=1) as log:  # of lines, since two may write
            for line in process.stdout:
                log.write(line)
                last.append(line)
                if line.startswith("Collecting "):
                    self.found += 1
                    tell(f"{self.found} of {self.wanted} packages", end="")
                elif line.startswith("Installing "):
                    tell("unpacking", end="")
        file.unlink()
        if process.wait():
            self.fail(f"{self.name} could not set up .venv", last)

    def fail(self, fault: str, last: Iterable[str] = ()) -> NoReturn:
        """End the process: the last lines that were said, then the fault."""
        sys.exit(f"{''.join(last)}error: {fault}; all that {self.name} said is in {LOG}")


def main() -> None:
    """Install the lock's packages; those of its CUDA part only if the others ask for some of them."""
    began = time.monotonic()
    always, of_cuda = (blocks(part) for part in LOCK.read_text(encoding="utf-8").partition(CUDA)[::2])
    installer = Installer()
    tell(f"{len(always)} packages, by {installer.name}, whose log is {LOG}")
    installer.install(always)
    if always and missing() & {plain(block.partition("==")[0]) for block in of_cuda}:
        tell("torch is a CUDA build here: its libraries too (GBs)")
        installer.install(of_cuda)
    if always and missing():
        installer.fail(f"the lock lacks {', '.join(sorted(missing()))}")
    if always:
        tell("compiling", end="")
        imports = [[sys.executable, "-I", "-c", f"import {', '.join(group)}"] for group in IMPORTED]
        compiling = [subprocess.Popen(command, stderr=subprocess.DEVNULL) for command in imports]
        for process in compiling:
            process.wait()
    tell(f"done in {time.monotonic() - began:.0f} s")


if __name__ == "__main__":
    main()
