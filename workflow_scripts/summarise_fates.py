"""What becomes of transients and learning coefficients in tickets and shuffled masks, with intervals over seeds."""

import pandas as pd
from snakemake.script import Snakemake

from workflow_scripts.ticketlab import fates, tables
from workflow_scripts.ticketlab.contracts.fates import FATES
from workflow_scripts.ticketlab.contracts.llc import LLC
from workflow_scripts.ticketlab.contracts.networks import METRICS
from workflow_scripts.ticketlab.contracts.structure import STRUCTURE
from workflow_scripts.ticketlab.jobs import logged
from workflow_scripts.ticketlab.settings.judging import JudgingSettings

snakemake: Snakemake  # put here by Snakemake

with logged(snakemake) as provenance:
    structure = tables.read_many(snakemake.input.structure, STRUCTURE)
    metrics = tables.read_many(snakemake.input.metrics, METRICS)
    none = pd.DataFrame(columns=list(LLC.columns))
    llc = tables.read_many(snakemake.input.llc, LLC) if snakemake.input.llc else none
    parts = []
    for study, judging in snakemake.params.spec["studies"].items():
        distances, ends, estimates = (frame[frame["study"] == study] for frame in (structure, metrics, llc))
        rows = fates.table(distances, ends, estimates, JudgingSettings(**judging))
        parts.append(pd.DataFrame(rows).assign(study=study))
    tables.write(snakemake.output.fates, FATES, pd.concat(parts), provenance)
