"""Children of the dense networks: the same weights at the split step, then other data orders.

At split step 0 the dense run's own order is also repeated: the exact replicate, in another stack.
"""

import pandas as pd
from snakemake.script import Snakemake

from workflow_scripts.ticketlab.core.job import logged
from workflow_scripts.ticketlab.settings.training import TrainingSettings
from workflow_scripts.ticketlab.tables import files, stacks
from workflow_scripts.ticketlab.tables.schemas.networks import METRICS, WEIGHTS
from workflow_scripts.ticketlab.training import checkpoints
from workflow_scripts.ticketlab.training.evaluation import evaluate, metric_rows
from workflow_scripts.ticketlab.training.stack import spawned_members
from workflow_scripts.ticketlab.training.study import open_study
from workflow_scripts.ticketlab.training.train import SLOTS, train

snakemake: Snakemake  # put here by Snakemake

with logged(snakemake) as provenance:
    spec = snakemake.params.spec
    study = open_study(spec, snakemake.input.data)
    settings = TrainingSettings(**spec["training"])
    dense, state = checkpoints.read_state(
        snakemake.input.dense, spec["split_step"], study.device, SLOTS[settings.optimiser]
    )
    children = spawned_members(dense, spec["split_step"], spec["orders"])
    place = {parent.init_seed: index for index, parent in enumerate(dense)}
    start = state.take([place[child.init_seed] for child in children])
    record = [spec["split_step"], settings.steps]
    *_, end = train(study.model, study.problem, study.name, children, start, settings, record)
    values = evaluate(study.model, study.problem, end.weights)
    with stacks.writing(snakemake.output.weights, WEIGHTS, provenance) as writer:
        checkpoints.add_state(writer, study.name, children, end)
    rows: pd.DataFrame = metric_rows(study.name, children, end.step, [1.0] * len(children), values)
    files.write(snakemake.output.metrics, METRICS, rows, provenance)
