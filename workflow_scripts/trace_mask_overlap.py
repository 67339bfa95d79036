"""The overlap of the magnitude mask at each training step with the final mask.

References: the dense network's own final magnitude mask ("final_magnitude"), the IMP mask of the same level ("imp"),
and, as the overlap of unrelated initialisations, the next seed's IMP mask ("imp_other_init").
"""

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
    spec, dense = snakemake.params.spec, snakemake.input.dense
    study = open_study(spec, snakemake.input.data)
    schedule, level, last = ScheduleSettings(**spec["schedule"]), spec["level"], spec["last_step"]
    _, imp = checkpoints.read_masks(snakemake.input.masks[0], last, study.device)
    dense_members = as_variant(checkpoints.read_weights(dense, 0, study.device)[0], level=level)
    states = (
        (step, dense_members, checkpoints.read_prunable(dense, step, study)) for step in stacks.steps(dense, WEIGHTS)
    )
    counts = pruning.schedule(schedule, pruning.sizes(imp), level)
    rows = overlap.along_training(study.name, states, imp, counts, last)
    files.write(snakemake.output.overlap, OVERLAP, rows, provenance)
