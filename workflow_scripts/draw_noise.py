"""The figure of the doses of noise, as PNG and SVG."""

from snakemake.script import Snakemake

from workflow_scripts.ticketlab import plotting, plotting_noise, tables
from workflow_scripts.ticketlab.contracts.noise import NOISE
from workflow_scripts.ticketlab.jobs import logged

snakemake: Snakemake  # put here by Snakemake

with logged(snakemake):
    frame = tables.read_many(snakemake.input.noise, NOISE)
    plotting.save(plotting_noise.figure(frame, snakemake.params.spec["studies"]), snakemake.output.figures)
