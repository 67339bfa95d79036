"""A network of the user's own: a class that inherits from `Network`, in a file outside the package.

The class is called as `Class(inputs, outputs, context, **keys)` with the further keys of its section of the config. Its
file is executed in each job of its studies, whose code digest it is part of (preflight/digest.py).
"""

from collections.abc import Sequence
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from typing import Any

from workflow_scripts.ticketlab.core.errors import TicketlabError, shown
from workflow_scripts.ticketlab.models.network import Network
from workflow_scripts.ticketlab.settings.models.module import Settings

OWN_KEYS = ("kind", "path", "class")


def build(settings: dict, inputs: int, outputs: int, context: int) -> Network:
    """Raises TicketlabError if the file, the class or what it says of itself is not as docs/extending.md asks."""
    name, path = settings["class"], shown(Path(settings["path"]))
    found = _class(settings)
    arguments = {key: value for key, value in settings.items() if key not in OWN_KEYS}
    network = found(inputs, outputs, context, **arguments)
    if not isinstance(network, Network):
        raise TicketlabError(f"{path}: {name} does not inherit from Network (models/network.py)")
    wrong = sorted({*network.reads} - {*Settings.READS})
    if wrong or not network.reads:
        there = ", ".join(map(repr, Settings.READS))
        raise TicketlabError(f"{path}: {name}.reads names {wrong or 'nothing'}; say which of {there} it reads")
    kinds = {component.kind for component in network.components}
    if kinds not in ({"head"}, {"unit"}):
        raise TicketlabError(
            f"{path}: {name}.components has the kinds {sorted(kinds)}; give it its heads or its hidden units"
        )
    return network


def widths(settings: dict) -> Sequence[str]:
    """The keys that are multiplied for a network that is several times as wide: the class' `widths`."""
    return getattr(_class(settings), "widths", ())


def _class(settings: dict) -> Any:
    path = Path(settings["path"])
    spec = spec_from_file_location(f"own_{path.stem}", path)
    if spec is None or spec.loader is None:
        raise TicketlabError(f"{shown(path)}: no Python file; its name must end in .py")
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    if not hasattr(module, settings["class"]):
        raise TicketlabError(f"{shown(path)}: there is no class {settings['class']!r}; correct model.class")
    return getattr(module, settings["class"])
