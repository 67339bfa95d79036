"""The figure of the transients' fate in tickets, as PNG and SVG."""

from snakemake.script import Snakemake

from workflow_scripts.ticketlab import plotting, plotting_fate, tables
from workflow_scripts.ticketlab.contracts.fates import FATES
from workflow_scripts.ticketlab.jobs import logged

snakemake: Snakemake  # put here by Snakemake

with logged(snakemake):
    frame = tables.read(snakemake.input.fates, FATES)
    plotting.save(plotting_fate.figure(frame, snakemake.params.spec["studies"]), snakemake.output.figures)
