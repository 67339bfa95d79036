"""The figures by name. Each has a module with READS, a table for each named input, and `of_tables(tables, spec)`."""

from collections.abc import Iterable
from importlib import import_module
from types import ModuleType

# Module paths rather than modules: a job loads only the figures that it draws, and depends on no other.
FIGURES = {
    "tickets": "workflow_scripts.ticketlab.report.figures.tickets",
    "strong_form": "workflow_scripts.ticketlab.report.figures.strong_form",
    "roles": "workflow_scripts.ticketlab.report.figures.roles",
    "role_courses": "workflow_scripts.ticketlab.report.figures.role_courses",
    "transience": "workflow_scripts.ticketlab.report.figures.transience",
    "llc": "workflow_scripts.ticketlab.report.figures.llc",
    "llc_scales": "workflow_scripts.ticketlab.report.figures.llc_scales",
    "clock": "workflow_scripts.ticketlab.report.figures.clock",
    "noise": "workflow_scripts.ticketlab.report.figures.noise",
    "development": "workflow_scripts.ticketlab.report.figures.development",
    "resampling": "workflow_scripts.ticketlab.report.figures.resampling",
    "forecast": "workflow_scripts.ticketlab.report.figures.forecast",
    "compression": "workflow_scripts.ticketlab.report.figures.compression",
    "dimension": "workflow_scripts.ticketlab.report.figures.dimension",
    "rate_sweep": "workflow_scripts.ticketlab.report.figures.rate_sweep",
    "llc_sweep": "workflow_scripts.ticketlab.report.figures.llc_sweep",
    "calibration_llc": "workflow_scripts.ticketlab.report.figures.calibration.llc",
    "calibration_roles": "workflow_scripts.ticketlab.report.figures.calibration.roles",
    "calibration_pruning": "workflow_scripts.ticketlab.report.figures.calibration.pruning",
    "calibration_structure": "workflow_scripts.ticketlab.report.figures.calibration.structure",
    "calibration_statistics": "workflow_scripts.ticketlab.report.figures.calibration.statistics",
}


def of_file(stem: str, studies: Iterable[str]) -> tuple[str, str]:
    """The name of the figure in a file, and the study that it is of; "" if it is of all."""
    if stem in FIGURES:
        return stem, ""
    cut = ((stem.removesuffix(f"_{study}"), study) for study in studies if stem.endswith(f"_{study}"))
    return next(((name, study) for name, study in cut if name in FIGURES), (stem, ""))


def module(name: str) -> ModuleType:
    return import_module(FIGURES[name])
