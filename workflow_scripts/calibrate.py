"""Compare an instrument with its ground truth: the wildcard names it, calibration/registry.py its module.

output[0]           table `calibration`
params.spec         the instrument's section of `calibration` in the config, for the module's Settings
"""

import sys

from snakemake.script import Snakemake

from workflow_scripts.ticketlab.calibration import registry
from workflow_scripts.ticketlab.core.job import logged
from workflow_scripts.ticketlab.tables import files
from workflow_scripts.ticketlab.tables.schemas.calibration import CALIBRATION

snakemake: Snakemake  # put here by Snakemake

with logged(snakemake) as provenance:
    module = registry.module(snakemake.wildcards.instrument)
    if "torch" in sys.modules:  # the calibration of statistics needs none, and loading it takes two seconds
        sys.modules["torch"].set_num_threads(1)
    frame = module.calibrate(module.Settings(**snakemake.params.spec))
    files.write(snakemake.output[0], CALIBRATION, frame, provenance)
    print(frame.to_string())
