"""Keep a part of every initialisation, draw the rest again, train dense, and compare with networks that kept it all.

All parts and initialisations are one stack. The networks to compare with are trained already: the dense networks' own
siblings on other data orders.
"""

from snakemake.script import Snakemake

from workflow_scripts.ticketlab import tasks
from workflow_scripts.ticketlab.core.job import logged
from workflow_scripts.ticketlab.experiments.resampling.measure import measure
from workflow_scripts.ticketlab.settings.roles import RolesSettings
from workflow_scripts.ticketlab.settings.schedule import ScheduleSettings
from workflow_scripts.ticketlab.settings.training import TrainingSettings
from workflow_scripts.ticketlab.tables import files
from workflow_scripts.ticketlab.tables.schemas.resampling import RESAMPLED_AGREEMENT, RESAMPLED_METRICS
from workflow_scripts.ticketlab.tables.schemas.roles import ROLES
from workflow_scripts.ticketlab.training import checkpoints, gather
from workflow_scripts.ticketlab.training.study import open_study

snakemake: Snakemake  # put here by Snakemake

with logged(snakemake) as provenance:
    spec = snakemake.params.spec
    study = open_study(spec, snakemake.input.data)
    training, scoring = TrainingSettings(**spec["training"]), RolesSettings(**spec["roles"])
    dense, initial = gather.read(snakemake.input.dense, 0, study.device)
    agreement, metrics = measure(
        study,
        dense,
        initial,
        gather.read(snakemake.input.dense, training.steps, study.device)[1],
        gather.read(snakemake.input.spawned, training.steps, study.device),
        gather.read(snakemake.input.masks, training.steps, study.device, checkpoints.read_masks)[1],
        spec["keep"],
        files.read_many(snakemake.input.roles, ROLES),
        tasks.module(spec["task"]["kind"]).slices(study.problem, scoring.split),
        training,
        scoring,
        ScheduleSettings(**spec["schedule"]),
        spec["level"],
    )
    files.write(snakemake.output.metrics, RESAMPLED_METRICS, metrics, provenance)
    files.write(snakemake.output.agreement, RESAMPLED_AGREEMENT, agreement, provenance)
