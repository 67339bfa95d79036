"""The verdict table of all studies, where some rest on networks that were trained elsewhere: their reasons say so."""

from snakemake.script import Snakemake

from workflow_scripts.ticketlab.core.job import logged
from workflow_scripts.ticketlab.tables import files
from workflow_scripts.ticketlab.tables.schemas.calibration import CALIBRATION
from workflow_scripts.ticketlab.tables.schemas.comparisons import COMPARISONS
from workflow_scripts.ticketlab.tables.schemas.verdicts import VERDICTS
from workflow_scripts.ticketlab.verdicts.kinds import KEYS
from workflow_scripts.ticketlab.verdicts.released import judge

snakemake: Snakemake  # put here by Snakemake

with logged(snakemake) as provenance:
    spec = snakemake.params.spec
    checks = files.read_many(snakemake.input.calibration, CALIBRATION)
    comparisons = files.read_many(snakemake.input.comparisons, COMPARISONS)
    table = judge(comparisons, spec["studies"], spec["released"], checks)
    files.write(snakemake.output.verdicts, VERDICTS, table, provenance)
    print(table[["study", "kind", *KEYS, "estimate", "ci_low", "ci_high", "decision"]].to_string())
