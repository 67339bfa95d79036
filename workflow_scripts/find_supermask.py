"""The strong form of the hypothesis: masks over untrained weights, found by edge-popup, at each density and kind of θ₀.

Level i of these tables is the i-th density of the config; step 0 of the metrics is a random mask, the chance level.
"""

import pandas as pd
from snakemake.script import Snakemake

from workflow_scripts.ticketlab.core.job import logged
from workflow_scripts.ticketlab.core.recorded_steps import log_spaced_steps
from workflow_scripts.ticketlab.pruning import supermask
from workflow_scripts.ticketlab.settings.supermask import SupermaskSettings
from workflow_scripts.ticketlab.settings.training import TrainingSettings
from workflow_scripts.ticketlab.tables import files, stacks
from workflow_scripts.ticketlab.tables.schemas.networks import MASKS, METRICS
from workflow_scripts.ticketlab.training import checkpoints
from workflow_scripts.ticketlab.training.stack import as_variant
from workflow_scripts.ticketlab.training.study import open_study

snakemake: Snakemake  # put here by Snakemake

with logged(snakemake) as provenance:
    spec = snakemake.params.spec
    study = open_study(spec, snakemake.input.data)
    settings, training = SupermaskSettings(**spec["supermask"]), TrainingSettings(**spec["training"])
    dense, weights = checkpoints.read_weights(snakemake.input.init, 0, study.device)
    steps = log_spaced_steps(settings.steps, spec["checkpoints"])
    rows = []
    with stacks.writing(snakemake.output.masks, MASKS, provenance) as writer:
        for init in settings.inits:
            for level, density in enumerate(settings.densities, start=1):
                members = as_variant(dense, variant=f"supermask_{init}", level=level)
                mask, metrics = supermask.search(study, members, weights, init, density, settings, training, steps)
                checkpoints.add_masks(writer, study.name, members, settings.steps, mask)
                rows.append(metrics)
    files.write(snakemake.output.metrics, METRICS, pd.concat(rows), provenance)
