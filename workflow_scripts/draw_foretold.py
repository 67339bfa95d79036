"""The figure of the roles that are foretold, as PNG and SVG."""

from snakemake.script import Snakemake

from workflow_scripts.ticketlab import plotting, plotting_origins, tables
from workflow_scripts.ticketlab.contracts.origins import FORETOLD
from workflow_scripts.ticketlab.jobs import logged

snakemake: Snakemake  # put here by Snakemake

with logged(snakemake):
    frame = tables.read_many(snakemake.input.foretold, FORETOLD)
    figure = plotting_origins.roles(frame, snakemake.params.spec["foretelling"])
    plotting.save(figure, snakemake.output.figures)
