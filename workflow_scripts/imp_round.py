"""One round of iterative magnitude pruning: prune the network of the previous round, rewind, train.

The trained network is the round's ticket: T1 judges its mask, its end and its metrics along training.
"""

from snakemake.script import Snakemake

from workflow_scripts.ticketlab.core.job import logged
from workflow_scripts.ticketlab.core.recorded_steps import log_spaced_steps
from workflow_scripts.ticketlab.pruning.imp import imp_round
from workflow_scripts.ticketlab.settings.schedule import ScheduleSettings
from workflow_scripts.ticketlab.settings.training import TrainingSettings
from workflow_scripts.ticketlab.tables import files
from workflow_scripts.ticketlab.tables.schemas.networks import EXAMPLES, METRICS
from workflow_scripts.ticketlab.training import checkpoints
from workflow_scripts.ticketlab.training.recording import examples, record
from workflow_scripts.ticketlab.training.stack import as_variant
from workflow_scripts.ticketlab.training.study import open_study
from workflow_scripts.ticketlab.training.train import SLOTS

snakemake: Snakemake  # put here by Snakemake

with logged(snakemake) as provenance:
    spec = snakemake.params.spec
    study = open_study(spec, snakemake.input.data)
    training, schedule = TrainingSettings(**spec["training"]), ScheduleSettings(**spec["schedule"])
    rewind_step, level, last = spec["rewind_step"], spec["level"], training.steps
    dense, rewound = checkpoints.read_state(snakemake.input.dense, rewind_step, study.device, SLOTS[training.optimiser])
    _, trained = checkpoints.read_weights(snakemake.input.before[0], last, study.device)
    before = None if level == 1 else checkpoints.read_masks(snakemake.input.masks[0], last, study.device)[1]

    members = as_variant(dense, variant="ticket", rewind_step=rewind_step, level=level)
    steps = log_spaced_steps(last, spec["checkpoints"], rewind_step)
    mask, states = imp_round(study, members, rewound, trained, before, level, schedule, training, steps)
    end, metrics = record(study, members, states, mask, last)
    checkpoints.write_masks(snakemake.output.masks, provenance, study.name, members, last, mask)
    checkpoints.write_weights(snakemake.output.weights, provenance, study.name, members, end)
    files.write(snakemake.output.metrics, METRICS, metrics, provenance)
    files.write(snakemake.output.examples, EXAMPLES, examples(study, members, end), provenance)
