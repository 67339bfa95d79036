"""Effective dimension and ticket size over seeds and deep linear networks."""

import pandas as pd
from snakemake.script import Snakemake

from workflow_scripts.ticketlab.core.job import logged
from workflow_scripts.ticketlab.experiments.dimension.summary import summary
from workflow_scripts.ticketlab.tables import files
from workflow_scripts.ticketlab.tables.schemas.dimension import DIMENSION, SIZES, SUBSPACES

snakemake: Snakemake  # put here by Snakemake

with logged(snakemake) as provenance:
    sizes = files.read(snakemake.input.sizes, SIZES)
    searches = files.read(snakemake.input.subspaces, SUBSPACES)
    frame = pd.DataFrame(summary(sizes, searches, snakemake.params.spec["alpha"]))
    files.write(snakemake.output.dimension, DIMENSION, frame, provenance)
    print(frame.to_string())
