"""Compare the role scores and their agreement with known answers."""

import torch
from snakemake.script import Snakemake

from workflow_scripts.ticketlab import calibrating_roles, tables
from workflow_scripts.ticketlab.contracts.calibration import CALIBRATION
from workflow_scripts.ticketlab.jobs import logged
from workflow_scripts.ticketlab.settings.calibration_roles import RolesCalibrationSettings

snakemake: Snakemake  # put here by Snakemake

with logged(snakemake) as provenance:
    torch.set_num_threads(1)
    settings = RolesCalibrationSettings(**snakemake.params.spec)
    tables.write(snakemake.output[0], CALIBRATION, calibrating_roles.calibrate(settings), provenance)
