"""At one batch size: train a study's dense networks and their siblings on other data orders, compare roles and masks.

The exact replicate is trained among the siblings, as in train_spawned. All initialisations are one stack.
"""

import pandas as pd
from snakemake.script import Snakemake

from workflow_scripts.ticketlab import agreement, noise, pruning, roles, states, tables, tasks
from workflow_scripts.ticketlab.contracts.networks import METRICS
from workflow_scripts.ticketlab.contracts.roles import AGREEMENT
from workflow_scripts.ticketlab.jobs import logged
from workflow_scripts.ticketlab.settings.roles import RolesSettings
from workflow_scripts.ticketlab.settings.schedule import ScheduleSettings
from workflow_scripts.ticketlab.settings.training import TrainingSettings
from workflow_scripts.ticketlab.stack import concatenate, spawned_members
from workflow_scripts.ticketlab.study import metric_rows, open_study
from workflow_scripts.ticketlab.training import evaluate, initial_state, train

snakemake: Snakemake  # put here by Snakemake

with logged(snakemake) as provenance:
    spec = snakemake.params.spec
    study = open_study(spec, snakemake.input.data)
    settings, scoring = TrainingSettings(**spec["training"]), RolesSettings(**spec["roles"])
    blocks = [states.read_weights(path, 0, study.device) for path in snakemake.input.init]
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
    for index in range(roles.PROBES):
        probe = roles.draw_probe(study.problem, slices, study.name, index, scoring, study.device)
        scores = roles.score(study.model, weights, probe, scoring)
        parts.append(roles.rows(study.name, members, settings.steps, index, study.model, scores))
    prunable = pruning.prunable(study.model, weights)
    counts = pruning.schedule(ScheduleSettings(**spec["schedule"]), pruning.sizes(prunable), spec["level"])
    masks = pruning.largest(prunable, counts)
    initial = start.take([place[member.init_seed] for member in members]).weights
    found = [
        agreement.compare(pd.concat(parts), scoring.permutations),
        noise.mask_agreement(study.name, members, masks, initial),
    ]
    tables.write(snakemake.output.agreement, AGREEMENT, pd.concat(found), provenance)
    values = evaluate(study.model, study.problem, weights)
    rows = metric_rows(study.name, members, settings.steps, [1.0] * len(members), values)
    tables.write(snakemake.output.metrics, METRICS, rows, provenance)
