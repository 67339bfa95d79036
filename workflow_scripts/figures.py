"""Every figure, as PNG and SVG."""

from pathlib import Path

from snakemake.script import Snakemake

from workflow_scripts.ticketlab import plotting, tables
from workflow_scripts.ticketlab.contracts.comparisons import COMPARISONS
from workflow_scripts.ticketlab.contracts.verdicts import VERDICTS
from workflow_scripts.ticketlab.jobs import logged

snakemake: Snakemake  # put here by Snakemake

with logged(snakemake):
    comparisons = tables.read_many(snakemake.input.comparisons, COMPARISONS)
    verdicts = tables.read(snakemake.input.verdicts, VERDICTS)
    for name in plotting.FIGURES:
        figure = plotting.draw(name, comparisons, verdicts, snakemake.params.spec["studies"])
        plotting.save(figure, [path for path in snakemake.output.figures if Path(path).stem == name])
