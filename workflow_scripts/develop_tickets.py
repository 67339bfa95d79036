"""Train a block's tickets from θ₀ with the mask of the end, those of the transients' peaks, and all of these shuffled.

They are traced at the steps of the dense networks. Where learning coefficients are estimated, the weights of the
tickets with the end's mask and of their shuffled control are stored.
"""

from functools import partial

from snakemake.script import Snakemake

from workflow_scripts.ticketlab import tasks
from workflow_scripts.ticketlab.core.job import logged
from workflow_scripts.ticketlab.experiments.development import masks as development
from workflow_scripts.ticketlab.experiments.development.measure import measure
from workflow_scripts.ticketlab.instruments import reference_distances
from workflow_scripts.ticketlab.pruning import masks as pruning
from workflow_scripts.ticketlab.settings.schedule import ScheduleSettings
from workflow_scripts.ticketlab.settings.structure import StructureSettings
from workflow_scripts.ticketlab.settings.training import TrainingSettings
from workflow_scripts.ticketlab.tables import files, stacks
from workflow_scripts.ticketlab.tables.schemas.networks import MASKS, METRICS, WEIGHTS
from workflow_scripts.ticketlab.tables.schemas.structure import STRUCTURE
from workflow_scripts.ticketlab.training import checkpoints
from workflow_scripts.ticketlab.training.study import open_study
from workflow_scripts.ticketlab.training.train import SLOTS

snakemake: Snakemake  # put here by Snakemake

with logged(snakemake) as provenance:
    spec, inputs, outputs = snakemake.params.spec, snakemake.input, snakemake.output
    study, task = open_study(spec, inputs.data), tasks.module(spec["task"]["kind"])
    training, schedule = TrainingSettings(**spec["training"]), ScheduleSettings(**spec["schedule"])
    last, level = training.steps, spec["level"]
    dense, start = checkpoints.read_state(inputs.dense, 0, study.device, SLOTS[training.optimiser])
    _, imp = checkpoints.read_masks(inputs.masks[0], last, study.device)
    course = files.read(inputs.structure, STRUCTURE)
    peaks = {name: development.nearest_step(course, name) for name in spec["structures"]}
    print("nearest at step", peaks)
    counts = pruning.schedule(schedule, pruning.sizes(imp), level)
    dense_weights = partial(checkpoints.read_prunable, inputs.dense, study=study)
    tickets = development.masks(study.name, dense, level, counts, imp, last, peaks, dense_weights)
    with stacks.writing(outputs.masks, MASKS, provenance) as writer:
        for ticket in tickets:
            checkpoints.add_masks(writer, study.name, ticket.members, ticket.taken_at, ticket.mask)

    components = task.components(study.problem) if hasattr(task, "components") else None
    predictors, settings = task.references(study.problem), StructureSettings(**spec["structure"])
    references = reference_distances.references(study.problem, predictors, settings, study.device)
    with stacks.writing(outputs.weights, WEIGHTS, provenance) as writer:

        def keep(members, state):
            if state.step in (*spec["llc_steps"], last):
                checkpoints.add_state(writer, study.name, members, state)

        steps = sorted(set(course["step"].tolist()))
        look = partial(reference_distances.rows, study, references=references, components=components)
        structure, metrics = measure(study, tickets, start, steps, training, look, keep)
    files.write(outputs.structure, STRUCTURE, structure, provenance)
    files.write(outputs.metrics, METRICS, metrics, provenance)
