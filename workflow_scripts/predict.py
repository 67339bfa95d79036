"""The prediction table of all studies."""

from snakemake.script import Snakemake

from workflow_scripts.ticketlab import dimensions, fates, origins, predictions, tables
from workflow_scripts.ticketlab.contracts.comparisons import COMPARISONS
from workflow_scripts.ticketlab.contracts.dimensions import DIMENSIONS
from workflow_scripts.ticketlab.contracts.fates import FATES
from workflow_scripts.ticketlab.contracts.origins import FORETOLD, RESAMPLE
from workflow_scripts.ticketlab.contracts.predictions import PREDICTIONS
from workflow_scripts.ticketlab.contracts.verdicts import VERDICTS
from workflow_scripts.ticketlab.jobs import logged
from workflow_scripts.ticketlab.settings.dimension import LinearDimensionSettings
from workflow_scripts.ticketlab.settings.foretelling import ForetellingSettings
from workflow_scripts.ticketlab.settings.judging import JudgingSettings

snakemake: Snakemake  # put here by Snakemake

with logged(snakemake) as provenance:
    spec, files = snakemake.params.spec, snakemake.input
    judging = {study: JudgingSettings(**settings["judging"]) for study, settings in spec["studies"].items()}
    foretelling = {study: ForetellingSettings(**settings) for study, settings in spec["foretelling"].items()}
    further = [
        *(row for path in files.fates for row in fates.foretold(tables.read(path, FATES), judging)),
        *(row for path in files.resample for row in origins.predictions_of_parts(tables.read(path, RESAMPLE), judging)),
        *(
            row
            for path in files.foretold
            for row in origins.predictions_of_roles(tables.read(path, FORETOLD), foretelling)
        ),
        *dimensions.predictions(
            tables.read(files.dimensions, DIMENSIONS), LinearDimensionSettings(**spec["dimension"])
        ),
    ]
    comparisons = tables.read_many(files.comparisons, COMPARISONS)
    table = predictions.predict(comparisons, tables.read(files.verdicts, VERDICTS), spec["studies"], further)
    tables.write(snakemake.output.predictions, PREDICTIONS, table, provenance)
    print(table[["study", "prediction", "quantity", "dose", "ci_low", "ci_high", "verdict"]].to_string())
