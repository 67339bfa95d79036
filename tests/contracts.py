"""Every table that there is, by name, read off the modules of contracts/."""

from importlib import import_module
from pkgutil import iter_modules

from workflow_scripts.ticketlab import contracts

CONTRACTS = {
    value.name: value
    for found in iter_modules(contracts.__path__)
    for value in vars(import_module(f"{contracts.__name__}.{found.name}")).values()
    if isinstance(value, contracts.Table)
}
