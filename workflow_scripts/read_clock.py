"""The developmental clock: when each quantity is determined, in every study, and in which order."""

import pandas as pd
from snakemake.script import Snakemake

from workflow_scripts.ticketlab import clock, tables
from workflow_scripts.ticketlab.contracts.barriers import BARRIERS
from workflow_scripts.ticketlab.contracts.clock import CLOCK
from workflow_scripts.ticketlab.contracts.llc import LLC
from workflow_scripts.ticketlab.contracts.networks import METRICS
from workflow_scripts.ticketlab.contracts.overlap import OVERLAP
from workflow_scripts.ticketlab.contracts.roles import AGREEMENT
from workflow_scripts.ticketlab.contracts.structure import STRUCTURE
from workflow_scripts.ticketlab.jobs import logged

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
    found = {name: tables.read_many(snakemake.input[name], contract) for name, contract in CONTRACTS.items()}
    frame: pd.DataFrame = clock.read(found, snakemake.params.spec["studies"])
    tables.write(snakemake.output.clock, CLOCK, frame, provenance)
    print(frame.to_string())
