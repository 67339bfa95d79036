"""Read a block of released networks into the tables of dense networks, and their siblings into those of spawned ones.

input.data      table `data`
input.before    tables `checkpoints` of the blocks before this one: no network may occur twice in a study
output.weights, metrics, examples       as train_dense's, at the released steps, without optimiser state
output.siblings, siblings_metrics       as train_spawned's at split step 0: the dense network itself as its own exact
                replicate, and the other runs of its initialisation, at the last step
output.checkpoints                      table `checkpoints`: source and content of every checkpoint that was read
params.spec     study, task, model, device, seeds, released (settings)
"""

import pandas as pd
from snakemake.script import Snakemake

from workflow_scripts.ticketlab.core.job import logged
from workflow_scripts.ticketlab.settings.released import ReleasedSettings
from workflow_scripts.ticketlab.tables import files, stacks
from workflow_scripts.ticketlab.tables.schemas.networks import EXAMPLES, METRICS, WEIGHTS
from workflow_scripts.ticketlab.tables.schemas.released import CHECKPOINTS
from workflow_scripts.ticketlab.training import checkpoints, released
from workflow_scripts.ticketlab.training.recording import at_end, examples, record
from workflow_scripts.ticketlab.training.study import open_study
from workflow_scripts.ticketlab.training.train import State

snakemake: Snakemake  # put here by Snakemake

with logged(snakemake) as provenance:
    spec, out = snakemake.params.spec, snakemake.output
    study = open_study(spec, snakemake.input.data)
    settings = ReleasedSettings(**spec["released"])
    runs = released.runs(settings, spec["seeds"])
    dense = [run for run in runs if run.member.variant == "dense"]
    members, last = [run.member for run in dense], settings.steps[-1]
    released.check_memory(study, len(runs))
    released.check_all(study, runs, settings)
    earlier = files.read_many(snakemake.input.before, CHECKPOINTS).to_dict("records")
    origins = [released.read_into(None, 0, run, settings, 0, study.model) for run in runs if run not in dense]

    def write(writer, some, state):
        for name, tensor in state.weights.items():
            checkpoints.add_state(writer, study.name, some, State(state.step, {name: tensor}, {}))

    with stacks.writing(out.weights, WEIGHTS, provenance) as writer:

        def keep(state):
            if state.step == 0:
                released.checked_starts([*earlier, *origins])
            write(writer, members, state)

        end, metrics = record(study, members, released.states(study, dense, settings, origins), keep=keep)
    files.write(out.metrics, METRICS, metrics, provenance)
    files.write(out.examples, EXAMPLES, examples(study, members, end), provenance)

    parts = []
    with stacks.writing(out.siblings, WEIGHTS, provenance) as writer:
        for siblings, state in released.families(study, runs, settings, end, origins):
            write(writer, siblings, state)
            parts.append(at_end(study, siblings, last, state.weights))
    files.write(out.siblings_metrics, METRICS, pd.concat(parts), provenance)
    released.checked_series([*earlier, *origins], last)
    table = pd.DataFrame(origins).assign(study=study.name)
    files.write(out.checkpoints, CHECKPOINTS, table, provenance)
