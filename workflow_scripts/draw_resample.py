"""The figure of what each part of θ₀ keeps, as PNG and SVG."""

from snakemake.script import Snakemake

from workflow_scripts.ticketlab import plotting, plotting_origins, tables
from workflow_scripts.ticketlab.contracts.origins import RESAMPLE
from workflow_scripts.ticketlab.jobs import logged

snakemake: Snakemake  # put here by Snakemake

with logged(snakemake):
    frame = tables.read(snakemake.input.resample, RESAMPLE)
    figure = plotting_origins.parts(frame, snakemake.params.spec["judging"])
    plotting.save(figure, snakemake.output.figures)
