"""Effective dimension and ticket size over seeds and cells, and what rotations change."""

import pandas as pd
from snakemake.script import Snakemake

from workflow_scripts.ticketlab import dimensions, tables
from workflow_scripts.ticketlab.contracts.dimensions import DIMENSIONS, ROTATIONS, SIZES, SUBSPACES
from workflow_scripts.ticketlab.jobs import logged

snakemake: Snakemake  # put here by Snakemake

with logged(snakemake) as provenance:
    spec = snakemake.params.spec
    sizes = tables.read_many(snakemake.input.sizes, SIZES)
    searches = tables.read(snakemake.input.searches, SUBSPACES)
    rows = [*dimensions.summary(sizes, searches, spec["alpha"])]
    for path in snakemake.input.rotations:
        rotated = tables.read(path, ROTATIONS)
        rows += dimensions.of_rotations(rotated, spec["margins"][rotated["study"].iloc[0]], spec["alpha"])
    frame = pd.DataFrame(rows)
    tables.write(snakemake.output.dimensions, DIMENSIONS, frame, provenance)
    print(frame.to_string())
