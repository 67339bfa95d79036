"""Local learning coefficients of networks at some steps of training, in the whole space or within their masks.

input.data      table `data`
input.weights   one or more tables `weights`; a step's networks are those of all files that hold it
input.masks     tables `masks`, or none for dense networks; given any, every network needs its own mask in them
output.llc      table `llc`, a row per network and step; output.draws: table `llc_draws`, the chains behind it
params.spec     study, task, model, device, llc (settings), steps (of training)
"""

import pandas as pd
from snakemake.script import Snakemake

from workflow_scripts.ticketlab.core.errors import TicketlabError
from workflow_scripts.ticketlab.core.job import logged
from workflow_scripts.ticketlab.instruments.llc import draw_rows, estimate, masks_of, measure
from workflow_scripts.ticketlab.settings.llc import LLCSettings
from workflow_scripts.ticketlab.tables import files, stacks
from workflow_scripts.ticketlab.tables.schemas.llc import LLC, LLC_DRAWS
from workflow_scripts.ticketlab.tables.schemas.networks import MASKS, WEIGHTS
from workflow_scripts.ticketlab.training import checkpoints
from workflow_scripts.ticketlab.training.stack import Member, Stack, concatenate
from workflow_scripts.ticketlab.training.study import open_study

snakemake: Snakemake  # put here by Snakemake

with logged(snakemake) as provenance:
    spec = snakemake.params.spec
    study = open_study(spec, snakemake.input.data)
    settings = LLCSettings(**spec["llc"])
    known: dict[Member, Stack] = {}
    for path in snakemake.input.get("masks", []):
        for taken_at in stacks.steps(path, MASKS):
            members, taken = checkpoints.read_masks(path, taken_at, study.device)
            known |= {member: {name: mask[i] for name, mask in taken.items()} for i, member in enumerate(members)}
    estimates, draws = [], []
    for step in spec["steps"]:
        paths = [path for path in snakemake.input.weights if step in stacks.steps(path, WEIGHTS)]
        if not paths:
            raise TicketlabError(f"no file of {snakemake.input.weights} holds step {step}; choose another step")
        parts = [checkpoints.read_weights(path, step, study.device) for path in paths]
        members = [member for part, _ in parts for member in part]
        weights = concatenate([part for _, part in parts])
        masks = masks_of(members, weights, known) if known else None
        traces = measure(study, members, weights, step, settings, masks)
        keys = pd.DataFrame([{"study": study.name, **member.keys(), "step": step} for member in members])
        estimates.append(pd.concat([keys, estimate(traces, settings)], axis=1))
        draws.append(draw_rows(traces, settings, keys))
    files.write(snakemake.output.llc, LLC, pd.concat(estimates), provenance)
    files.write(snakemake.output.draws, LLC_DRAWS, pd.concat(draws), provenance)
