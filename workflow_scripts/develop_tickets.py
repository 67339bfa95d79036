"""Train a block's tickets from θ₀ with the mask of the end, those of the transients' peaks, and all of these shuffled.

They are traced at the steps of the dense networks. Where learning coefficients are estimated, the weights of the
tickets with the end's mask and of their shuffled control are stored.
"""

import pandas as pd
from snakemake.script import Snakemake

from workflow_scripts.ticketlab import tasks
from workflow_scripts.ticketlab.core.job import logged
from workflow_scripts.ticketlab.experiments.development import masks as development
from workflow_scripts.ticketlab.instruments import reference_distances
from workflow_scripts.ticketlab.pruning import masks as pruning
from workflow_scripts.ticketlab.settings.schedule import ScheduleSettings
from workflow_scripts.ticketlab.settings.structure import StructureSettings
from workflow_scripts.ticketlab.settings.training import TrainingSettings
from workflow_scripts.ticketlab.tables import files, stacks
from workflow_scripts.ticketlab.tables.schemas.networks import MASKS, METRICS, WEIGHTS
from workflow_scripts.ticketlab.tables.schemas.structure import STRUCTURE
from workflow_scripts.ticketlab.training import checkpoints
from workflow_scripts.ticketlab.training.recording import at_end
from workflow_scripts.ticketlab.training.stack import concatenate
from workflow_scripts.ticketlab.training.study import open_study
from workflow_scripts.ticketlab.training.train import SLOTS, train

snakemake: Snakemake  # put here by Snakemake

with logged(snakemake) as provenance:
    spec = snakemake.params.spec
    study = open_study(spec, snakemake.input.data)
    training, schedule = TrainingSettings(**spec["training"]), ScheduleSettings(**spec["schedule"])
    last, level = training.steps, spec["level"]
    task = tasks.module(spec["task"]["kind"])
    components = task.components(study.problem) if hasattr(task, "components") else None
    references = reference_distances.references(
        study.problem, task.references(study.problem), StructureSettings(**spec["structure"]), study.device
    )
    course = files.read(snakemake.input.structure, STRUCTURE)
    peaks = {name: development.nearest_step(course, name) for name in spec["structures"]}
    print("nearest at step", peaks)

    def dense_weights(step):
        return pruning.prunable(
            study.model.prunable, checkpoints.read_weights(snakemake.input.dense, step, study.device)[1]
        )

    dense, start = checkpoints.read_state(snakemake.input.dense, 0, study.device, SLOTS[training.optimiser])
    _, imp = checkpoints.read_masks(snakemake.input.masks[0], last, study.device)
    counts = pruning.schedule(schedule, pruning.sizes(imp), level)
    tickets = development.masks(study.name, dense, level, counts, imp, last, peaks, dense_weights)
    members, start = checkpoints.join([(ticket.members, start) for ticket in tickets])
    mask = concatenate([ticket.mask for ticket in tickets])
    end = [index for index, member in enumerate(members) if member.variant.startswith(development.END)]
    kept = [members[index] for index in end]

    with stacks.writing(snakemake.output.masks, MASKS, provenance) as writer:
        for ticket in tickets:
            checkpoints.add_masks(writer, study.name, ticket.members, ticket.taken_at, ticket.mask)
    rows = []
    record = sorted(set(course["step"].tolist()))
    with stacks.writing(snakemake.output.weights, WEIGHTS, provenance) as writer:
        for state in train(study, members, start, training, record, masks=mask):
            rows.append(reference_distances.rows(study, members, state.step, state.weights, references, components))
            if state.step in (*spec["llc_steps"], last):
                checkpoints.add_state(writer, study.name, kept, state.take(end))
    files.write(snakemake.output.structure, STRUCTURE, pd.concat(rows), provenance)
    metrics = at_end(study, members, last, state.weights, pruning.density(mask))
    files.write(snakemake.output.metrics, METRICS, metrics, provenance)
