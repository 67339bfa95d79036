"""The learning coefficients of the first block's dense networks, at settings around the study's own.

input.data, input.weights   tables `data` and `weights`
output.sweep                table `llc_sweep`
params.spec                 study, task, model, device, llc (settings), factors, steps (of training)
"""

import pandas as pd
from snakemake.script import Snakemake

from workflow_scripts.ticketlab.core.job import logged
from workflow_scripts.ticketlab.instruments.llc import estimate, measure
from workflow_scripts.ticketlab.instruments.llc_sweep import grid
from workflow_scripts.ticketlab.settings.llc import LLCSettings
from workflow_scripts.ticketlab.tables import files
from workflow_scripts.ticketlab.tables.schemas.llc import LLC_SWEEP
from workflow_scripts.ticketlab.training import gather
from workflow_scripts.ticketlab.training.study import open_study

snakemake: Snakemake  # put here by Snakemake

with logged(snakemake) as provenance:
    spec = snakemake.params.spec
    study = open_study(spec, snakemake.input.data)
    own = LLCSettings(**spec["llc"])
    known: dict[tuple[int, str], pd.DataFrame] = {}
    rows = []
    for step in spec["steps"]:
        members, weights = gather.read(snakemake.input.weights, step, study.device)
        keys = pd.DataFrame([{"study": study.name, **member.keys(), "step": step} for member in members])
        for varied, value, settings in grid(own, spec["factors"]):
            at = (step, settings.model_dump_json())
            if at not in known:
                traces = measure(study, members, weights, step, settings)
                known[at] = estimate(traces, settings)[["llc", "se", "flag"]]
            rows.append(pd.concat([keys, known[at]], axis=1).assign(varied=varied, value=value))
    files.write(snakemake.output.sweep, LLC_SWEEP, pd.concat(rows), provenance)
