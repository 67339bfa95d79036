"""The calibrations by instrument. Each has a module with `Settings` and `calibrate(settings)`: a table's rows."""

from importlib import import_module
from types import ModuleType

# Module paths rather than modules: an instrument's job loads its own calibration only, and depends on no other.
CALIBRATIONS = {
    "llc": "workflow_scripts.ticketlab.calibration.llc",
    "roles": "workflow_scripts.ticketlab.calibration.roles",
    "pruning": "workflow_scripts.ticketlab.calibration.pruning",
    "structure": "workflow_scripts.ticketlab.calibration.structure",
    "statistics": "workflow_scripts.ticketlab.calibration.statistics",
}


def module(instrument: str) -> ModuleType:
    return import_module(CALIBRATIONS[instrument])
