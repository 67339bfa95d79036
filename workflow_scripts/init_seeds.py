"""θ₀ of every seed of a block."""

from snakemake.script import Snakemake

from workflow_scripts.ticketlab import states, tables
from workflow_scripts.ticketlab.contracts.networks import WEIGHTS
from workflow_scripts.ticketlab.jobs import logged
from workflow_scripts.ticketlab.stack import dense_members
from workflow_scripts.ticketlab.study import open_study
from workflow_scripts.ticketlab.training import State, initial_weights

snakemake: Snakemake  # put here by Snakemake

with logged(snakemake) as provenance:
    spec = snakemake.params.spec
    study = open_study(spec, snakemake.input.data)
    weights = initial_weights(study.model, study.name, spec["seeds"])
    with tables.writing(snakemake.output.weights, WEIGHTS, provenance) as writer:
        states.add_state(writer, study.name, dense_members(spec["seeds"]), State(0, weights, {}))
