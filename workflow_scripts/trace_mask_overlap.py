"""The overlap of the magnitude mask at each training step with the final mask.

References: the dense network's own final magnitude mask ("final_magnitude"), the IMP mask of the same level ("imp"),
and, as the overlap of unrelated initialisations, the next seed's IMP mask ("imp_other_init").
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
from workflow_scripts.ticketlab.training.stack import as_variant, take
from workflow_scripts.ticketlab.training.study import open_study

snakemake: Snakemake  # put here by Snakemake

with logged(snakemake) as provenance:
    spec = snakemake.params.spec
    study = open_study(spec, snakemake.input.data)
    schedule, level, last = ScheduleSettings(**spec["schedule"]), spec["level"], spec["last_step"]
    _, imp = checkpoints.read_masks(snakemake.input.masks[0], last, study.device)
    counts = pruning.schedule(schedule, pruning.sizes(imp), level)

    def prunable_at(step):
        members, weights = checkpoints.read_weights(snakemake.input.dense, step, study.device)
        return as_variant(members, level=level), pruning.prunable(study.model.prunable, weights)

    def magnitude_mask(step):
        return pruning.largest(prunable_at(step)[1], counts)

    members, initial = prunable_at(0)
    imp = pruning.of_finite(imp, prunable_at(last)[1])
    references = {"final_magnitude": magnitude_mask(last), "imp": imp}
    if len(members) > 1:
        references["imp_other_init"] = take(imp, [(index + 1) % len(members) for index in range(len(members))])
    rows = [
        overlap.rows(study.name, members, step, reference, magnitude_mask(step), other, initial)
        for step in stacks.steps(snakemake.input.dense, WEIGHTS)
        for reference, other in references.items()
    ]
    files.write(snakemake.output.overlap, OVERLAP, pd.concat(rows), provenance)
