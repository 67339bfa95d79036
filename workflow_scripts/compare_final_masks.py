"""Overlap of the final magnitude masks of runs whose data orders split at a step.

References: the dense run of the same initialisation ("dense_final") and, as the permanent control, that of the next
one in the block ("dense_final_other_init"). Children on the dense run's own order are left out, since they equal it.
"""

import pandas as pd
from snakemake.script import Snakemake

from workflow_scripts.ticketlab.core.job import logged
from workflow_scripts.ticketlab.pruning import masks as pruning
from workflow_scripts.ticketlab.pruning import overlap
from workflow_scripts.ticketlab.settings.schedule import ScheduleSettings
from workflow_scripts.ticketlab.tables import files
from workflow_scripts.ticketlab.tables.schemas.overlap import OVERLAP
from workflow_scripts.ticketlab.training import checkpoints
from workflow_scripts.ticketlab.training.stack import as_variant, take
from workflow_scripts.ticketlab.training.study import open_study

snakemake: Snakemake  # put here by Snakemake

with logged(snakemake) as provenance:
    spec = snakemake.params.spec
    study = open_study(spec, snakemake.input.data)
    schedule, level, last = ScheduleSettings(**spec["schedule"]), spec["level"], spec["last_step"]

    def prunable_of(path, step):
        members, weights = checkpoints.read_weights(path, step, study.device)
        return as_variant(members, level=level), pruning.prunable(study.model.prunable, weights)

    dense, initial = prunable_of(snakemake.input.dense, 0)
    counts = pruning.schedule(schedule, pruning.sizes(initial), level)
    final = pruning.largest(prunable_of(snakemake.input.dense, last)[1], counts)
    place = {member.init_seed: index for index, member in enumerate(dense)}
    shifts = {"dense_final": 0} | ({"dense_final_other_init": 1} if len(dense) > 1 else {})
    rows = []
    for path in snakemake.input.spawned:
        members, weights = prunable_of(path, last)
        kept = [index for index, member in enumerate(members) if member.data_seed != member.init_seed]
        children = [members[index] for index in kept]
        masks = pruning.largest(take(weights, kept), counts)
        own = [place[child.init_seed] for child in children]
        for reference, shift in shifts.items():
            others = take(final, [(index + shift) % len(dense) for index in own])
            rows.append(overlap.rows(study.name, children, last, reference, masks, others, take(initial, own)))
    files.write(snakemake.output.overlap, OVERLAP, pd.concat(rows), provenance)
