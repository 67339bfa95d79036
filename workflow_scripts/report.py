"""The report page, and next to it the config of the whole run."""

from pathlib import Path

from snakemake.script import Snakemake

from workflow_scripts.ticketlab.config import rule_params
from workflow_scripts.ticketlab.config.study import Config
from workflow_scripts.ticketlab.core.job import logged
from workflow_scripts.ticketlab.instruments.role_holders import OF_HEADS, OF_UNITS
from workflow_scripts.ticketlab.report.page import document, provenance
from workflow_scripts.ticketlab.tables import files
from workflow_scripts.ticketlab.tables.schemas.calibration import CALIBRATION
from workflow_scripts.ticketlab.tables.schemas.clock import CLOCK
from workflow_scripts.ticketlab.tables.schemas.comparisons import COMPARISONS
from workflow_scripts.ticketlab.tables.schemas.predictions import PREDICTIONS
from workflow_scripts.ticketlab.tables.schemas.roles import ROLES
from workflow_scripts.ticketlab.tables.schemas.verdicts import VERDICTS

snakemake: Snakemake  # put here by Snakemake

with logged(snakemake):
    config = Config(**snakemake.params.spec["config"])
    results = Path(snakemake.output.report).parent
    page = document.page(
        config,
        rule_params.figures(config)["studies"],
        comparisons=files.read_many(snakemake.input.comparisons, COMPARISONS),
        verdicts=files.read(snakemake.input.verdicts, VERDICTS),
        calibration=files.read_many(snakemake.input.calibration, CALIBRATION),
        clock_rows=files.read(snakemake.input.clock, CLOCK),
        predictions=files.read(snakemake.input.predictions, PREDICTIONS),
        roles=files.read_many(snakemake.input.roles, ROLES),
        families=(*OF_HEADS, *OF_UNITS),
        figures={Path(path).stem: Path(path).read_bytes() for path in snakemake.input.figures},
        captions={Path(path).stem: Path(path).read_text(encoding="utf-8") for path in snakemake.input.captions},
        calibration_figures={
            Path(path).stem.removeprefix("calibration_"): Path(path).read_bytes()
            for path in snakemake.input.calibration_figures
        },
        times=provenance.run_times(results / "benchmarks", config.names()),
        origin=files.facts(snakemake.input.verdicts, VERDICTS),
        commit=provenance.commit(),
    )
    sources = document.Sources(
        *(Path(snakemake.input[part]).read_text(encoding="utf-8") for part in ("template", "style", "script"))
    )
    Path(snakemake.output.report).write_text(document.render(sources, page), encoding="utf-8")
    Path(snakemake.output.config).write_text(provenance.config_yaml(config), encoding="utf-8")
