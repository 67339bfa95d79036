"""The distances of every network, and of its components, to the task's reference predictors at every recorded step.

The metadata also hold `between`, the distances of the predictors to each other.
"""

import pandas as pd
from snakemake.script import Snakemake

from workflow_scripts.ticketlab import tasks
from workflow_scripts.ticketlab.core.job import logged
from workflow_scripts.ticketlab.instruments import reference_distances
from workflow_scripts.ticketlab.settings.structure import StructureSettings
from workflow_scripts.ticketlab.tables import files, stacks
from workflow_scripts.ticketlab.tables.schemas.networks import WEIGHTS
from workflow_scripts.ticketlab.tables.schemas.structure import STRUCTURE
from workflow_scripts.ticketlab.training import checkpoints
from workflow_scripts.ticketlab.training.study import open_study

snakemake: Snakemake  # put here by Snakemake

with logged(snakemake) as provenance:
    spec = snakemake.params.spec
    study = open_study(spec, snakemake.input.data)
    task = tasks.module(spec["task"]["kind"])
    predictors = task.references(study.problem)
    components = task.components(study.problem) if hasattr(task, "components") else None
    references = reference_distances.references(
        study.problem, predictors, StructureSettings(**spec["structure"]), study.device
    )
    rows = []
    for step in stacks.steps(snakemake.input.weights, WEIGHTS):
        members, weights = checkpoints.read_weights(snakemake.input.weights, step, study.device)
        rows.append(reference_distances.rows(study, members, step, weights, references, components))
    between = reference_distances.between(references)
    files.write(snakemake.output.structure, STRUCTURE, pd.concat(rows), provenance, between=between)
