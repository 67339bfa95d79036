"""Determinacy of roles and masks at every dose of noise, and its slope."""

import pandas as pd
from snakemake.script import Snakemake

from workflow_scripts.ticketlab.core.job import logged
from workflow_scripts.ticketlab.experiments.noise import summary
from workflow_scripts.ticketlab.tables import files
from workflow_scripts.ticketlab.tables.schemas.networks import METRICS
from workflow_scripts.ticketlab.tables.schemas.noise import NOISE
from workflow_scripts.ticketlab.tables.schemas.roles import AGREEMENT

snakemake: Snakemake  # put here by Snakemake

with logged(snakemake) as provenance:
    spec = snakemake.params.spec
    sizes = spec["batch_sizes"]
    agreements, metrics = (
        {size: files.read(path, table) for size, path in zip(sizes, snakemake.input[table.name], strict=True)}
        for table in (AGREEMENT, METRICS)
    )
    frame = pd.DataFrame(summary.curve(agreements, metrics, spec["alpha"])).assign(study=spec["study"])
    files.write(snakemake.output.noise, NOISE, frame, provenance)
    print(frame.to_string())
