"""A figure of each instrument's calibration, as PNG and SVG."""

from pathlib import Path

from snakemake.script import Snakemake

from workflow_scripts.ticketlab import (
    plotting,
    plotting_calibration_llc,
    plotting_calibration_pruning,
    plotting_calibration_roles,
    plotting_calibration_statistics,
    plotting_calibration_structure,
    tables,
)
from workflow_scripts.ticketlab.contracts.calibration import CALIBRATION
from workflow_scripts.ticketlab.jobs import logged

snakemake: Snakemake  # put here by Snakemake

FIGURES = {
    "llc": plotting_calibration_llc.figure,
    "roles": plotting_calibration_roles.figure,
    "pruning": plotting_calibration_pruning.figure,
    "structure": plotting_calibration_structure.figure,
    "statistics": plotting_calibration_statistics.figure,
}

with logged(snakemake):
    checks = tables.read_many(snakemake.input.calibration, CALIBRATION)
    for instrument, draw in FIGURES.items():
        name = f"calibration_{instrument}"
        paths = [path for path in snakemake.output.figures if Path(path).stem == name]
        plotting.save(draw(checks[checks["instrument"] == instrument].reset_index(drop=True)), paths)
