"""Compare the roles of networks component by component: same initialisation, other initialisation, exact replicate."""

from snakemake.script import Snakemake

from workflow_scripts.ticketlab import agreement, tables
from workflow_scripts.ticketlab.contracts.roles import AGREEMENT, ROLES
from workflow_scripts.ticketlab.jobs import logged
from workflow_scripts.ticketlab.settings.roles import RolesSettings

snakemake: Snakemake  # put here by Snakemake

with logged(snakemake) as provenance:
    spec = snakemake.params.spec
    roles = tables.read_many(snakemake.input.roles, ROLES)
    settings = RolesSettings(**spec["roles"])
    tables.write(snakemake.output[0], AGREEMENT, agreement.compare(roles, settings.permutations), provenance)
