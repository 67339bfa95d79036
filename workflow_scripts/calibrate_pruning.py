"""Calibrate the pruning procedure: planted supports, the classic result on digits, and a study without tickets."""

import torch
from snakemake.script import Snakemake

from workflow_scripts.ticketlab import (
    calibrating_pruning,
    tables,
)
from workflow_scripts.ticketlab.contracts.calibration import CALIBRATION
from workflow_scripts.ticketlab.jobs import logged
from workflow_scripts.ticketlab.settings.calibration_pruning import PruningCalibrationSettings

snakemake: Snakemake  # put here by Snakemake

with logged(snakemake) as provenance:
    torch.set_num_threads(1)
    settings = PruningCalibrationSettings(**snakemake.params.spec)
    tables.write(snakemake.output[0], CALIBRATION, calibrating_pruning.calibrate(settings), provenance)
