"""Score the role of every component of every network, at the given steps and on the given probes."""

from snakemake.script import Snakemake

from workflow_scripts.ticketlab import tasks
from workflow_scripts.ticketlab.core.job import logged
from workflow_scripts.ticketlab.instruments import role_scores
from workflow_scripts.ticketlab.settings.roles import RolesSettings
from workflow_scripts.ticketlab.tables import files
from workflow_scripts.ticketlab.tables.schemas.roles import ROLES
from workflow_scripts.ticketlab.training import checkpoints
from workflow_scripts.ticketlab.training.study import open_study

snakemake: Snakemake  # put here by Snakemake

with logged(snakemake) as provenance:
    spec = snakemake.params.spec
    study = open_study(spec, snakemake.input.data)
    settings = RolesSettings(**spec["roles"])
    slices = tasks.module(spec["task"]["kind"]).slices(study.problem, settings.split)
    networks = [
        (members, step, weights)
        for path in snakemake.input.weights
        for step in spec["steps"]
        for members, weights in [checkpoints.read_weights(path, step, study.device)]
    ]
    scores = role_scores.on_probes(study, slices, settings, networks)
    files.write(snakemake.output[0], ROLES, scores, provenance)
