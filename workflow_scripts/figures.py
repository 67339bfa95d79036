"""Every figure of comparisons and verdicts, as PNG and SVG."""

from pathlib import Path

from snakemake.script import Snakemake

from workflow_scripts.ticketlab import plotting, tables
from workflow_scripts.ticketlab.contracts.comparisons import COMPARISONS
from workflow_scripts.ticketlab.contracts.verdicts import VERDICTS
from workflow_scripts.ticketlab.jobs import logged
from workflow_scripts.ticketlab.plotting_figures import FIGURES

snakemake: Snakemake  # put here by Snakemake

with logged(snakemake):
    comparisons = tables.read_many(snakemake.input.comparisons, COMPARISONS)
    verdicts = tables.read(snakemake.input.verdicts, VERDICTS)
    for name, figure in FIGURES.items():
        drawn = plotting.draw(figure, comparisons, verdicts, snakemake.params.spec["studies"])
        plotting.save(drawn, [path for path in snakemake.output.figures if Path(path).stem == name])
