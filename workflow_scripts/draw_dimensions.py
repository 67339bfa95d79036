"""The figure of effective dimension and ticket size, as PNG and SVG."""

from snakemake.script import Snakemake

from workflow_scripts.ticketlab import plotting, plotting_dimensions, tables
from workflow_scripts.ticketlab.contracts.dimensions import DIMENSIONS
from workflow_scripts.ticketlab.jobs import logged

snakemake: Snakemake  # put here by Snakemake

with logged(snakemake):
    frame = tables.read(snakemake.input.dimensions, DIMENSIONS)
    spec = snakemake.params.spec
    drawn = plotting_dimensions.figure(frame, spec["judging"], spec["change_tolerance"])
    plotting.save(drawn, snakemake.output.figures)
