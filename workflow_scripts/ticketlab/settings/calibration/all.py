"""The calibrations of the instruments: one section each, all with defaults."""

from workflow_scripts.ticketlab.settings.base import Section
from workflow_scripts.ticketlab.settings.calibration.llc import LLCCalibrationSettings
from workflow_scripts.ticketlab.settings.calibration.pruning import PruningCalibrationSettings
from workflow_scripts.ticketlab.settings.calibration.roles import RolesCalibrationSettings
from workflow_scripts.ticketlab.settings.calibration.statistics import StatisticsCalibrationSettings
from workflow_scripts.ticketlab.settings.calibration.structure import StructureCalibrationSettings


class CalibrationSettings(Section):
    llc: LLCCalibrationSettings = LLCCalibrationSettings()
    roles: RolesCalibrationSettings = RolesCalibrationSettings()
    pruning: PruningCalibrationSettings = PruningCalibrationSettings()
    structure: StructureCalibrationSettings = StructureCalibrationSettings()
    statistics: StatisticsCalibrationSettings = StatisticsCalibrationSettings()
