"""A study's tables as estimates with intervals: what its verdicts and figures rest on."""

from itertools import chain

import pandas as pd
from snakemake.script import Snakemake

from workflow_scripts.ticketlab import comparisons, tables
from workflow_scripts.ticketlab.contracts.comparisons import COMPARISONS
from workflow_scripts.ticketlab.contracts.llc import LLC
from workflow_scripts.ticketlab.contracts.networks import METRICS
from workflow_scripts.ticketlab.contracts.overlap import OVERLAP
from workflow_scripts.ticketlab.contracts.roles import AGREEMENT
from workflow_scripts.ticketlab.contracts.structure import STRUCTURE
from workflow_scripts.ticketlab.jobs import logged
from workflow_scripts.ticketlab.settings.judging import JudgingSettings

snakemake: Snakemake  # put here by Snakemake

with logged(snakemake) as provenance:
    spec = snakemake.params.spec
    settings = JudgingSettings(**spec["judging"])
    metrics = tables.read_many(snakemake.input.metrics, METRICS)
    tickets = metrics[metrics["variant"] == "ticket"]
    densities = tickets.groupby("level")["density"].mean()
    rows = chain(
        comparisons.tickets(metrics, settings, spec["last_step"]),
        comparisons.supermasks(metrics, settings),
        comparisons.roles(tables.read(snakemake.input.agreement, AGREEMENT), settings),
        comparisons.structure(tables.read_many(snakemake.input.structure, STRUCTURE), settings),
        comparisons.learning_coefficients(tables.read_many(snakemake.input.llc, LLC), densities, settings),
        comparisons.masks(tables.read_many(snakemake.input.overlap, OVERLAP), settings),
    )
    frame = pd.DataFrame(rows).assign(study=spec["study"])
    tables.write(snakemake.output.comparisons, COMPARISONS, frame, provenance)
