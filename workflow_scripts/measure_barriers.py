"""Barriers between the dense networks of a study and their spawned siblings, by the step at which they split."""

from snakemake.script import Snakemake

from workflow_scripts.ticketlab.core.job import logged
from workflow_scripts.ticketlab.instruments import barriers
from workflow_scripts.ticketlab.settings.barriers import BarriersSettings
from workflow_scripts.ticketlab.tables import files
from workflow_scripts.ticketlab.tables.schemas.barriers import BARRIERS
from workflow_scripts.ticketlab.training import checkpoints
from workflow_scripts.ticketlab.training.stack import concatenate
from workflow_scripts.ticketlab.training.study import open_study

snakemake: Snakemake  # put here by Snakemake

with logged(snakemake) as provenance:
    spec = snakemake.params.spec
    study = open_study(spec, snakemake.input.data)
    paths = [*snakemake.input.dense, *snakemake.input.spawned]
    parts = [checkpoints.read_weights(path, spec["last_step"], study.device) for path in paths]
    members = [member for some, _ in parts for member in some]
    pairs = barriers.pairs_of(members)
    points = BarriersSettings(**spec["barriers"]).points
    weights = concatenate([weights for _, weights in parts])
    values = barriers.along_line(study, weights, pairs, points)
    frame = barriers.rows(study.name, members, pairs, values)
    files.write(snakemake.output.barriers, BARRIERS, frame, provenance)
    print(frame.groupby(["metric", "split_step", "pair"])["barrier"].describe().to_string())
