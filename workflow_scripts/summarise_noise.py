"""Determinacy of roles and masks at every dose of noise, and its slope."""

import pandas as pd
from snakemake.script import Snakemake

from workflow_scripts.ticketlab import noise, tables
from workflow_scripts.ticketlab.contracts.networks import METRICS
from workflow_scripts.ticketlab.contracts.noise import NOISE
from workflow_scripts.ticketlab.contracts.roles import AGREEMENT
from workflow_scripts.ticketlab.jobs import logged

snakemake: Snakemake  # put here by Snakemake

with logged(snakemake) as provenance:
    spec = snakemake.params.spec
    sizes = spec["batch_sizes"]
    agreements, metrics = (
        {size: tables.read(path, table) for size, path in zip(sizes, snakemake.input[table.name], strict=True)}
        for table in (AGREEMENT, METRICS)
    )
    frame = pd.DataFrame(noise.curve(agreements, metrics, spec["alpha"])).assign(study=spec["study"])
    tables.write(snakemake.output.noise, NOISE, frame, provenance)
    print(frame.to_string())
