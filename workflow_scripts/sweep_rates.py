"""Train a study's dense networks at other learning rates; their ends are evaluated on validation, which chooses.

Not on the test split: the rate of the recipe must not be chosen on it.
"""

import pandas as pd
from snakemake.script import Snakemake

from workflow_scripts.ticketlab.core.job import logged
from workflow_scripts.ticketlab.pruning.rates import at_factor
from workflow_scripts.ticketlab.settings.training import TrainingSettings
from workflow_scripts.ticketlab.tables import files
from workflow_scripts.ticketlab.tables.schemas.rates import RATES
from workflow_scripts.ticketlab.training import gather
from workflow_scripts.ticketlab.training.evaluation import evaluate, metric_rows
from workflow_scripts.ticketlab.training.study import open_study
from workflow_scripts.ticketlab.training.train import initial_state, train

snakemake: Snakemake  # put here by Snakemake

with logged(snakemake) as provenance:
    spec = snakemake.params.spec
    study = open_study(spec, snakemake.input.data)
    training = TrainingSettings(**spec["training"])
    members, weights = gather.read(snakemake.input.dense, 0, study.device)
    rows = []
    for factor in spec["factors"]:
        recipe = at_factor(training, factor)
        *_, end = train(study, members, initial_state(weights, recipe), recipe, [recipe.steps])
        values = evaluate(study, end.weights, ["validation"])
        rows.append(metric_rows(study.name, members, end.step, None, values).assign(rate=factor))
    files.write(snakemake.output.sweep, RATES, pd.concat(rows), provenance)
