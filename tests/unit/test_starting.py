"""Packages that a job does not load: torch takes two seconds of a job that only reads tables, scipy.stats another."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

from workflow_scripts.ticketlab.calibration.registry import CALIBRATIONS
from workflow_scripts.ticketlab.report.figures.registry import FIGURES

ROOT = Path(__file__).parents[2]
ONLY_TABLES = ("compare_roles", "judge", "read_clock", "report", "summarise", "summarise_noise", "summarise_resampling")
DRAWN = ("clock", "tickets", "roles", "transience", "llc")


def loaded(code: str) -> set[str]:
    """The modules that a fresh interpreter has after this code."""
    command = [sys.executable, "-c", f"{code}\nimport sys; print(*sys.modules)"]
    return set(subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout.split())


def imports(script: str) -> str:
    tree = ast.parse((ROOT / "workflow_scripts" / f"{script}.py").read_text(encoding="utf-8"))
    return "\n".join(ast.unparse(line) for line in tree.body if isinstance(line, ast.Import | ast.ImportFrom))


@pytest.mark.parametrize("script", ONLY_TABLES)
def test_a_script_that_only_reads_tables_starts_without_torch_and_scipys_distributions(script):
    modules = loaded(imports(script))
    assert "pandas" in modules and not modules & {"torch", "scipy.stats"}


@pytest.mark.parametrize("figure", DRAWN)
def test_a_figure_is_drawn_without_torch_and_scipys_distributions(figure):
    modules = loaded(f"{imports('draw')}\nimport {FIGURES[figure]}")
    assert "matplotlib" in modules and not modules & {"torch", "scipy.stats"}


def test_statistics_are_calibrated_without_torch():
    assert "torch" not in loaded(f"{imports('calibrate')}\nimport {CALIBRATIONS['statistics']}")


def test_the_sampler_does_not_load_the_compiler():
    modules = loaded("""
import torch
from workflow_scripts.ticketlab.instruments.llc import sample
from workflow_scripts.ticketlab.settings.llc import LLCSettings

settings = LLCSettings(chains=2, draws=16, burn_in=1, nbeta=10.0, learning_rate=1e-3, localization=1.0)
sample(lambda weights, _: weights["w"].square().sum(1), {"w": torch.zeros(1, 3)}, lambda step: None, settings, [0])
""")
    assert "torch._functorch" in modules and "torch._dynamo" not in modules


def test_snakemake_starts_without_the_judgements_that_a_runs_end_tells():
    assert "scipy" not in loaded("import workflow_scripts.tools.outcome")
