"""The CPU instructions of torch, MKL, oneDNN and NumPy, fixed before they are loaded, for equal numbers everywhere.

A library that finds AVX-512 sums in another order than one that finds AVX2, and hundreds of training steps can turn a
difference in the last bit into another verdict. Each library reads its own environment variable when it is loaded, so
the process that starts the others makes the choice: the Snakefile, the tests, the benchmark, the tools.

- `portable`: AVX2 everywhere. Processors of one maker (AMD; Intel) then agree, as far as was tried.
  For products with a side below 12, MKL still picks different kernels for the two makers.
- `compatible`: the same with MKL's kernels for any maker, which are SSE2: equal bits on both, at 0.6 to 0.8 of the
  speed of training (docs/operations.md has the measurements).
- `native`: all instructions of the processor.

This module imports nothing that computes.
"""

import os
import platform
from collections.abc import Iterable
from pathlib import Path

from workflow_scripts.ticketlab.core.numerics_mode import MODE

AVX2 = {
    "ATEN_CPU_CAPABILITY": "avx2",
    # STRICT: sums do not depend on where in memory a matrix begins, so not on a network's place in its stack.
    "MKL_CBWR": "AVX2,STRICT",
    "MKL_ENABLE_INSTRUCTIONS": "AVX2",
    "ONEDNN_MAX_CPU_ISA": "AVX2",
    "OPENBLAS_CORETYPE": "Haswell",
    # All instruction sets beyond AVX2 for which NumPy 2.4 has kernels; its exp, log and tanh differ between them.
    "NPY_DISABLE_CPU_FEATURES": "X86_V4 AVX512_ICL AVX512_SPR",
}
MODES: dict[str, dict[str, str]] = {
    "portable": AVX2,
    "compatible": AVX2 | {"MKL_CBWR": "COMPATIBLE"},
    "native": {},
}
EXCLUDED = ("NPY_ENABLE_CPU_FEATURES",)  # NumPy refuses it together with NPY_DISABLE_CPU_FEATURES
NEEDED = {"avx2", "fma"}
CPUINFO = Path("/proc/cpuinfo")


def fix(mode: str) -> None:
    """Set this process' environment, which the processes that it starts inherit, to `mode`.

    It first undoes what `portable` or `compatible` fixed before. Both override a site's own values of these variables;
    `native` keeps them. A processor without AVX2 (see `doubt`) is treated as under `native`, since the libraries would
    crash.
    """
    wanted = MODES[mode] if not doubt() else {}
    for name, value in (item for settings in MODES.values() for item in settings.items()):
        if os.environ.get(name) == value:
            del os.environ[name]
    if wanted:
        for name in EXCLUDED:
            os.environ.pop(name, None)
    os.environ.update(wanted)
    os.environ[MODE] = mode if wanted else "native"


def doubt() -> str:
    """The reason why numbers may differ from those of other machines, in a sentence; empty on x86-64 with AVX2."""
    if platform.machine() not in ("x86_64", "AMD64"):
        return f"This machine is {platform.machine()}: numbers may differ in their last digits from those of x86-64."
    flags = features()
    if flags and not flags >= NEEDED:
        return "This processor lacks AVX2: numbers may differ in their last digits from those of other processors."
    return ""


def features() -> set[str]:
    """The processor's instruction sets by their names in Linux; empty where it does not list them."""
    return set(_field("flags").split())


def maker() -> str:
    """AMD, Intel or another name: processors of one maker give the same numbers under `portable`."""
    known = {"AuthenticAMD": "AMD", "GenuineIntel": "Intel"}
    return known.get(_field("vendor_id"), _field("vendor_id") or platform.machine())


def _field(name: str) -> str:
    """The first processor's value of a line of /proc/cpuinfo; empty where there is none."""
    try:
        lines: Iterable[str] = CPUINFO.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return ""
    return next((line.partition(":")[2].strip() for line in lines if line.partition(":")[0].strip() == name), "")
