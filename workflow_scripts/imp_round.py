"""One round of iterative magnitude pruning: prune the network of the previous round, rewind, train.

The trained network is the round's ticket: T1 judges its mask, its end and its metrics along training.
"""

import pandas as pd
from snakemake.script import Snakemake

from workflow_scripts.ticketlab.core.job import logged
from workflow_scripts.ticketlab.core.recorded_steps import log_spaced_steps
from workflow_scripts.ticketlab.pruning import masks as pruning
from workflow_scripts.ticketlab.settings.schedule import ScheduleSettings
from workflow_scripts.ticketlab.settings.training import TrainingSettings
from workflow_scripts.ticketlab.tables import files, stacks
from workflow_scripts.ticketlab.tables.schemas.networks import MASKS, METRICS, WEIGHTS
from workflow_scripts.ticketlab.training import checkpoints
from workflow_scripts.ticketlab.training.evaluation import evaluate, metric_rows, splits_at
from workflow_scripts.ticketlab.training.stack import as_variant
from workflow_scripts.ticketlab.training.study import open_study
from workflow_scripts.ticketlab.training.train import SLOTS, train

snakemake: Snakemake  # put here by Snakemake

with logged(snakemake) as provenance:
    spec = snakemake.params.spec
    study = open_study(spec, snakemake.input.data)
    training, schedule = TrainingSettings(**spec["training"]), ScheduleSettings(**spec["schedule"])
    rewind_step, level, last = spec["rewind_step"], spec["level"], training.steps

    dense, start = checkpoints.read_state(snakemake.input.dense, rewind_step, study.device, SLOTS[training.optimiser])
    _, trained = checkpoints.read_weights(snakemake.input.before[0], last, study.device)
    mask_before = None if level == 1 else checkpoints.read_masks(snakemake.input.masks[0], last, study.device)[1]
    candidates = pruning.prunable(study.model.prunable, trained)
    counts = pruning.schedule(schedule, pruning.sizes(candidates), level)
    mask = pruning.keep_top(pruning.magnitude(candidates, mask_before), counts)
    members = as_variant(dense, variant="ticket", rewind_step=rewind_step, level=level)

    rows = []
    with stacks.writing(snakemake.output.masks, MASKS, provenance) as writer:
        checkpoints.add_masks(writer, study.name, members, last, mask)
    with stacks.writing(snakemake.output.weights, WEIGHTS, provenance) as writer:
        record = log_spaced_steps(last, spec["checkpoints"], rewind_step)
        for state in train(study.model, study.problem, study.name, members, start, training, record, masks=mask):
            values = evaluate(
                study.model, study.problem, state.weights, splits_at(study.problem, state.step, record[-1])
            )
            rows.append(metric_rows(study.name, members, state.step, pruning.density(mask), values))
        checkpoints.add_state(writer, study.name, members, state)
    files.write(snakemake.output.metrics, METRICS, pd.concat(rows), provenance)
