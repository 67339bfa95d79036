"""Effective dimension and ticket size over seeds and cells, and their changes under rotations."""

import pandas as pd
from snakemake.script import Snakemake

from workflow_scripts.ticketlab.core.job import logged
from workflow_scripts.ticketlab.experiments.dimension import summary
from workflow_scripts.ticketlab.tables import files
from workflow_scripts.ticketlab.tables.schemas.dimension import DIMENSION, ROTATIONS, SIZES, SUBSPACES

snakemake: Snakemake  # put here by Snakemake

with logged(snakemake) as provenance:
    spec = snakemake.params.spec
    sizes = files.read_many(snakemake.input.sizes, SIZES)
    searches = files.read(snakemake.input.searches, SUBSPACES)
    rows = [*summary.summary(sizes, searches, spec["alpha"])]
    for path in snakemake.input.rotations:
        rotated = files.read(path, ROTATIONS)
        rows += summary.of_rotations(rotated, spec["margins"][rotated["study"].iloc[0]], spec["alpha"])
    frame = pd.DataFrame(rows)
    files.write(snakemake.output.dimension, DIMENSION, frame, provenance)
    print(frame.to_string())
