"""The LLC sampler held against models of known learning coefficient, and against devinterp's own estimator.

output[0]           table `calibration`
params.spec         the settings of settings/calibration_llc.py
"""

import torch
from snakemake.script import Snakemake

from workflow_scripts.ticketlab import calibrating_llc, tables
from workflow_scripts.ticketlab.contracts.calibration import CALIBRATION
from workflow_scripts.ticketlab.jobs import logged
from workflow_scripts.ticketlab.settings.calibration_llc import LLCCalibrationSettings

snakemake: Snakemake  # put here by Snakemake

torch.set_num_threads(1)
with logged(snakemake) as provenance:
    settings = LLCCalibrationSettings(**snakemake.params.spec)
    frame = calibrating_llc.calibrate(settings)
    tables.write(snakemake.output[0], CALIBRATION, frame, provenance)
    print(frame.drop(columns=["instrument", "widths", "rank"]).to_string())
