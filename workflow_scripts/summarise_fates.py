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
    measured = [
        tables.read_many(snakemake.input.structure, STRUCTURE),
        tables.read_many(snakemake.input.metrics, METRICS),
        tables.read_many(snakemake.input.llc, LLC) if snakemake.input.llc else pd.DataFrame(columns=list(LLC.columns)),
    ]
    parts = []
    for study, judging in snakemake.params.spec["studies"].items():
        mine = [table[table["study"] == study] for table in measured]
        parts.append(pd.DataFrame(fates.table(*mine, JudgingSettings(**judging))).assign(study=study))
    tables.write(snakemake.output.fates, FATES, pd.concat(parts), provenance)
