"""Train a block of dense networks from θ₀; store log-spaced checkpoints, with optimiser state where others resume."""

import pandas as pd
from snakemake.script import Snakemake

from workflow_scripts.ticketlab.core.job import logged
from workflow_scripts.ticketlab.settings.training import TrainingSettings
from workflow_scripts.ticketlab.tables import files, stacks
from workflow_scripts.ticketlab.tables.schemas.networks import METRICS, WEIGHTS
from workflow_scripts.ticketlab.training import checkpoints
from workflow_scripts.ticketlab.training.evaluation import evaluate, metric_rows
from workflow_scripts.ticketlab.training.study import open_study
from workflow_scripts.ticketlab.training.train import initial_state, train

snakemake: Snakemake  # put here by Snakemake

with logged(snakemake) as provenance:
    spec = snakemake.params.spec
    study = open_study(spec, snakemake.input.data)
    settings = TrainingSettings(**spec["training"])
    members, weights = checkpoints.read_weights(snakemake.input.init, 0, study.device)
    rows = []
    with stacks.writing(snakemake.output.weights, WEIGHTS, provenance) as writer:
        start = initial_state(weights, settings)
        for state in train(study.model, study.problem, study.name, members, start, settings, spec["checkpoints"]):
            checkpoints.add_state(writer, study.name, members, state, slots=state.step in spec["resume_steps"])
            values = evaluate(study.model, study.problem, state.weights)
            rows.append(metric_rows(study.name, members, state.step, [1.0] * len(members), values))
    files.write(snakemake.output.metrics, METRICS, pd.concat(rows), provenance)
