"""What each part of θ₀ keeps of roles and masks when the rest is drawn anew, in all studies that tried it."""

import pandas as pd
from snakemake.script import Snakemake

from workflow_scripts.ticketlab import origins, tables
from workflow_scripts.ticketlab.contracts.origins import RESAMPLE, RESAMPLED_AGREEMENT, RESAMPLED_METRICS
from workflow_scripts.ticketlab.jobs import logged

snakemake: Snakemake  # put here by Snakemake

with logged(snakemake) as provenance:
    agreement = tables.read_many(snakemake.input.agreement, RESAMPLED_AGREEMENT)
    metrics = tables.read_many(snakemake.input.metrics, RESAMPLED_METRICS)
    parts = []
    for study, alpha in snakemake.params.spec["alpha"].items():
        agreed, ends = (table[table["study"] == study] for table in (agreement, metrics))
        parts.append(pd.DataFrame(origins.kept(agreed, ends, alpha)).assign(study=study))
    frame = pd.concat(parts)
    tables.write(snakemake.output.resample, RESAMPLE, frame, provenance)
    print(frame.to_string())
