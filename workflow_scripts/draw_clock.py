"""The figure of the developmental clock, as PNG and SVG."""

import pandas as pd
from snakemake.script import Snakemake

from workflow_scripts.ticketlab import comparisons, plotting, plotting_clock, tables
from workflow_scripts.ticketlab.contracts.barriers import BARRIERS
from workflow_scripts.ticketlab.contracts.clock import CLOCK
from workflow_scripts.ticketlab.contracts.comparisons import COMPARISONS
from workflow_scripts.ticketlab.jobs import logged

snakemake: Snakemake  # put here by Snakemake

with logged(snakemake):
    studies = snakemake.params.spec["studies"]
    courses = [tables.read_many(snakemake.input.comparisons, COMPARISONS)]
    for study, rows in tables.read_many(snakemake.input.barriers, BARRIERS).groupby("study"):
        alpha = studies[study]["judging"]["alpha"]
        courses.append(pd.DataFrame(comparisons.barriers(rows, alpha)).assign(study=study))
    clock = tables.read(snakemake.input.clock, CLOCK)
    figure = plotting.draw(plotting_clock.figure, pd.concat(courses, ignore_index=True), clock, studies)
    plotting.save(figure, snakemake.output.figures)
