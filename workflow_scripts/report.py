"""The report page, and next to it the config of the whole run."""

from pathlib import Path

from snakemake.script import Snakemake

from workflow_scripts.ticketlab.config.study import Config
from workflow_scripts.ticketlab.core.job import logged
from workflow_scripts.ticketlab.report import page as report_page
from workflow_scripts.ticketlab.tables import files
from workflow_scripts.ticketlab.tables.schemas.calibration import CALIBRATION
from workflow_scripts.ticketlab.tables.schemas.clock import CLOCK
from workflow_scripts.ticketlab.tables.schemas.comparisons import COMPARISONS
from workflow_scripts.ticketlab.tables.schemas.predictions import PREDICTIONS
from workflow_scripts.ticketlab.tables.schemas.verdicts import VERDICTS

snakemake: Snakemake  # put here by Snakemake

with logged(snakemake):
    config = Config(**snakemake.params.spec["config"])
    results = Path(snakemake.output.report).parent
    page = report_page.page(
        config,
        comparisons=files.read_many(snakemake.input.comparisons, COMPARISONS),
        verdicts=files.read(snakemake.input.verdicts, VERDICTS),
        calibration=files.read_many(snakemake.input.calibration, CALIBRATION),
        clock_rows=files.read(snakemake.input.clock, CLOCK),
        predictions=files.read(snakemake.input.predictions, PREDICTIONS),
        figures={Path(path).stem: Path(path).read_bytes() for path in snakemake.input.figures},
        captions={Path(path).stem: Path(path).read_text(encoding="utf-8") for path in snakemake.input.captions},
        calibration_figures={
            Path(path).stem.removeprefix("calibration_"): Path(path).read_bytes()
            for path in snakemake.input.calibration_figures
        },
        times=report_page.run_times(results / "benchmarks", config.names()),
        origin=files.facts(snakemake.input.verdicts, VERDICTS),
        commit=report_page.commit(),
    )
    template = Path(snakemake.input.template).read_text(encoding="utf-8")
    Path(snakemake.output.report).write_text(report_page.render(template, page), encoding="utf-8")
    Path(snakemake.output.config).write_text(report_page.config_yaml(config), encoding="utf-8")
