"""Compare the roles of networks component by component: same initialisation, other initialisation, exact replicate."""

from snakemake.script import Snakemake

from workflow_scripts.ticketlab.core.job import logged
from workflow_scripts.ticketlab.instruments import role_agreement
from workflow_scripts.ticketlab.settings.roles import RolesSettings
from workflow_scripts.ticketlab.tables import files
from workflow_scripts.ticketlab.tables.schemas.roles import AGREEMENT, ROLES

snakemake: Snakemake  # put here by Snakemake

with logged(snakemake) as provenance:
    spec = snakemake.params.spec
    roles = files.read_many(snakemake.input.roles, ROLES)
    settings = RolesSettings(**spec["roles"])
    files.write(snakemake.output[0], AGREEMENT, role_agreement.compare(roles, settings.permutations), provenance)
