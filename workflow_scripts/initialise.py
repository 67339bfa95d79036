"""θ₀ of every seed of a block."""

from snakemake.script import Snakemake

from workflow_scripts.ticketlab.core.job import logged
from workflow_scripts.ticketlab.training import checkpoints
from workflow_scripts.ticketlab.training.stack import dense_members
from workflow_scripts.ticketlab.training.study import open_study
from workflow_scripts.ticketlab.training.train import State, initial_weights

snakemake: Snakemake  # put here by Snakemake

with logged(snakemake) as provenance:
    spec = snakemake.params.spec
    study = open_study(spec, snakemake.input.data)
    start = State(0, initial_weights(study, spec["seeds"]), {})
    checkpoints.write_weights(snakemake.output.weights, provenance, study.name, dense_members(spec["seeds"]), start)
