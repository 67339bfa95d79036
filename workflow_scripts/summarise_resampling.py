"""The shares of roles and masks that each part of θ₀ keeps when the rest is drawn again, in all studies with it."""

import pandas as pd
from snakemake.script import Snakemake

from workflow_scripts.ticketlab.core.job import logged
from workflow_scripts.ticketlab.experiments.resampling import summary
from workflow_scripts.ticketlab.tables import files
from workflow_scripts.ticketlab.tables.schemas.resampling import RESAMPLED_AGREEMENT, RESAMPLED_METRICS, RESAMPLING

snakemake: Snakemake  # put here by Snakemake

with logged(snakemake) as provenance:
    agreement = files.read_many(snakemake.input.agreement, RESAMPLED_AGREEMENT)
    metrics = files.read_many(snakemake.input.metrics, RESAMPLED_METRICS)
    parts = []
    for study, alpha in snakemake.params.spec["alpha"].items():
        agreed, ends = (table[table["study"] == study] for table in (agreement, metrics))
        parts.append(pd.DataFrame(summary.kept(agreed, ends, alpha)).assign(study=study))
    frame = pd.concat(parts)
    files.write(snakemake.output.resampling, RESAMPLING, frame, provenance)
    print(frame.to_string())
