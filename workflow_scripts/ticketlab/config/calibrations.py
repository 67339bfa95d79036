"""Which file holds the calibration of each instrument: one for all results that rest on the same settings.

Calibrations are in a folder of their own (the config's key `calibrations`) and not with the results of one run. A file
has the name of its instrument if the settings are those of config.yaml, and otherwise a digest of the settings too: so
runs with other settings keep theirs side by side. Code and packages are not in the name. Where they change, Snakemake
makes the file again.
"""

import json
from hashlib import sha256

from workflow_scripts.ticketlab.config.rule_params import calibrate
from workflow_scripts.ticketlab.config.study import Config
from workflow_scripts.ticketlab.core.instruments import INSTRUMENTS

# Below the folder of calibrations: a job's table, and what its time and memory are written to.
PATTERN = "calibration/{instrument}{settings}.parquet"
BENCHMARK = "benchmarks/calibrate/{instrument}{settings}.tsv"
DIGITS = 8


def settings_names(config: Config, shipped: Config) -> dict[str, str]:
    """By instrument what its file's name says of its settings: nothing if they are those of `shipped`."""

    def rests_on(config: Config, instrument: str) -> str:
        return json.dumps([calibrate(config, instrument), config.numerics], sort_keys=True)

    def name(instrument: str) -> str:
        own = rests_on(config, instrument)
        return "" if own == rests_on(shipped, instrument) else f"-{sha256(own.encode()).hexdigest()[:DIGITS]}"

    return {instrument: name(instrument) for instrument in INSTRUMENTS}


def paths(config: Config, shipped: Config, pattern: str = PATTERN) -> list[str]:
    """The tables `calibration` of this config, in the order of the instruments. shipped: config.yaml alone.

    pattern: BENCHMARK for the benchmark files of the jobs that made them.
    """
    names = settings_names(config, shipped).items()
    return [f"{config.calibrations}/{pattern.format(instrument=name, settings=key)}" for name, key in names]
