"""The study's data, split by document or image, as one table."""

from snakemake.script import Snakemake

from workflow_scripts.ticketlab import tables, tasks
from workflow_scripts.ticketlab.contracts.data import DATA
from workflow_scripts.ticketlab.jobs import logged

snakemake: Snakemake  # put here by Snakemake

with logged(snakemake) as provenance:
    spec = snakemake.params.spec
    task = tasks.module(spec["task"]["kind"])
    frame, facts = task.prepare(task.Settings(**spec["task"]), spec["study"])
    tables.write(snakemake.output.data, DATA, frame, provenance, facts=facts)
    counts = frame["split"].value_counts().to_dict()
    print(f"{len(frame)} examples: {counts}")
