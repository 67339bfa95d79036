"""The verdict table of all studies."""

from snakemake.script import Snakemake

from workflow_scripts.ticketlab import tables, verdicts
from workflow_scripts.ticketlab.contracts.calibration import CALIBRATION
from workflow_scripts.ticketlab.contracts.comparisons import COMPARISONS
from workflow_scripts.ticketlab.contracts.verdicts import VERDICTS
from workflow_scripts.ticketlab.jobs import logged

snakemake: Snakemake  # put here by Snakemake

with logged(snakemake) as provenance:
    checks = tables.read_many(snakemake.input.calibration, CALIBRATION)
    comparisons = tables.read_many(snakemake.input.comparisons, COMPARISONS)
    table = verdicts.judge(comparisons, snakemake.params.spec["studies"], checks)
    tables.write(snakemake.output.verdicts, VERDICTS, table, provenance)
    print(table[["study", "test", "claim", "estimate", "ci_low", "ci_high", "decision"]].to_string())
