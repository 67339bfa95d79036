"""Sizes in deep linear networks, with their exact 2λ."""

import pandas as pd
from snakemake.script import Snakemake

from workflow_scripts.ticketlab.core.job import logged
from workflow_scripts.ticketlab.experiments.dimension import of_deep_linear
from workflow_scripts.ticketlab.settings.dimension import LinearDimensionSettings
from workflow_scripts.ticketlab.tables import files
from workflow_scripts.ticketlab.tables.schemas.dimension import LINEAR, SIZES, SUBSPACES

snakemake: Snakemake  # put here by Snakemake

with logged(snakemake) as provenance:
    settings = LinearDimensionSettings(**snakemake.params.spec)
    parts = [of_deep_linear.measure(network, settings) for network in settings.networks]
    for index, (path, table) in enumerate(((snakemake.output.subspaces, SUBSPACES), (snakemake.output.sizes, SIZES))):
        frame = pd.DataFrame([row for part in parts for row in part[index]]).assign(study=LINEAR)
        files.write(path, table, frame, provenance)
