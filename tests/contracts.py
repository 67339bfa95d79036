"""Every table that there is, by name, read off the modules of tables/schemas/."""

from importlib import import_module
from pkgutil import iter_modules

from workflow_scripts.ticketlab.tables import schemas
from workflow_scripts.ticketlab.tables.schemas.table import Table

CONTRACTS = {
    value.name: value
    for found in iter_modules(schemas.__path__)
    for value in vars(import_module(f"{schemas.__name__}.{found.name}")).values()
    if isinstance(value, Table)
}
