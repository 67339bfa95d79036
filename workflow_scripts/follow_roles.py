"""Follow the roles of heads along training: their scores, and from which step on the final holder holds each role."""

from snakemake.script import Snakemake

from workflow_scripts.ticketlab.core.job import logged
from workflow_scripts.ticketlab.instruments import role_courses
from workflow_scripts.ticketlab.tables import files
from workflow_scripts.ticketlab.tables.schemas.role_courses import HELD_FROM, ROLE_COURSES
from workflow_scripts.ticketlab.tables.schemas.roles import ROLE_HOLDERS, ROLES

snakemake: Snakemake  # put here by Snakemake

with logged(snakemake) as provenance:
    spec = snakemake.params.spec
    roles = files.read_many(snakemake.input.roles, ROLES)
    ends = files.read(snakemake.input.holders, ROLE_HOLDERS)
    held = role_courses.held_from(roles, ends, spec["clear"])
    files.write(snakemake.output.courses, ROLE_COURSES, role_courses.courses(roles), provenance)
    files.write(snakemake.output.held, HELD_FROM, held, provenance)
