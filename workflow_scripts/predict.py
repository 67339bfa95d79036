"""The prediction table of all studies."""

from snakemake.script import Snakemake

from workflow_scripts.ticketlab import fates, predictions, tables
from workflow_scripts.ticketlab.contracts.comparisons import COMPARISONS
from workflow_scripts.ticketlab.contracts.fates import FATES
from workflow_scripts.ticketlab.contracts.predictions import PREDICTIONS
from workflow_scripts.ticketlab.contracts.verdicts import VERDICTS
from workflow_scripts.ticketlab.jobs import logged
from workflow_scripts.ticketlab.settings.judging import JudgingSettings

snakemake: Snakemake  # put here by Snakemake

with logged(snakemake) as provenance:
    comparisons = tables.read_many(snakemake.input.comparisons, COMPARISONS)
    verdicts = tables.read(snakemake.input.verdicts, VERDICTS)
    studies = snakemake.params.spec["studies"]
    judging = {study: JudgingSettings(**settings["judging"]) for study, settings in studies.items()}
    further = [row for path in snakemake.input.fates for row in fates.foretold(tables.read(path, FATES), judging)]
    table = predictions.predict(comparisons, verdicts, studies, further)
    tables.write(snakemake.output.predictions, PREDICTIONS, table, provenance)
    print(table[["study", "prediction", "quantity", "dose", "ci_low", "ci_high", "verdict"]].to_string())
