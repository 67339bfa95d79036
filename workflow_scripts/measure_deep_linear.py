"""Sizes in deep linear networks, with their exact 2λ."""

import pandas as pd
from snakemake.script import Snakemake

from workflow_scripts.ticketlab.core.job import logged
from workflow_scripts.ticketlab.experiments.dimension.measure import measure
from workflow_scripts.ticketlab.settings.dimension import DimensionSettings
from workflow_scripts.ticketlab.tables import files
from workflow_scripts.ticketlab.tables.schemas.dimension import SIZES, SUBSPACES

snakemake: Snakemake  # put here by Snakemake

with logged(snakemake) as provenance:
    settings = DimensionSettings(**snakemake.params.spec)
    parts = [measure(network, settings) for network in settings.networks]
    for index, (path, table) in enumerate(((snakemake.output.subspaces, SUBSPACES), (snakemake.output.sizes, SIZES))):
        files.write(path, table, pd.DataFrame([row for part in parts for row in part[index]]), provenance)
