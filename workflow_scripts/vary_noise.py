"""Train a study's dense networks and their siblings on other data orders at one batch size; compare roles and masks.

The exact replicate is trained among the siblings, as in train_spawned. All initialisations are one stack.
"""

import pandas as pd
from snakemake.script import Snakemake

from workflow_scripts.ticketlab import tasks
from workflow_scripts.ticketlab.core.job import logged
from workflow_scripts.ticketlab.experiments.mask_agreement import mask_agreement
from workflow_scripts.ticketlab.instruments import role_agreement, role_scores
from workflow_scripts.ticketlab.pruning import masks as pruning
from workflow_scripts.ticketlab.settings.roles import RolesSettings
from workflow_scripts.ticketlab.settings.schedule import ScheduleSettings
from workflow_scripts.ticketlab.settings.training import TrainingSettings
from workflow_scripts.ticketlab.tables import files
from workflow_scripts.ticketlab.tables.schemas.networks import METRICS
from workflow_scripts.ticketlab.tables.schemas.roles import AGREEMENT
from workflow_scripts.ticketlab.training import checkpoints
from workflow_scripts.ticketlab.training.evaluation import evaluate, metric_rows
from workflow_scripts.ticketlab.training.stack import concatenate, spawned_members
from workflow_scripts.ticketlab.training.study import open_study
from workflow_scripts.ticketlab.training.train import initial_state, train

snakemake: Snakemake  # put here by Snakemake

with logged(snakemake) as provenance:
    spec = snakemake.params.spec
    study = open_study(spec, snakemake.input.data)
    settings, scoring = TrainingSettings(**spec["training"]), RolesSettings(**spec["roles"])
    blocks = [checkpoints.read_weights(path, 0, study.device) for path in snakemake.input.init]
    dense = [member for members, _ in blocks for member in members]
    start = initial_state(concatenate([weights for _, weights in blocks]), settings)
    children = spawned_members(dense, 0, spec["orders"])
    place = {parent.init_seed: index for index, parent in enumerate(dense)}
    ends = []
    for members, first in ((dense, start), (children, start.take([place[child.init_seed] for child in children]))):
        *_, end = train(study.model, study.problem, study.name, members, first, settings, [settings.steps])
        ends.append(end.weights)
    members, weights = [*dense, *children], concatenate(ends)

    slices = tasks.module(spec["task"]["kind"]).slices(study.problem, scoring.split)
    parts = []
    for index in range(role_scores.PROBES):
        probe = role_scores.draw_probe(study.problem, slices, study.name, index, scoring, study.device)
        scores = role_scores.score(study.model, weights, probe, scoring)
        parts.append(role_scores.rows(study.name, members, settings.steps, index, study.model, scores))
    prunable = pruning.prunable(study.model.prunable, weights)
    counts = pruning.schedule(ScheduleSettings(**spec["schedule"]), pruning.sizes(prunable), spec["level"])
    masks = pruning.largest(prunable, counts)
    initial = start.take([place[member.init_seed] for member in members]).weights
    found = [
        role_agreement.compare(pd.concat(parts), scoring.permutations),
        mask_agreement(study.name, members, masks, initial),
    ]
    files.write(snakemake.output.agreement, AGREEMENT, pd.concat(found), provenance)
    values = evaluate(study.model, study.problem, weights)
    rows = metric_rows(study.name, members, settings.steps, [1.0] * len(members), values)
    files.write(snakemake.output.metrics, METRICS, rows, provenance)
