"""The distance of every network to the task's reference predictors, at every recorded step, and of its components.

The metadata also hold `between`, the distances of the predictors to each other.
"""

import numpy as np
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
        keys = pd.DataFrame([member.keys() for member in members])
        found = structure.distances(study.model, weights, references)
        if components is not None:
            found |= structure.component_distances(study.model, weights, components)
        for name, distance in found.items():
            rows.append(
                keys.assign(
                    study=study.name,
                    step=step,
                    structure=name,
                    distance=distance,
                    reference_floor=references.floors.get(name, np.nan),
                )
            )
    between = structure.between(references)
    tables.write(snakemake.output.structure, STRUCTURE, pd.concat(rows), provenance, between=between)
