"""Calibrate intervals and tests by simulation, at the studies' numbers of seeds and comparisons."""

from snakemake.script import Snakemake

from workflow_scripts.ticketlab import (
    calibrating_statistics,
    tables,
)
from workflow_scripts.ticketlab.contracts.calibration import CALIBRATION
from workflow_scripts.ticketlab.jobs import logged
from workflow_scripts.ticketlab.settings.calibration_statistics import StatisticsCalibrationSettings

snakemake: Snakemake  # put here by Snakemake

with logged(snakemake) as provenance:
    settings = StatisticsCalibrationSettings(**snakemake.params.spec)
    tables.write(snakemake.output[0], CALIBRATION, calibrating_statistics.calibrate(settings), provenance)
