"""Train dense networks, tickets and decisive controls once more, at another learning rate; their ends are evaluated."""

from functools import partial

import pandas as pd
from snakemake.script import Snakemake

from workflow_scripts.ticketlab.core.job import logged
from workflow_scripts.ticketlab.pruning import controls, rates
from workflow_scripts.ticketlab.settings.schedule import ScheduleSettings
from workflow_scripts.ticketlab.settings.training import TrainingSettings
from workflow_scripts.ticketlab.tables import files
from workflow_scripts.ticketlab.tables.schemas.rates import RATE_EXAMPLES, RATES
from workflow_scripts.ticketlab.training import checkpoints
from workflow_scripts.ticketlab.training.recording import at_end, examples
from workflow_scripts.ticketlab.training.study import open_study
from workflow_scripts.ticketlab.training.train import SLOTS, train

snakemake: Snakemake  # put here by Snakemake

with logged(snakemake) as provenance:
    spec, inputs = snakemake.params.spec, snakemake.input
    study = open_study(spec, inputs.data)
    training = TrainingSettings(**spec["training"])
    chosen = rates.trained_again(
        spec["controls"],
        study,
        [checkpoints.read_masks(path, training.steps, study.device) for path in inputs.masks],
        partial(checkpoints.read_state, inputs.dense, device=study.device, slots=SLOTS[training.optimiser]),
        partial(checkpoints.read_prunable, inputs.dense, study=study),
        ScheduleSettings(**spec["schedule"]),
        training,
    )
    rows, by_example = [], []
    for members, ticket in controls.by_schedule(chosen):
        recipe = rates.at_factor(training, spec["rate"])
        *_, end = train(study, members, ticket.start, recipe, [ticket.total], masks=ticket.mask)
        rows.append(at_end(study, members, end.step, end.weights, ticket.mask))
        by_example.append(examples(study, members, end))
    files.write(snakemake.output.rates, RATES, pd.concat(rows).assign(rate=spec["rate"]), provenance)
    files.write(snakemake.output.examples, RATE_EXAMPLES, pd.concat(by_example).assign(rate=spec["rate"]), provenance)
