"""Score the role of every component of every network, at the given steps and on the given probes."""

import pandas as pd
from snakemake.script import Snakemake

from workflow_scripts.ticketlab import roles, states, tables, tasks
from workflow_scripts.ticketlab.contracts.roles import ROLES
from workflow_scripts.ticketlab.jobs import logged
from workflow_scripts.ticketlab.settings.roles import RolesSettings
from workflow_scripts.ticketlab.study import open_study

snakemake: Snakemake  # put here by Snakemake

with logged(snakemake) as provenance:
    spec = snakemake.params.spec
    study = open_study(spec, snakemake.input.data)
    settings = RolesSettings(**spec["roles"])
    slices = tasks.module(spec["task"]["kind"]).slices(study.problem, settings.split)
    parts = []
    for probe_index in range(roles.PROBES):
        probe = roles.draw_probe(study.problem, slices, study.name, probe_index, settings, study.device)
        for path in snakemake.input.weights:
            for step in spec["steps"]:
                members, weights = states.read_weights(path, step, study.device)
                scores = roles.score(study.model, weights, probe, settings)
                parts.append(roles.rows(study.name, members, step, probe_index, study.model, scores))
    tables.write(snakemake.output[0], ROLES, pd.concat(parts), provenance)
