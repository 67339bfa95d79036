"""Overlap of the final magnitude masks of runs whose data orders split at a step.

References: the dense run of the same initialisation ("dense_final") and, as the permanent control, that of the next
one in the block ("dense_final_other_init"). Children on the dense run's own order are left out, since they equal it.
"""

from snakemake.script import Snakemake

from workflow_scripts.ticketlab.core.job import logged
from workflow_scripts.ticketlab.pruning import masks as pruning
from workflow_scripts.ticketlab.pruning import overlap
from workflow_scripts.ticketlab.settings.schedule import ScheduleSettings
from workflow_scripts.ticketlab.tables import files
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

    initial, final = (checkpoints.read_prunable(inputs.dense, step, study) for step in (0, last))
    siblings = ((members_of(path, last), checkpoints.read_prunable(path, last, study)) for path in inputs.spawned)
    counts = pruning.schedule(schedule, pruning.sizes(initial), level)
    rows = overlap.of_siblings(study.name, members_of(inputs.dense, 0), initial, final, siblings, counts, last)
    files.write(snakemake.output.overlap, OVERLAP, rows, provenance)
