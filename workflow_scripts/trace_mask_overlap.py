"""The overlap of magnitude masks: at each training step with the final one, and of runs that split with each other.

References along training: the dense network's own final magnitude mask ("final_magnitude"), the IMP mask of the same
level ("imp"), and, as the overlap of unrelated initialisations, the next seed's IMP mask ("imp_other_init").
References of the runs whose data orders split at a step, at their end: the dense run of the same initialisation
("dense_final") and, as the permanent control, that of the next one in the block ("dense_final_other_init"). Children on
the dense run's own order are left out, since they equal it.
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
    schedule, level, last = ScheduleSettings(**spec["schedule"]), spec["level"], spec["last_step"]

    def members_of(path, step):
        return as_variant(checkpoints.read_weights(path, step, study.device)[0], level=level)

    dense = members_of(inputs.dense, 0)
    states = {
        step: checkpoints.read_prunable(inputs.dense, step, study) for step in stacks.steps(inputs.dense, WEIGHTS)
    }
    _, imp = checkpoints.read_masks(inputs.masks[0], last, study.device)
    counts = pruning.schedule(schedule, pruning.sizes(imp), level)
    along = overlap.along_training(
        study.name, ((step, dense, state) for step, state in states.items()), imp, counts, last
    )
    siblings = ((members_of(path, last), checkpoints.read_prunable(path, last, study)) for path in inputs.spawned)
    split = overlap.of_siblings(study.name, dense, states[0], states[last], siblings, counts, last)
    files.write(snakemake.output.overlap, OVERLAP, pd.concat([along, split]), provenance)
