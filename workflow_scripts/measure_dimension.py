"""The smallest subspaces, trainable sets and tickets that do as well as dense, and 2λ̂, at one size of a model."""

from snakemake.script import Snakemake

from workflow_scripts.ticketlab.core.job import logged
from workflow_scripts.ticketlab.experiments.dimension import of_networks
from workflow_scripts.ticketlab.settings.dimension import CellSettings
from workflow_scripts.ticketlab.settings.llc import LLCSettings
from workflow_scripts.ticketlab.settings.training import TrainingSettings
from workflow_scripts.ticketlab.tables import files
from workflow_scripts.ticketlab.tables.schemas.dimension import SIZES, SUBSPACES
from workflow_scripts.ticketlab.training.study import open_study

snakemake: Snakemake  # put here by Snakemake

with logged(snakemake) as provenance:
    spec = snakemake.params.spec
    tried, sizes = of_networks.measure(
        open_study(spec, snakemake.input.data),
        spec["cell"],
        CellSettings(**spec["dimension"]),
        TrainingSettings(**spec["training"]),
        LLCSettings(**spec["llc"]),
        spec["judging"],
    )
    files.write(snakemake.output.subspaces, SUBSPACES, tried, provenance)
    files.write(snakemake.output.sizes, SIZES, sizes, provenance)
    print(sizes.to_string())
