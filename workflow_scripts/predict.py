"""The prediction table of all studies."""

from snakemake.script import Snakemake

from workflow_scripts.ticketlab.core.job import logged
from workflow_scripts.ticketlab.experiments.compression import predictions as compression
from workflow_scripts.ticketlab.experiments.development import predictions as development
from workflow_scripts.ticketlab.experiments.dimension import predictions as dimension
from workflow_scripts.ticketlab.experiments.forecast import predictions as forecast
from workflow_scripts.ticketlab.experiments.resampling import predictions as resampling
from workflow_scripts.ticketlab.settings.compression import CompressionSettings
from workflow_scripts.ticketlab.settings.dimension import DimensionSettings
from workflow_scripts.ticketlab.settings.forecast import ForecastSettings
from workflow_scripts.ticketlab.settings.judging import JudgingSettings
from workflow_scripts.ticketlab.tables import files
from workflow_scripts.ticketlab.tables.schemas.calibration import CALIBRATION
from workflow_scripts.ticketlab.tables.schemas.comparisons import COMPARISONS
from workflow_scripts.ticketlab.tables.schemas.compression import COMPRESSION
from workflow_scripts.ticketlab.tables.schemas.development import DEVELOPMENT
from workflow_scripts.ticketlab.tables.schemas.dimension import DIMENSION
from workflow_scripts.ticketlab.tables.schemas.forecast import FORECAST
from workflow_scripts.ticketlab.tables.schemas.predictions import PREDICTIONS
from workflow_scripts.ticketlab.tables.schemas.resampling import RESAMPLING
from workflow_scripts.ticketlab.tables.schemas.verdicts import VERDICTS
from workflow_scripts.ticketlab.verdicts import predictions

snakemake: Snakemake  # put here by Snakemake

with logged(snakemake) as provenance:
    spec, inputs = snakemake.params.spec, snakemake.input
    judging = {study: JudgingSettings(**settings["judging"]) for study, settings in spec["studies"].items()}
    forecasting = {study: ForecastSettings(**settings) for study, settings in spec["forecast"].items()}
    compressing = {study: CompressionSettings(**settings) for study, settings in spec["compression"].items()}
    alpha = {study: settings.alpha for study, settings in judging.items()}
    verdicts = files.read(inputs.verdicts, VERDICTS)
    winning = predictions.winning_densities(verdicts, judging)
    further = [
        *(
            row
            for path in inputs.development
            for row in development.predictions(files.read(path, DEVELOPMENT), judging, winning)
        ),
        *(
            row
            for path in inputs.resampling
            for row in resampling.predictions_of_parts(files.read(path, RESAMPLING), judging)
        ),
        *(
            row
            for path in inputs.forecast
            for row in forecast.predictions_of_roles(files.read(path, FORECAST), forecasting)
        ),
        *compression.predictions(files.read_many(inputs.compression, COMPRESSION), compressing, alpha),
        *dimension.predictions(files.read(inputs.dimension, DIMENSION), DimensionSettings(**spec["dimension"])),
    ]
    comparisons = files.read_many(inputs.comparisons, COMPARISONS)
    checks = files.read_many(inputs.calibration, CALIBRATION)
    table = predictions.predict(comparisons, verdicts, spec["studies"], checks, further)
    files.write(snakemake.output.predictions, PREDICTIONS, table, provenance)
    print(table[["study", "prediction", "quantity", "dose", "ci_low", "ci_high", "verdict"]].to_string())
