"""Keep a part of every initialisation, draw the rest again, train dense, and compare with networks that kept it all.

All parts and initialisations are one stack. The networks to compare with are trained already: the dense networks' own
siblings on other data orders.
"""

import pandas as pd
from snakemake.script import Snakemake

from workflow_scripts.ticketlab import tasks
from workflow_scripts.ticketlab.core.job import logged
from workflow_scripts.ticketlab.experiments.mask_agreement import mask_agreement
from workflow_scripts.ticketlab.experiments.resampling import parts
from workflow_scripts.ticketlab.instruments import role_scores
from workflow_scripts.ticketlab.pruning import masks as pruning
from workflow_scripts.ticketlab.settings.roles import RolesSettings
from workflow_scripts.ticketlab.settings.schedule import ScheduleSettings
from workflow_scripts.ticketlab.settings.training import TrainingSettings
from workflow_scripts.ticketlab.tables import files
from workflow_scripts.ticketlab.tables.schemas.resampling import RESAMPLED_AGREEMENT, RESAMPLED_METRICS
from workflow_scripts.ticketlab.tables.schemas.roles import ROLES
from workflow_scripts.ticketlab.training import checkpoints
from workflow_scripts.ticketlab.training.evaluation import evaluate, metric_rows
from workflow_scripts.ticketlab.training.stack import as_variant, concatenate, take
from workflow_scripts.ticketlab.training.study import open_study
from workflow_scripts.ticketlab.training.train import initial_state, initial_weights, train

snakemake: Snakemake  # put here by Snakemake

with logged(snakemake) as provenance:
    spec = snakemake.params.spec
    study = open_study(spec, snakemake.input.data)
    settings, scoring = TrainingSettings(**spec["training"]), RolesSettings(**spec["roles"])

    dense, initial = checkpoints.read(snakemake.input.dense, 0, study.device)
    ticket = checkpoints.read(snakemake.input.masks, settings.steps, study.device, checkpoints.read_masks)[1]
    fresh = initial_weights(study.model, study.name, [member.init_seed for member in dense], "resample")
    starts, members = [], []
    for kept in spec["keep"]:
        keep = parts.part(kept, ticket, pruning.prunable(study.model.prunable, initial), study.name, dense)
        starts.append(parts.exchange(initial, fresh, keep))
        members += as_variant(dense, variant=parts.variant(kept))
    start = concatenate(starts)
    *_, end = train(
        study.model, study.problem, study.name, members, initial_state(start, settings), settings, [settings.steps]
    )
    values = evaluate(study.model, study.problem, end.weights)
    rows = metric_rows(study.name, members, settings.steps, [1.0] * len(members), values)
    files.write(snakemake.output.metrics, RESAMPLED_METRICS, rows, provenance)

    slices = tasks.module(spec["task"]["kind"]).slices(study.problem, scoring.split)
    scored = [files.read_many(snakemake.input.roles, ROLES)]
    for index in range(role_scores.PROBES):
        probe = role_scores.draw_probe(study.problem, slices, study.name, index, scoring, study.device)
        scores = role_scores.score(study.model, end.weights, probe, scoring)
        scored.append(role_scores.rows(study.name, members, settings.steps, index, study.model, scores))

    trained = checkpoints.read(snakemake.input.dense, settings.steps, study.device)[1]
    siblings, of_siblings = checkpoints.read(snakemake.input.spawned, settings.steps, study.device)
    everyone = [*members, *dense, *siblings]
    ends = pruning.prunable(study.model.prunable, concatenate([end.weights, trained, of_siblings]))
    counts = pruning.schedule(ScheduleSettings(**spec["schedule"]), pruning.sizes(ends), spec["level"])
    place = {member.init_seed: index for index, member in enumerate(dense)}
    theirs = take(initial, [place[member.init_seed] for member in siblings])
    begun = pruning.prunable(study.model.prunable, concatenate([start, initial, theirs]))
    masks = pruning.largest(ends, counts)
    found = [
        parts.role_agreement(pd.concat(scored)),
        mask_agreement(study.name, everyone, masks, begun, parts.pairs_of),
    ]
    files.write(snakemake.output.agreement, RESAMPLED_AGREEMENT, pd.concat(found), provenance)
