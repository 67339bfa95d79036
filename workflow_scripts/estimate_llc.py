"""Local learning coefficients of networks at some steps of training, in the whole space or within their masks.

input.data      table `data`
input.weights   one or more tables `weights`; a step's networks are those of all files that hold it
input.masks     tables `masks`, or none for dense networks; given any, every network needs its own mask in them
output.llc      table `llc`, a row per network and step; output.draws: table `llc_draws`, the chains behind it
output.scales   table `llc_scales`: the same at the settings' own nβ, and at the last step at `scales` too
params.spec     study, task, model, device, llc (settings), steps (of training), scales, last_step
"""

import pandas as pd
from snakemake.script import Snakemake

from workflow_scripts.ticketlab.core.job import logged
from workflow_scripts.ticketlab.instruments.llc import draw_rows, estimate, masks_of, measure
from workflow_scripts.ticketlab.instruments.llc_controls import at_scale, beside, checked
from workflow_scripts.ticketlab.settings.llc import LLCSettings
from workflow_scripts.ticketlab.tables import files
from workflow_scripts.ticketlab.tables.schemas.llc import LLC, LLC_DRAWS, LLC_SCALES
from workflow_scripts.ticketlab.training import gather
from workflow_scripts.ticketlab.training.study import open_study

snakemake: Snakemake  # put here by Snakemake

with logged(snakemake) as provenance:
    spec = snakemake.params.spec
    study = open_study(spec, snakemake.input.data)
    settings = LLCSettings(**spec["llc"])
    known = gather.masks_by_member(snakemake.input.get("masks", []), study.device)
    estimates, draws, scales = [], [], []
    for step in spec["steps"]:
        members, weights = gather.read_at(snakemake.input.weights, step, study.device)
        masks = masks_of(members, weights, known) if known else None
        keys = pd.DataFrame([{"study": study.name, **member.keys(), "step": step} for member in members])
        controls = beside(study, members, weights, step, settings, masks)
        for nbeta in sorted({settings.nbeta, *(spec["scales"] if step == spec["last_step"] else [])}):
            chosen = settings if nbeta == settings.nbeta else at_scale(settings, nbeta)
            traces = measure(study, members, weights, step, chosen, masks)
            rows = pd.concat([keys, checked(estimate(traces, chosen), controls, chosen)], axis=1)
            scales.append(rows[list(LLC_SCALES.columns)])
            if chosen is settings:
                estimates.append(rows)
                draws.append(draw_rows(traces, settings, keys))
    files.write(snakemake.output.llc, LLC, pd.concat(estimates), provenance)
    files.write(snakemake.output.draws, LLC_DRAWS, pd.concat(draws), provenance)
    files.write(snakemake.output.scales, LLC_SCALES, pd.concat(scales), provenance)
