"""How well components at earlier steps predict the roles at the end, and supermasks the components that matter."""

import pandas as pd
from snakemake.script import Snakemake

from workflow_scripts.ticketlab import tasks
from workflow_scripts.ticketlab.core.job import logged
from workflow_scripts.ticketlab.experiments.forecast import regression
from workflow_scripts.ticketlab.instruments import role_scores
from workflow_scripts.ticketlab.settings.forecast import ForecastSettings
from workflow_scripts.ticketlab.settings.roles import RolesSettings
from workflow_scripts.ticketlab.tables import files
from workflow_scripts.ticketlab.tables.schemas.forecast import FORECAST
from workflow_scripts.ticketlab.tables.schemas.roles import ROLES
from workflow_scripts.ticketlab.training import checkpoints, gather
from workflow_scripts.ticketlab.training.study import open_study

snakemake: Snakemake  # put here by Snakemake

with logged(snakemake) as provenance:
    spec = snakemake.params.spec
    study = open_study(spec, snakemake.input.data)
    settings, scoring = ForecastSettings(**spec["forecast"]), RolesSettings(**spec["roles"])

    end = files.read_many(snakemake.input.roles, ROLES)
    slices = tasks.module(spec["task"]["kind"]).slices(study.problem, scoring.split)
    early = {}
    for step in spec["steps"]:
        members, weights = gather.read(snakemake.input.dense, step, study.device)
        scored = end
        if step != spec["steps"][-1]:
            scored = role_scores.on_probes(study, slices, scoring, [(members, step, weights)], probes=[0])
        early[step] = scored, regression.arrays(weights)

    found, masks = gather.read(
        snakemake.input.supermasks, spec["supermask_steps"], study.device, checkpoints.read_masks
    )
    chosen = regression.supermasks_by_kind(found, masks, spec["supermask_densities"])
    alpha = spec["alpha"]
    rows = [
        *regression.forecasts(study.name, study.model, early, end, settings, alpha),
        *regression.supermask_overlap(study.model, chosen, end, alpha),
    ]
    frame = pd.DataFrame(rows).assign(study=study.name)
    files.write(snakemake.output.forecast, FORECAST, frame, provenance)
    print(frame[frame["score"] == "all"].to_string())
