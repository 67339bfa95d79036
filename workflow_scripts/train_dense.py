"""Train a block of dense networks from θ₀; store log-spaced checkpoints, with optimiser state where others resume."""

from snakemake.script import Snakemake

from workflow_scripts.ticketlab.core.job import logged
from workflow_scripts.ticketlab.settings.training import TrainingSettings
from workflow_scripts.ticketlab.tables import files, stacks
from workflow_scripts.ticketlab.tables.schemas.networks import EXAMPLES, METRICS, WEIGHTS
from workflow_scripts.ticketlab.training import checkpoints
from workflow_scripts.ticketlab.training.recording import examples, record
from workflow_scripts.ticketlab.training.stack import dense_members
from workflow_scripts.ticketlab.training.study import open_study
from workflow_scripts.ticketlab.training.train import initial_state, initial_weights, train

snakemake: Snakemake  # put here by Snakemake

with logged(snakemake) as provenance:
    spec = snakemake.params.spec
    study = open_study(spec, snakemake.input.data)
    settings = TrainingSettings(**spec["training"])
    members, weights = dense_members(spec["seeds"]), initial_weights(study, spec["seeds"])
    with stacks.writing(snakemake.output.weights, WEIGHTS, provenance) as writer:

        def keep(state):
            checkpoints.add_state(writer, study.name, members, state, slots=state.step in spec["resume_steps"])

        states = train(study, members, initial_state(weights, settings), settings, spec["checkpoints"])
        end, metrics = record(study, members, states, keep=keep)
    files.write(snakemake.output.metrics, METRICS, metrics, provenance)
    files.write(snakemake.output.examples, EXAMPLES, examples(study, members, end), provenance)
