"""Train one control of the tickets at all its densities and rewind steps, with one stack for each schedule."""

from functools import partial

import pandas as pd
from snakemake.script import Snakemake

from workflow_scripts.ticketlab.core.job import logged
from workflow_scripts.ticketlab.core.recorded_steps import log_spaced_steps
from workflow_scripts.ticketlab.pruning import controls
from workflow_scripts.ticketlab.settings.schedule import ScheduleSettings
from workflow_scripts.ticketlab.settings.training import TrainingSettings
from workflow_scripts.ticketlab.tables import files, stacks
from workflow_scripts.ticketlab.tables.schemas.networks import EXAMPLES, MASKS, METRICS, WEIGHTS
from workflow_scripts.ticketlab.training import checkpoints
from workflow_scripts.ticketlab.training.recording import examples, record
from workflow_scripts.ticketlab.training.study import open_study
from workflow_scripts.ticketlab.training.train import SLOTS, train

snakemake: Snakemake  # put here by Snakemake

with logged(snakemake) as provenance:
    spec, inputs, outputs = snakemake.params.spec, snakemake.input, snakemake.output
    study = open_study(spec, inputs.data)
    training = TrainingSettings(**spec["training"])
    read_dense = partial(checkpoints.read_state, inputs.dense, device=study.device, slots=SLOTS[training.optimiser])
    tickets = controls.tickets(
        spec["control"],
        study,
        [checkpoints.read_masks(path, training.steps, study.device) for path in inputs.masks],
        read_dense,
        partial(checkpoints.read_prunable, inputs.dense, study=study),
        spec["mask_steps"],
        ScheduleSettings(**spec["schedule"]),
        training,
    )
    rows, by_example = [], []
    with (
        stacks.writing(outputs.weights, WEIGHTS, provenance) as weights_writer,
        stacks.writing(outputs.masks, MASKS, provenance) as masks_writer,
    ):
        for members, ticket in controls.by_schedule(tickets):
            steps = log_spaced_steps(ticket.total, spec["checkpoints"], ticket.start.step)
            states = train(study, members, ticket.start, training, steps, ticket.total, masks=ticket.mask)
            end, metrics = record(study, members, states, ticket.mask, steps[-1])
            rows.append(metrics)
            by_example.append(examples(study, members, end))
            checkpoints.add_state(weights_writer, study.name, members, end)
            checkpoints.add_masks(masks_writer, study.name, members, ticket.total, ticket.mask)
    files.write(outputs.metrics, METRICS, pd.concat(rows), provenance)
    files.write(outputs.examples, EXAMPLES, pd.concat(by_example), provenance)
