"""The distances of every network to the task's reference predictors at every recorded step, and of what is left in it.

The metadata of `structure` also hold `between`, the distances of the predictors to each other.
"""

import pandas as pd
from snakemake.script import Snakemake

from workflow_scripts.ticketlab import tasks
from workflow_scripts.ticketlab.core.job import logged
from workflow_scripts.ticketlab.instruments import nearest_part, reference_distances
from workflow_scripts.ticketlab.settings.structure import StructureSettings
from workflow_scripts.ticketlab.tables import files, stacks
from workflow_scripts.ticketlab.tables.schemas.networks import WEIGHTS
from workflow_scripts.ticketlab.tables.schemas.structure import RETAINED, STRUCTURE
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
    steps = stacks.steps(snakemake.input.weights, WEIGHTS)
    structure, retained = [], []
    for step in steps:
        members, weights = checkpoints.read_weights(snakemake.input.weights, step, study.device)
        structure.append(reference_distances.rows(study, members, step, weights, references, components))
        retained.append(nearest_part.of_networks(study, members, step, weights, references, task.Settings.SEEN))
    start, end = (checkpoints.read_weights(snakemake.input.weights, step, study.device)[1] for step in (0, steps[-1]))
    retained.append(nearest_part.of_path(study, members, steps[-1], start, end, references, components))
    between = reference_distances.between(references)
    files.write(snakemake.output.structure, STRUCTURE, pd.concat(structure), provenance, between=between)
    files.write(snakemake.output.retained, RETAINED, pd.concat(retained), provenance)
