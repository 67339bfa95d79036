"""Train one control of the tickets at all its densities and rewind steps, with one stack for each schedule."""

from functools import partial

import pandas as pd
from snakemake.script import Snakemake

from workflow_scripts.ticketlab.core.job import logged
from workflow_scripts.ticketlab.core.recorded_steps import log_spaced_steps
from workflow_scripts.ticketlab.pruning import masks as pruning
from workflow_scripts.ticketlab.pruning.controls import Sources, Ticket, by_schedule, variants
from workflow_scripts.ticketlab.settings.schedule import ScheduleSettings
from workflow_scripts.ticketlab.settings.training import TrainingSettings
from workflow_scripts.ticketlab.tables import files, stacks
from workflow_scripts.ticketlab.tables.schemas.networks import MASKS, METRICS, WEIGHTS
from workflow_scripts.ticketlab.training import checkpoints
from workflow_scripts.ticketlab.training.recording import record
from workflow_scripts.ticketlab.training.stack import as_variant
from workflow_scripts.ticketlab.training.study import open_study
from workflow_scripts.ticketlab.training.train import SLOTS, initial_state, initial_weights, train

snakemake: Snakemake  # put here by Snakemake

with logged(snakemake) as provenance:
    spec = snakemake.params.spec
    study = open_study(spec, snakemake.input.data)
    training, schedule = TrainingSettings(**spec["training"]), ScheduleSettings(**spec["schedule"])
    control, slots = spec["control"], SLOTS[training.optimiser]
    read_dense = partial(checkpoints.read_state, snakemake.input.dense, device=study.device, slots=slots)
    dense, dense_start = read_dense(step=0)

    def dense_weights(step):
        return pruning.prunable(
            study.model.prunable, checkpoints.read_weights(snakemake.input.dense, step, study.device)[1]
        )

    def fresh_start(rewind_step):
        """Other initial weights for the same seeds, trained as the dense networks were up to the rewind step."""
        weights = initial_weights(study, [member.init_seed for member in dense], "reinit")
        start = initial_state(weights, training)
        *_, state = train(study, dense, start, training, [rewind_step])
        return state

    tickets = []
    for path in snakemake.input.masks:
        members, mask = checkpoints.read_masks(path, training.steps, study.device)
        rewind_step, level = members[0].rewind_step, members[0].level
        sources = Sources(
            study=study.name,
            members=members,
            counts=pruning.schedule(schedule, pruning.sizes(mask), level),
            dense_weights=dense_weights,
            dense_start=dense_start,
            fresh_start=partial(fresh_start, rewind_step),
            last_step=training.steps,
            search_steps=training.steps + level * (training.steps - rewind_step),
        )
        ticket = Ticket(mask, read_dense(step=rewind_step)[1], training.steps)
        for variant, function in variants(control, spec["mask_steps"]).items():
            tickets.append((as_variant(members, variant=variant), function(ticket, sources)))

    rows = []
    with (
        stacks.writing(snakemake.output.weights, WEIGHTS, provenance) as weights_writer,
        stacks.writing(snakemake.output.masks, MASKS, provenance) as masks_writer,
    ):
        for members, ticket in by_schedule(tickets):
            mask, start, total = ticket.mask, ticket.start, ticket.total
            steps = log_spaced_steps(total, spec["checkpoints"], start.step)
            states = train(study, members, start, training, steps, total, masks=mask)
            end, metrics = record(study, members, states, pruning.density(mask), steps[-1])
            rows.append(metrics)
            checkpoints.add_state(weights_writer, study.name, members, end)
            checkpoints.add_masks(masks_writer, study.name, members, total, mask)
    files.write(snakemake.output.metrics, METRICS, pd.concat(rows), provenance)
