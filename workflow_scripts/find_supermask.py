"""The strong form of the hypothesis: masks over untrained weights, found by edge-popup, by width, kind of θ₀, density.

Level i of these tables is the i-th density of the config; step 0 of the metrics is a random mask, the chance level.
Masks are kept of networks of the dense network's own width only, whose components are those of the dense network.
"""

from itertools import product

import pandas as pd
from snakemake.script import Snakemake

from workflow_scripts.ticketlab.core.job import logged
from workflow_scripts.ticketlab.core.recorded_steps import log_spaced_steps
from workflow_scripts.ticketlab.pruning import supermask
from workflow_scripts.ticketlab.settings.supermask import SupermaskSettings, variant
from workflow_scripts.ticketlab.settings.training import TrainingSettings
from workflow_scripts.ticketlab.tables import files, stacks
from workflow_scripts.ticketlab.tables.schemas.networks import EXAMPLES, MASKS, METRICS
from workflow_scripts.ticketlab.training import checkpoints
from workflow_scripts.ticketlab.training.stack import as_variant
from workflow_scripts.ticketlab.training.study import open_study, widened

snakemake: Snakemake  # put here by Snakemake

with logged(snakemake) as provenance:
    spec = snakemake.params.spec
    study = open_study(spec, snakemake.input.data)
    settings, training = SupermaskSettings(**spec["supermask"]), TrainingSettings(**spec["training"])
    dense, weights = checkpoints.read_weights(snakemake.input.dense, 0, study.device)
    steps = log_spaced_steps(settings.steps, spec["checkpoints"])
    rows, by_example = [], []
    with stacks.writing(snakemake.output.masks, MASKS, provenance) as writer:
        for width in settings.widths:
            wide = study if width == 1 else widened(study, spec["model"], width)
            start = weights if width == 1 else supermask.wider_weights(wide, dense, width)
            for init, (level, density) in product(settings.inits, enumerate(settings.densities, start=1)):
                members = as_variant(dense, variant=variant(init, width), level=level)
                mask, metrics, examples = supermask.search(
                    wide, members, start, init, density, settings, training, steps
                )
                if width == 1:
                    checkpoints.add_masks(writer, study.name, members, settings.steps, mask)
                rows.append(metrics)
                by_example.append(examples)
    files.write(snakemake.output.metrics, METRICS, pd.concat(rows), provenance)
    files.write(snakemake.output.examples, EXAMPLES, pd.concat(by_example), provenance)
