"""The instructions of all computations: fixed before anything is loaded, in every process, or said why not."""

import json
import os
import platform
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from workflow_scripts import numerics
from workflow_scripts.ticketlab.core.numerics_mode import mode

ROOT = Path(__file__).parents[2]
AVX2_HERE = not numerics.doubt()
HOSTILE = {
    "ATEN_CPU_CAPABILITY": "default",
    "MKL_CBWR": "COMPATIBLE",
    "MKL_ENABLE_INSTRUCTIONS": "SSE4_2",
    "ONEDNN_MAX_CPU_ISA": "SSE41",
    "OPENBLAS_CORETYPE": "Prescott",
    "NPY_ENABLE_CPU_FEATURES": "X86_V3",
}
# Digests of products at odd shapes, softmax, gelu and NumPy's functions.
DIGEST = """
import hashlib, numpy as np, torch
from torch.nn import functional as F
torch.set_num_threads(1)
r = np.random.default_rng(0)
a, b = r.standard_normal((3, 60, 50), dtype=np.float32), r.standard_normal((3, 50, 10), dtype=np.float32)
x, y = torch.from_numpy(a), torch.from_numpy(b)
found = [torch.bmm(x, y), x[0] @ y[0], F.gelu(x), x.softmax(-1), a[0] @ b[0], np.exp(a.astype(float)), np.log(a**2)]
print(hashlib.sha256(b"".join(np.ascontiguousarray(v).tobytes() for v in found)).hexdigest())
"""


@pytest.fixture
def environment(monkeypatch):
    """An environment of its own for `fix` to change."""
    mine = dict(os.environ)
    monkeypatch.setattr(os, "environ", mine)
    return mine


def run(code, mode, **environment):
    """What a fresh interpreter prints that fixes `mode` and then starts another with this code."""
    inner = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {code!r}], check=True)"
    command = [sys.executable, "-c", f"from workflow_scripts import numerics; numerics.fix({mode!r}); {inner}"]
    clean = {name: value for name, value in os.environ.items() if name not in {*numerics.AVX2, numerics.MODE}}
    done = subprocess.run(command, cwd=ROOT, env=clean | environment, capture_output=True, text=True, check=True)
    return done.stdout.strip()


@pytest.mark.skipif(not AVX2_HERE, reason="needs AVX2")
def test_these_tests_run_on_avx2():
    assert torch.backends.cpu.get_cpu_capability() == "AVX2"
    from numpy._core._multiarray_umath import __cpu_features__ as features

    assert features["X86_V3"] and not features["X86_V4"]


def test_every_kernel_that_numpy_has_beyond_avx2_is_disabled():
    """A newer NumPy may name them otherwise, and leaves alone what it does not know."""
    from numpy._core._multiarray_umath import __cpu_dispatch__ as dispatched

    assert set(dispatched) - {"X86_V3"} == set(numerics.AVX2["NPY_DISABLE_CPU_FEATURES"].split())


@pytest.mark.skipif(not AVX2_HERE, reason="needs AVX2")
@pytest.mark.parametrize("mode", ["portable", "compatible"])
def test_an_environment_that_asks_for_other_instructions_is_overruled(mode):
    assert run(DIGEST, mode) == run(DIGEST, mode, **HOSTILE)


@pytest.mark.skipif(not AVX2_HERE, reason="needs AVX2")
def test_that_environment_would_have_changed_numbers():
    """So the test above can fail."""
    assert run(DIGEST, "native", **HOSTILE) != run(DIGEST, "portable")


def test_native_leaves_a_sites_own_choice_alone_and_takes_back_ours(environment):
    for name in numerics.AVX2:
        environment.pop(name, None)
    environment["ATEN_CPU_CAPABILITY"] = "default"
    numerics.fix("native")
    assert environment["ATEN_CPU_CAPABILITY"] == "default" and "MKL_CBWR" not in environment
    numerics.fix("compatible")
    numerics.fix("native")
    assert not environment.keys() & numerics.AVX2.keys() and mode() == "native"


@pytest.mark.skipif(not AVX2_HERE, reason="needs AVX2")
def test_the_modes_differ_in_mkls_kernels_only(environment):
    numerics.fix("portable")
    portable = {name: environment[name] for name in numerics.AVX2}
    numerics.fix("compatible")
    changed = {name for name in numerics.AVX2 if environment[name] != portable[name]}
    assert changed == {"MKL_CBWR"} and mode() == "compatible"


CPUINFO = "processor\t: 0\nvendor_id\t: {maker}\nflags\t\t: fpu sse2 {flags}\n\nprocessor\t: 1\nflags\t\t: none\n"


@pytest.mark.parametrize(
    ("machine", "flags", "sentence"),
    [
        ("x86_64", "avx avx2 fma", ""),
        ("AMD64", "avx avx2 fma avx512f", ""),
        ("x86_64", "avx", "lacks AVX2"),
        ("x86_64", "avx2", "lacks AVX2"),
        ("aarch64", "", "is aarch64"),
        ("arm64", "", "is arm64"),
    ],
)
def test_a_processor_whose_numbers_may_differ_is_told_and_left_alone(
    machine, flags, sentence, tmp_path, monkeypatch, environment
):
    monkeypatch.setattr(platform, "machine", lambda: machine)
    monkeypatch.setattr(numerics, "CPUINFO", tmp_path / "cpuinfo")
    (tmp_path / "cpuinfo").write_text(CPUINFO.format(maker="AuthenticAMD", flags=flags))
    assert sentence in numerics.doubt() and bool(sentence) == bool(numerics.doubt())
    assert numerics.maker() == "AMD"
    numerics.fix("portable")
    # AVX2 kernels on a processor without them end the process.
    assert ("ATEN_CPU_CAPABILITY" in environment) == (not sentence)
    assert mode() == ("native" if sentence else "portable")


@pytest.mark.parametrize("module", ["benchmarks", "workflow_scripts.tools"])
def test_what_computes_beside_the_jobs_fixes_its_numerics(module):
    code = f"import json, os, {module}; print(json.dumps(dict(os.environ)))"
    clean = {name: value for name, value in os.environ.items() if name not in {*numerics.AVX2, numerics.MODE}}
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, env=clean, capture_output=True, text=True, check=True)
    expected = numerics.AVX2 if AVX2_HERE else {}
    assert expected.items() <= json.loads(done.stdout).items()
