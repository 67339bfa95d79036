"""The distance of every network to the task's reference predictors, at every recorded step.

The metadata also hold `between`, the distances of the predictors to each other.
"""

import pandas as pd
from snakemake.script import Snakemake

from workflow_scripts.ticketlab import states, structure, tables, tasks
from workflow_scripts.ticketlab.jobs import logged
from workflow_scripts.ticketlab.settings.structure import StructureSettings
from workflow_scripts.ticketlab.study import open_study

snakemake: Snakemake  # put here by Snakemake

with logged(snakemake) as provenance:
    spec = snakemake.params.spec
    study = open_study(spec, snakemake.input.data)
    predictors = tasks.module(spec["task"]["kind"]).references(study.problem)
    references = structure.references(study.problem, predictors, StructureSettings(**spec["structure"]), study.device)
    rows = []
    for step in tables.steps(snakemake.input.weights, "weights"):
        members, weights = states.read_weights(snakemake.input.weights, step, study.device)
        keys = pd.DataFrame([member.keys() for member in members])
        for name, distance in structure.distances(study.model, weights, references).items():
            rows.append(
                keys.assign(
                    study=study.name,
                    step=step,
                    structure=name,
                    distance=distance,
                    reference_floor=references.floors[name],
                )
            )
    between = structure.between(references)
    tables.write(snakemake.output.structure, "structure", pd.concat(rows), provenance, between=between)
