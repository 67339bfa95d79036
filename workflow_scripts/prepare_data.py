"""The study's data, split by document or image, as one table."""

from snakemake.script import Snakemake

from workflow_scripts.ticketlab import tasks
from workflow_scripts.ticketlab.core.job import logged
from workflow_scripts.ticketlab.tables import files
from workflow_scripts.ticketlab.tables.schemas.data import DATA

snakemake: Snakemake  # put here by Snakemake

with logged(snakemake) as provenance:
    spec = snakemake.params.spec
    task = tasks.module(spec["task"]["kind"])
    frame, facts = task.prepare(task.Settings(**spec["task"]), spec["study"])
    files.write(snakemake.output.data, DATA, frame, provenance, facts=facts)
    counts = frame["split"].value_counts().to_dict()
    print(f"{len(frame)} examples: {counts}")
