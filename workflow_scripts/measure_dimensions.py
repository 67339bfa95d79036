"""At one size of a study's model: the smallest subspaces, trainable sets and tickets that do as well as dense; 2λ̂."""

from snakemake.script import Snakemake

from workflow_scripts.ticketlab import network_dimensions, tables
from workflow_scripts.ticketlab.contracts.dimensions import SIZES, SUBSPACES
from workflow_scripts.ticketlab.jobs import logged
from workflow_scripts.ticketlab.settings.dimension import CellSettings
from workflow_scripts.ticketlab.settings.llc import LLCSettings
from workflow_scripts.ticketlab.settings.training import TrainingSettings
from workflow_scripts.ticketlab.study import open_study

snakemake: Snakemake  # put here by Snakemake

with logged(snakemake) as provenance:
    spec = snakemake.params.spec
    tried, sizes = network_dimensions.measure(
        open_study(spec, snakemake.input.data),
        spec["cell"],
        CellSettings(**spec["dimension"]),
        TrainingSettings(**spec["training"]),
        LLCSettings(**spec["llc"]),
        spec["judging"],
    )
    tables.write(snakemake.output.subspaces, SUBSPACES, tried, provenance)
    tables.write(snakemake.output.sizes, SIZES, sizes, provenance)
    print(sizes.to_string())
