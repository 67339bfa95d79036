"""A study's tables as estimates with intervals, the basis of its verdicts and figures."""

from itertools import chain

import pandas as pd
from snakemake.script import Snakemake

from workflow_scripts.ticketlab.core.job import logged
from workflow_scripts.ticketlab.settings.judging import JudgingSettings
from workflow_scripts.ticketlab.tables import files
from workflow_scripts.ticketlab.tables.schemas.comparisons import COMPARISONS
from workflow_scripts.ticketlab.tables.schemas.llc import LLC
from workflow_scripts.ticketlab.tables.schemas.networks import EXAMPLES, METRICS
from workflow_scripts.ticketlab.tables.schemas.overlap import OVERLAP
from workflow_scripts.ticketlab.tables.schemas.rates import RATE_EXAMPLES, RATES
from workflow_scripts.ticketlab.tables.schemas.roles import AGREEMENT, ROLE_HOLDERS
from workflow_scripts.ticketlab.tables.schemas.structure import RETAINED, STRUCTURE
from workflow_scripts.ticketlab.verdicts import comparisons

snakemake: Snakemake  # put here by Snakemake

with logged(snakemake) as provenance:
    spec = snakemake.params.spec
    settings = JudgingSettings(**spec["judging"])
    metrics = files.read_many(snakemake.input.metrics, METRICS)
    examples = files.read_many(snakemake.input.examples, EXAMPLES)
    by_example = comparisons.ends_by_example(examples, settings.metric)
    tickets = metrics[metrics["variant"] == "ticket"]
    densities = tickets.groupby("level")["density"].mean()
    tables = [files.read(path, RATES) for path in snakemake.input.rates]
    rates = pd.concat(tables) if tables else None
    at_rates = {1.0: by_example}
    if rates is not None:
        ends = files.read_many(snakemake.input.rate_examples, RATE_EXAMPLES)
        at_rates |= {rate: comparisons.ends_by_example(group, settings.metric) for rate, group in ends.groupby("rate")}
    rows = chain(
        comparisons.tickets(metrics, settings, spec["last_step"], by_example),
        () if rates is None else comparisons.best_rates(metrics, rates, settings, spec["last_step"], at_rates),
        comparisons.emptied(metrics),
        comparisons.supermasks(metrics, settings, by_example, rates, at_rates),
        comparisons.roles(files.read(snakemake.input.agreement, AGREEMENT), settings),
        comparisons.changed_roles(files.read(snakemake.input.holders, ROLE_HOLDERS), settings),
        comparisons.structure(
            files.read_many(snakemake.input.structure, STRUCTURE),
            files.read_many(snakemake.input.retained, RETAINED),
            settings,
        ),
        comparisons.learning_coefficients(files.read_many(snakemake.input.llc, LLC), densities, settings),
        comparisons.masks(files.read_many(snakemake.input.overlap, OVERLAP), settings),
    )
    frame = pd.DataFrame(rows).assign(study=spec["study"])
    files.write(snakemake.output.comparisons, COMPARISONS, frame, provenance)
