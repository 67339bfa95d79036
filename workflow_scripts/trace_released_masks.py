"""The overlap of magnitude masks of released networks: along training with the final one, and at the end of siblings.

The references are those of trace_mask_overlap that need no tickets: "final_magnitude" along training; "dense_final",
the dense network of the same initialisation, and "dense_final_other_init", that of the next one, for siblings.
"""

import pandas as pd
from snakemake.script import Snakemake

from workflow_scripts.ticketlab.core.job import logged
from workflow_scripts.ticketlab.pruning import masks as pruning
from workflow_scripts.ticketlab.pruning import overlap
from workflow_scripts.ticketlab.settings.schedule import ScheduleSettings
from workflow_scripts.ticketlab.tables import files, stacks
from workflow_scripts.ticketlab.tables.schemas.networks import WEIGHTS
from workflow_scripts.ticketlab.tables.schemas.overlap import OVERLAP
from workflow_scripts.ticketlab.training import checkpoints
from workflow_scripts.ticketlab.training.stack import as_variant
from workflow_scripts.ticketlab.training.study import open_study

snakemake: Snakemake  # put here by Snakemake

with logged(snakemake) as provenance:
    spec, inputs = snakemake.params.spec, snakemake.input
    study = open_study(spec, inputs.data)
    level, last = spec["level"], spec["last_step"]

    def networks(path, step):
        members, weights = checkpoints.read_weights(path, step, study.device)
        return as_variant(members, level=level), {name: weights[name] for name in study.model.prunable}

    dense, initial = networks(inputs.dense, 0)
    _, trained = networks(inputs.dense, last)
    counts = pruning.schedule(ScheduleSettings(**spec["schedule"]), pruning.sizes(trained), level)
    final = pruning.largest(trained, counts)
    parts = []
    for step in stacks.steps(inputs.dense, WEIGHTS):  # one at a time: they may be large
        mine = pruning.largest(networks(inputs.dense, step)[1], counts)
        parts.append(overlap.rows(study.name, dense, step, "final_magnitude", mine, final, initial))
    members, ends = networks(inputs.spawned, last)
    if any(member.data_seed != member.init_seed for member in members):
        parts.append(overlap.of_siblings(study.name, dense, initial, trained, [(members, ends)], counts, last))
    files.write(snakemake.output.overlap, OVERLAP, pd.concat(parts), provenance)
