"""Train a study's dense networks and their siblings on other data orders at one batch size; compare roles and masks.

The exact replicate is trained among the siblings, as in train_spawned. All initialisations are one stack.
"""

from snakemake.script import Snakemake

from workflow_scripts.ticketlab import tasks
from workflow_scripts.ticketlab.core.job import logged
from workflow_scripts.ticketlab.experiments.noise.measure import measure
from workflow_scripts.ticketlab.settings.roles import RolesSettings
from workflow_scripts.ticketlab.settings.schedule import ScheduleSettings
from workflow_scripts.ticketlab.settings.training import TrainingSettings
from workflow_scripts.ticketlab.tables import files
from workflow_scripts.ticketlab.tables.schemas.networks import METRICS
from workflow_scripts.ticketlab.tables.schemas.roles import AGREEMENT
from workflow_scripts.ticketlab.training import gather
from workflow_scripts.ticketlab.training.study import open_study

snakemake: Snakemake  # put here by Snakemake

with logged(snakemake) as provenance:
    spec = snakemake.params.spec
    study = open_study(spec, snakemake.input.data)
    scoring = RolesSettings(**spec["roles"])
    dense, initial = gather.read(snakemake.input.dense, 0, study.device)
    agreement, metrics = measure(
        study,
        dense,
        initial,
        spec["orders"],
        tasks.module(spec["task"]["kind"]).slices(study.problem, scoring.split),
        TrainingSettings(**spec["training"]),
        scoring,
        ScheduleSettings(**spec["schedule"]),
        spec["level"],
    )
    files.write(snakemake.output.agreement, AGREEMENT, agreement, provenance)
    files.write(snakemake.output.metrics, METRICS, metrics, provenance)
