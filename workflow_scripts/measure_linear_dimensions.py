"""Sizes in deep linear networks beside their exact 2λ."""

import pandas as pd
from snakemake.script import Snakemake

from workflow_scripts.ticketlab import linear_dimensions, tables
from workflow_scripts.ticketlab.contracts.dimensions import LINEAR, SIZES, SUBSPACES
from workflow_scripts.ticketlab.jobs import logged
from workflow_scripts.ticketlab.settings.dimension import LinearDimensionSettings

snakemake: Snakemake  # put here by Snakemake

with logged(snakemake) as provenance:
    settings = LinearDimensionSettings(**snakemake.params.spec)
    parts = [linear_dimensions.measure(network, settings) for network in settings.networks]
    for index, (path, table) in enumerate(((snakemake.output.subspaces, SUBSPACES), (snakemake.output.sizes, SIZES))):
        frame = pd.DataFrame([row for part in parts for row in part[index]]).assign(study=LINEAR)
        tables.write(path, table, frame, provenance)
