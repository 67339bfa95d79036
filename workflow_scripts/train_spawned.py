"""Children of the dense networks: the same weights at the split step, then other data orders.

At split step 0 the dense run's own order is repeated as well: the exact replicate, in another stack.
"""

import pandas as pd
from snakemake.script import Snakemake

from workflow_scripts.ticketlab import states, tables
from workflow_scripts.ticketlab.contracts.networks import METRICS, WEIGHTS
from workflow_scripts.ticketlab.jobs import logged
from workflow_scripts.ticketlab.randomness import data_seed
from workflow_scripts.ticketlab.settings.training import TrainingSettings
from workflow_scripts.ticketlab.stack import Member
from workflow_scripts.ticketlab.study import metric_rows, open_study
from workflow_scripts.ticketlab.training import SLOTS, evaluate, train

snakemake: Snakemake  # put here by Snakemake

with logged(snakemake) as provenance:
    spec = snakemake.params.spec
    study = open_study(spec, snakemake.input.data)
    settings = TrainingSettings(**spec["training"])
    dense, state = states.read_state(snakemake.input.dense, spec["split_step"], study.device, SLOTS[settings.optimiser])
    orders = range(0 if spec["split_step"] == 0 else 1, spec["orders"] + 1)
    children = [
        Member(parent.init_seed, data_seed(parent.init_seed, order), "spawned", spec["split_step"])
        for parent in dense
        for order in orders
    ]
    start = state.take([index for index in range(len(dense)) for _ in orders])
    record = [spec["split_step"], settings.steps]
    *_, end = train(study.model, study.problem, study.name, children, start, settings, record)
    values = evaluate(study.model, study.problem, end.weights)
    with tables.writing(snakemake.output.weights, WEIGHTS, provenance) as writer:
        states.add_state(writer, study.name, children, end)
    rows: pd.DataFrame = metric_rows(study.name, children, end.step, [1.0] * len(children), values)
    tables.write(snakemake.output.metrics, METRICS, rows, provenance)
