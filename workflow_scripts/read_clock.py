"""The developmental clock: when, and in which order, each quantity of every study is determined."""

import pandas as pd
from snakemake.script import Snakemake

from workflow_scripts.ticketlab.core.job import logged
from workflow_scripts.ticketlab.tables import files
from workflow_scripts.ticketlab.tables.schemas.barriers import BARRIERS
from workflow_scripts.ticketlab.tables.schemas.clock import CLOCK
from workflow_scripts.ticketlab.tables.schemas.llc import LLC
from workflow_scripts.ticketlab.tables.schemas.networks import METRICS
from workflow_scripts.ticketlab.tables.schemas.overlap import OVERLAP
from workflow_scripts.ticketlab.tables.schemas.roles import AGREEMENT
from workflow_scripts.ticketlab.tables.schemas.structure import STRUCTURE
from workflow_scripts.ticketlab.verdicts import clock

snakemake: Snakemake  # put here by Snakemake

CONTRACTS = {
    "llc": LLC,
    "structure": STRUCTURE,
    "overlap": OVERLAP,
    "metrics": METRICS,
    "agreements": AGREEMENT,
    "barriers": BARRIERS,
}

with logged(snakemake) as provenance:
    found = {name: files.read_many(snakemake.input[name], contract) for name, contract in CONTRACTS.items()}
    frame: pd.DataFrame = clock.read(found, snakemake.params.spec["studies"])
    files.write(snakemake.output.clock, CLOCK, frame, provenance)
    print(frame.to_string())
