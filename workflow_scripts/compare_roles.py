"""Compare the roles of networks, component by component, and say which part holds which role in each."""

from snakemake.script import Snakemake

from workflow_scripts.ticketlab.core.job import logged
from workflow_scripts.ticketlab.instruments import role_agreement, role_holders
from workflow_scripts.ticketlab.settings.roles import RolesSettings
from workflow_scripts.ticketlab.tables import files
from workflow_scripts.ticketlab.tables.schemas.roles import AGREEMENT, ROLE_HOLDERS, ROLES

snakemake: Snakemake  # put here by Snakemake

with logged(snakemake) as provenance:
    spec = snakemake.params.spec
    roles = files.read_many(snakemake.input.roles, ROLES)
    settings = RolesSettings(**spec["roles"])
    agreement = role_agreement.compare(roles, settings.permutations)
    files.write(snakemake.output.agreement, AGREEMENT, agreement, provenance)
    files.write(snakemake.output.holders, ROLE_HOLDERS, role_holders.holders(roles), provenance)
