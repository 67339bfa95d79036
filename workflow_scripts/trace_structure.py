"""The distance of every network to the task's reference predictors, at every recorded step, and of its components.

The metadata also hold `between`, the distances of the predictors to each other.
"""

import pandas as pd
from snakemake.script import Snakemake

from workflow_scripts.ticketlab import states, structure, tables, tasks
from workflow_scripts.ticketlab.contracts.networks import WEIGHTS
from workflow_scripts.ticketlab.contracts.structure import STRUCTURE
from workflow_scripts.ticketlab.jobs import logged
from workflow_scripts.ticketlab.settings.structure import StructureSettings
from workflow_scripts.ticketlab.study import open_study

snakemake: Snakemake  # put here by Snakemake

with logged(snakemake) as provenance:
    spec = snakemake.params.spec
    study = open_study(spec, snakemake.input.data)
    task = tasks.module(spec["task"]["kind"])
    predictors = task.references(study.problem)
    components = task.components(study.problem) if hasattr(task, "components") else None
    references = structure.references(study.problem, predictors, StructureSettings(**spec["structure"]), study.device)
    rows = []
    for step in tables.steps(snakemake.input.weights, WEIGHTS):
        members, weights = states.read_weights(snakemake.input.weights, step, study.device)
        rows.append(structure.rows(study.name, members, step, study.model, weights, references, components))
    between = structure.between(references)
    tables.write(snakemake.output.structure, STRUCTURE, pd.concat(rows), provenance, between=between)
