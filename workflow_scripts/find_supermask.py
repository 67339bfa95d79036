"""The strong form of the hypothesis: masks over untrained weights, found by edge-popup, at each density and kind of θ₀.

Level i of these tables is the i-th density of the config; step 0 of the metrics is a random mask, the chance level.
"""

import pandas as pd
import torch
from snakemake.script import Snakemake

from workflow_scripts.ticketlab import states, tables
from workflow_scripts.ticketlab.contracts.networks import MASKS, METRICS
from workflow_scripts.ticketlab.jobs import logged
from workflow_scripts.ticketlab.pruning import density as mask_density
from workflow_scripts.ticketlab.pruning import random_scores
from workflow_scripts.ticketlab.settings.supermask import SupermaskSettings
from workflow_scripts.ticketlab.settings.training import TrainingSettings
from workflow_scripts.ticketlab.stack import as_variant
from workflow_scripts.ticketlab.steps import log_spaced_steps
from workflow_scripts.ticketlab.study import metric_rows, open_study
from workflow_scripts.ticketlab.supermask import frozen_weights, masked_by_scores, top_share
from workflow_scripts.ticketlab.training import evaluate, initial_state, splits_at, train

snakemake: Snakemake  # put here by Snakemake

with logged(snakemake) as provenance:
    spec = snakemake.params.spec
    study = open_study(spec, snakemake.input.data)
    settings = SupermaskSettings(**spec["supermask"])
    training = TrainingSettings(**spec["training"]).model_copy(
        update={"steps": settings.steps, "learning_rate": settings.learning_rate, "weight_decay": 0.0}
    )
    dense, weights = states.read_weights(snakemake.input.init, 0, study.device)
    names = study.model.prunable
    rows = []
    with tables.writing(snakemake.output.masks, MASKS, provenance) as writer:
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
                states.add_masks(writer, study.name, members, settings.steps, mask)
    tables.write(snakemake.output.metrics, METRICS, pd.concat(rows), provenance)
