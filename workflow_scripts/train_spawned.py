"""Children of the dense networks: the same weights at the split step, then other data orders.

At split step 0 the dense run's own order is also repeated, in another stack: exactly (the replicate), from weights a
millionth off ("chaos"), and with its batches in another order ("reordered").
"""

from snakemake.script import Snakemake

from workflow_scripts.ticketlab.core.job import logged
from workflow_scripts.ticketlab.settings.training import TrainingSettings
from workflow_scripts.ticketlab.tables import files
from workflow_scripts.ticketlab.tables.schemas.networks import METRICS
from workflow_scripts.ticketlab.training import checkpoints
from workflow_scripts.ticketlab.training.recording import at_end
from workflow_scripts.ticketlab.training.stack import as_variant, spawned_members
from workflow_scripts.ticketlab.training.study import open_study
from workflow_scripts.ticketlab.training.train import SLOTS, disturbed, train

snakemake: Snakemake  # put here by Snakemake

with logged(snakemake) as provenance:
    spec = snakemake.params.spec
    study = open_study(spec, snakemake.input.data)
    settings, split_step = TrainingSettings(**spec["training"]), spec["split_step"]
    dense, state = checkpoints.read_state(snakemake.input.dense, split_step, study.device, SLOTS[settings.optimiser])
    children = spawned_members(dense, split_step, spec["orders"])
    children += [child for control in spec["controls"] for child in as_variant(dense, variant=control)]
    place = {parent.init_seed: index for index, parent in enumerate(dense)}
    start = disturbed(study, children, state.take([place[child.init_seed] for child in children]))
    *_, end = train(study, children, start, settings, [split_step, settings.steps])
    checkpoints.write_weights(snakemake.output.weights, provenance, study.name, children, end)
    files.write(snakemake.output.metrics, METRICS, at_end(study, children, end.step, end.weights), provenance)
