"""The strong form of the hypothesis: masks over untrained weights, found by edge-popup, at each density and kind of θ₀.

Level i of these tables is the i-th density of the config; step 0 of the metrics is a random mask, the chance level.
"""

import pandas as pd
import torch
from snakemake.script import Snakemake

from workflow_scripts.ticketlab.core.job import logged
from workflow_scripts.ticketlab.core.recorded_steps import log_spaced_steps
from workflow_scripts.ticketlab.pruning.masks import density as mask_density
from workflow_scripts.ticketlab.pruning.masks import random_scores
from workflow_scripts.ticketlab.pruning.supermask import frozen_weights, masked_by_scores, top_share
from workflow_scripts.ticketlab.settings.supermask import SupermaskSettings
from workflow_scripts.ticketlab.settings.training import TrainingSettings
from workflow_scripts.ticketlab.tables import files, stacks
from workflow_scripts.ticketlab.tables.schemas.networks import MASKS, METRICS
from workflow_scripts.ticketlab.training import checkpoints
from workflow_scripts.ticketlab.training.evaluation import evaluate, metric_rows, splits_at
from workflow_scripts.ticketlab.training.stack import as_variant
from workflow_scripts.ticketlab.training.study import open_study
from workflow_scripts.ticketlab.training.train import initial_state, train

snakemake: Snakemake  # put here by Snakemake

with logged(snakemake) as provenance:
    spec = snakemake.params.spec
    study = open_study(spec, snakemake.input.data)
    settings = SupermaskSettings(**spec["supermask"])
    training = TrainingSettings(**spec["training"]).model_copy(
        update={"steps": settings.steps, "learning_rate": settings.learning_rate, "weight_decay": 0.0}
    )
    dense, weights = checkpoints.read_weights(snakemake.input.init, 0, study.device)
    names = study.model.prunable
    rows = []
    with stacks.writing(snakemake.output.masks, MASKS, provenance) as writer:
        for init in settings.inits:
            for level, density in enumerate(settings.densities, start=1):
                members = as_variant(dense, variant=f"supermask_{init}", level=level)
                frozen = frozen_weights(weights, names, init, density)
                scores = random_scores({name: weights[name] for name in names}, study.name, members)
                effective = masked_by_scores(frozen, names, density)
                start = initial_state({**weights, **scores}, training)
                record = log_spaced_steps(settings.steps, spec["checkpoints"])
                for state in train(
                    study.model, study.problem, study.name, members, start, training, record, effective=effective
                ):
                    with torch.no_grad():
                        sets = splits_at(study.problem, state.step, record[-1])
                        values = evaluate(study.model, study.problem, effective(state.weights), sets)
                    mask = top_share({name: state.weights[name] for name in names}, density)
                    rows.append(metric_rows(study.name, members, state.step, mask_density(mask), values))
                checkpoints.add_masks(writer, study.name, members, settings.steps, mask)
    files.write(snakemake.output.metrics, METRICS, pd.concat(rows), provenance)
