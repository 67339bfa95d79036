"""The prediction table of all studies."""

from snakemake.script import Snakemake

from workflow_scripts.ticketlab import predictions, tables
from workflow_scripts.ticketlab.contracts.comparisons import COMPARISONS
from workflow_scripts.ticketlab.contracts.predictions import PREDICTIONS
from workflow_scripts.ticketlab.contracts.verdicts import VERDICTS
from workflow_scripts.ticketlab.jobs import logged

snakemake: Snakemake  # put here by Snakemake

with logged(snakemake) as provenance:
    comparisons = tables.read_many(snakemake.input.comparisons, COMPARISONS)
    verdicts = tables.read(snakemake.input.verdicts, VERDICTS)
    table = predictions.predict(comparisons, verdicts, snakemake.params.spec["studies"])
    tables.write(snakemake.output.predictions, PREDICTIONS, table, provenance)
    print(table[["study", "prediction", "quantity", "dose", "ci_low", "ci_high", "verdict"]].to_string())
