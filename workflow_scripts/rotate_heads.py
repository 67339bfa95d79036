"""λ̂ and the effect of pruning in a study's trained transformers with queries and keys rotated inside each head."""

import pandas as pd
from snakemake.script import Snakemake

from workflow_scripts.ticketlab.core.job import logged
from workflow_scripts.ticketlab.experiments.dimension import head_rotation
from workflow_scripts.ticketlab.settings.dimension import RotationSettings
from workflow_scripts.ticketlab.settings.llc import LLCSettings
from workflow_scripts.ticketlab.settings.schedule import ScheduleSettings
from workflow_scripts.ticketlab.settings.training import TrainingSettings
from workflow_scripts.ticketlab.tables import files
from workflow_scripts.ticketlab.tables.schemas.dimension import ROTATIONS
from workflow_scripts.ticketlab.training import checkpoints
from workflow_scripts.ticketlab.training.stack import concatenate
from workflow_scripts.ticketlab.training.study import open_study

snakemake: Snakemake  # put here by Snakemake

with logged(snakemake) as provenance:
    spec = snakemake.params.spec
    study = open_study(spec, snakemake.input.data)
    training = TrainingSettings(**spec["training"])
    starts, ends = (
        [checkpoints.read_weights(path, step, study.device) for path in snakemake.input.dense]
        for step in (0, training.steps)
    )
    rows = head_rotation.measure(
        study,
        [member for members, _ in ends for member in members],
        concatenate([weights for _, weights in starts]),
        concatenate([weights for _, weights in ends]),
        RotationSettings(**spec["rotation"]),
        training,
        LLCSettings(**spec["llc"]),
        ScheduleSettings(**spec["schedule"]),
        spec["metric"],
    )
    files.write(snakemake.output.rotations, ROTATIONS, pd.DataFrame(rows).assign(study=spec["study"]), provenance)
