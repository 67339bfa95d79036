"""The figure of a study's LLC sweep, as PNG and SVG; the orderings behind it are printed to the log."""

from snakemake.script import Snakemake

from workflow_scripts.ticketlab import plotting, plotting_llc_sweep, tables
from workflow_scripts.ticketlab.contracts.llc import LLC_SWEEP
from workflow_scripts.ticketlab.jobs import logged
from workflow_scripts.ticketlab.llc_sweep import orderings
from workflow_scripts.ticketlab.settings.llc import LLCSettings

snakemake: Snakemake  # put here by Snakemake

with logged(snakemake):
    spec = snakemake.params.spec
    own = LLCSettings(**spec["llc"])
    frame = tables.read(snakemake.input.sweep, LLC_SWEEP)
    orders = orderings(frame, own)
    print(orders.to_string())
    plotting.save(plotting_llc_sweep.figure(frame, orders, own, spec["study"]), list(snakemake.output))
