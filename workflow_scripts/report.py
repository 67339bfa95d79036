"""The report page, and the config that everything was made with beside it."""

from pathlib import Path

from snakemake.script import Snakemake

from workflow_scripts.ticketlab import reporting, tables
from workflow_scripts.ticketlab.config import Config
from workflow_scripts.ticketlab.contracts.calibration import CALIBRATION
from workflow_scripts.ticketlab.contracts.clock import CLOCK
from workflow_scripts.ticketlab.contracts.comparisons import COMPARISONS
from workflow_scripts.ticketlab.contracts.predictions import PREDICTIONS
from workflow_scripts.ticketlab.contracts.verdicts import VERDICTS
from workflow_scripts.ticketlab.jobs import logged

snakemake: Snakemake  # put here by Snakemake

with logged(snakemake):
    config = Config(**snakemake.params.spec["config"])
    results = Path(snakemake.output.report).parent
    page = reporting.page(
        config,
        comparisons=tables.read_many(snakemake.input.comparisons, COMPARISONS),
        verdicts=tables.read(snakemake.input.verdicts, VERDICTS),
        calibration=tables.read_many(snakemake.input.calibration, CALIBRATION),
        clock_rows=tables.read(snakemake.input.clock, CLOCK),
        predictions=tables.read(snakemake.input.predictions, PREDICTIONS),
        figures={Path(path).stem: Path(path).read_bytes() for path in snakemake.input.figures},
        calibration_figures={
            Path(path).stem.removeprefix("calibration_"): Path(path).read_bytes()
            for path in snakemake.input.calibration_figures
        },
        times=reporting.run_times(results / "benchmarks", config.names()),
        origin=tables.facts(snakemake.input.verdicts, VERDICTS),
        commit=reporting.commit(),
    )
    template = Path(snakemake.input.template).read_text(encoding="utf-8")
    Path(snakemake.output.report).write_text(reporting.render(template, page), encoding="utf-8")
    Path(snakemake.output.config).write_text(reporting.config_yaml(config), encoding="utf-8")
