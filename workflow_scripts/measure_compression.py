"""How few weights, and how few bits, a study's dense networks can do with at the steps at which λ̂ is estimated.

input.data, input.weights   tables `data` and `weights`, of all blocks
input.llc                   tables `llc` of the dense networks
output.compression          table `compression`, a row per network and step
params.spec                 study, task, model, device, compression (settings), steps (of training)
"""

import pandas as pd
from snakemake.script import Snakemake

from workflow_scripts.ticketlab.core.job import logged
from workflow_scripts.ticketlab.experiments.compression.measure import compression
from workflow_scripts.ticketlab.settings.compression import CompressionSettings
from workflow_scripts.ticketlab.tables import files
from workflow_scripts.ticketlab.tables.schemas.compression import COMPRESSION
from workflow_scripts.ticketlab.tables.schemas.llc import LLC
from workflow_scripts.ticketlab.tables.schemas.table import KEYS
from workflow_scripts.ticketlab.training import gather
from workflow_scripts.ticketlab.training.study import open_study

snakemake: Snakemake  # put here by Snakemake

with logged(snakemake) as provenance:
    spec = snakemake.params.spec
    study = open_study(spec, snakemake.input.data)
    settings = CompressionSettings(**spec["compression"])
    parts = []
    for step in spec["steps"]:
        members, weights = gather.read(snakemake.input.weights, step, study.device)
        keys = pd.DataFrame([{"study": study.name, **member.keys(), "step": step} for member in members])
        parts.append(keys.assign(rise=settings.rise, **compression(study, weights, settings)))
    estimates = files.read_many(snakemake.input.llc, LLC)[[*KEYS, "llc", "flag"]]
    frame = pd.concat(parts).merge(estimates, on=list(KEYS), validate="one_to_one")
    files.write(snakemake.output.compression, COMPRESSION, frame[list(COMPRESSION.columns)], provenance)
