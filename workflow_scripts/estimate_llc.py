"""Local learning coefficients of networks at some steps of training, in the whole space or within their masks.

input.data      table `data`
input.weights   one or more tables `weights`; a step's networks are those of all files that hold it
input.masks     tables `masks`, or none for dense networks; given any, every network needs its own mask in them
output.llc      table `llc`, a row per network and step; output.draws: table `llc_draws`, the chains behind it
params.spec     study, task, model, device, llc (settings), steps (of training)
"""

import pandas as pd
from snakemake.script import Snakemake

from workflow_scripts.ticketlab.core.job import logged
from workflow_scripts.ticketlab.instruments.llc import draw_rows, estimate, masks_of, measure
from workflow_scripts.ticketlab.settings.llc import LLCSettings
from workflow_scripts.ticketlab.tables import files
from workflow_scripts.ticketlab.tables.schemas.llc import LLC, LLC_DRAWS
from workflow_scripts.ticketlab.training import gather
from workflow_scripts.ticketlab.training.study import open_study

snakemake: Snakemake  # put here by Snakemake

with logged(snakemake) as provenance:
    spec = snakemake.params.spec
    study = open_study(spec, snakemake.input.data)
    settings = LLCSettings(**spec["llc"])
    known = gather.masks_by_member(snakemake.input.get("masks", []), study.device)
    estimates, draws = [], []
    for step in spec["steps"]:
        members, weights = gather.read_at(snakemake.input.weights, step, study.device)
        masks = masks_of(members, weights, known) if known else None
        traces = measure(study, members, weights, step, settings, masks)
        keys = pd.DataFrame([{"study": study.name, **member.keys(), "step": step} for member in members])
        estimates.append(pd.concat([keys, estimate(traces, settings)], axis=1))
        draws.append(draw_rows(traces, settings, keys))
    files.write(snakemake.output.llc, LLC, pd.concat(estimates), provenance)
    files.write(snakemake.output.draws, LLC_DRAWS, pd.concat(draws), provenance)
