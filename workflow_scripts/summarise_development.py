"""Transients and learning coefficients in tickets and under shuffled masks, with intervals over seeds."""

import pandas as pd
from snakemake.script import Snakemake

from workflow_scripts.ticketlab.core.job import logged
from workflow_scripts.ticketlab.experiments.development import summary
from workflow_scripts.ticketlab.settings.judging import JudgingSettings
from workflow_scripts.ticketlab.tables import files
from workflow_scripts.ticketlab.tables.schemas.development import DEVELOPMENT
from workflow_scripts.ticketlab.tables.schemas.llc import LLC
from workflow_scripts.ticketlab.tables.schemas.networks import METRICS
from workflow_scripts.ticketlab.tables.schemas.structure import STRUCTURE

snakemake: Snakemake  # put here by Snakemake

with logged(snakemake) as provenance:
    structure = files.read_many(snakemake.input.structure, STRUCTURE)
    metrics = files.read_many(snakemake.input.metrics, METRICS)
    none = pd.DataFrame(columns=list(LLC.columns))
    llc = files.read_many(snakemake.input.llc, LLC) if snakemake.input.llc else none
    parts = []
    for study, judging in snakemake.params.spec["studies"].items():
        distances, ends, estimates = (frame[frame["study"] == study] for frame in (structure, metrics, llc))
        rows = summary.table(distances, ends, estimates, JudgingSettings(**judging))
        parts.append(pd.DataFrame(rows).assign(study=study))
    files.write(snakemake.output.development, DEVELOPMENT, pd.concat(parts), provenance)
