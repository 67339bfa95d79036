"""The verdict table of all studies."""

from snakemake.script import Snakemake

from workflow_scripts.ticketlab import tables, verdicts
from workflow_scripts.ticketlab.jobs import logged

snakemake: Snakemake  # put here by Snakemake

with logged(snakemake) as provenance:
    checks = tables.read_many(snakemake.input.calibration, "calibration")
    comparisons = tables.read_many(snakemake.input.comparisons, "comparisons")
    table = verdicts.judge(comparisons, snakemake.params.spec["studies"], checks)
    tables.write(snakemake.output.verdicts, "verdicts", table, provenance)
    print(table[["study", "test", "claim", "estimate", "ci_low", "ci_high", "decision"]].to_string())
