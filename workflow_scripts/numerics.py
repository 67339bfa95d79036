"""Which instructions torch, MKL, oneDNN and NumPy compute with, fixed before they are loaded: equal numbers everywhere.

A library that finds AVX-512 sums in another order than one that finds AVX2, and a network that trains for hundreds of
steps turns a last bit into another verdict. Each library reads its own environment variable when it is loaded, so the
choice is made in the process that starts the others: the Snakefile, the tests, the benchmark, the tools.

- `portable`: AVX2 everywhere. Processors of one maker (AMD; Intel) then give the same bits, with AVX-512 or without it.
  Between the two makers MKL still picks other kernels for products with a side below 12.
- `compatible`: the same with MKL's kernels for any maker, which are SSE2: equal bits on both, at 0.6 to 0.85 of the
  speed of training (docs/operations.md has the measurements).
- `native`: whatever the processor has.

This module imports nothing that computes, and nothing of the project.
"""

import os
import platform
from collections.abc import Iterable
from pathlib import Path

MODE = "TICKETLAB_NUMERICS"  # the mode that a process was started with, for the processes that it starts

AVX2 = {
    "ATEN_CPU_CAPABILITY": "avx2",
    # STRICT: sums do not depend on where in memory a matrix begins, so not on a network's place in its stack.
    "MKL_CBWR": "AVX2,STRICT",
    "MKL_ENABLE_INSTRUCTIONS": "AVX2",
    "ONEDNN_MAX_CPU_ISA": "AVX2",
    "OPENBLAS_CORETYPE": "Haswell",
    # All that NumPy 2.4 has kernels for beyond AVX2; its exp, log and tanh differ between them.
    "NPY_DISABLE_CPU_FEATURES": "X86_V4 AVX512_ICL AVX512_SPR",
}
MODES: dict[str, dict[str, str]] = {
    "portable": AVX2,
    "compatible": AVX2 | {"MKL_CBWR": "COMPATIBLE"},
    "native": {},
}
EXCLUDED = ("NPY_ENABLE_CPU_FEATURES",)  # NumPy refuses it beside NPY_DISABLE_CPU_FEATURES
NEEDED = {"avx2", "fma"}
CPUINFO = Path("/proc/cpuinfo")


def fix(mode: str) -> None:
    """Set this process' environment, which the processes that it starts inherit, to `mode`.

    What `portable` or `compatible` fixed before is taken back; a site's other values of these variables are overruled
    by both and left to `native`. A processor without AVX2 (see `doubt`) is left as `native` leaves it, since the
    libraries would crash.
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


def mode() -> str:
    """The mode that this process was started with; `native` if nothing was fixed."""
    return os.environ.get(MODE, "native")


def doubt() -> str:
    """Why numbers may differ from those of other machines, in a sentence; empty on x86-64 with AVX2."""
    if platform.machine() not in ("x86_64", "AMD64"):
        return f"This machine is {platform.machine()}: numbers may differ in their last digits from those of x86-64."
    flags = features()
    if flags and not flags >= NEEDED:
        return "This processor lacks AVX2: numbers may differ in their last digits from those of other processors."
    return ""


def features() -> set[str]:
    """The processor's instruction sets as Linux names them; empty where it does not say."""
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
