"""Networks, one file each: plain modules that read from top to bottom; network.py holds what they have in common."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from workflow_scripts.ticketlab.models.network import Network

# Module paths rather than modules: a study's job loads its own model's file only, and depends on no other.
MODELS = {
    "embedding_mlp": "workflow_scripts.ticketlab.models.embedding_mlp",
    "huggingface": "workflow_scripts.ticketlab.models.huggingface",
    "mlp": "workflow_scripts.ticketlab.models.mlp",
    "module": "workflow_scripts.ticketlab.models.module",
    "transformer": "workflow_scripts.ticketlab.models.transformer",
}


def build(section: dict, inputs: int, outputs: int, context: int) -> Network:
    """The network that a config's `model` section describes, for `inputs` features or symbols and `outputs` logits."""
    return import_module(MODELS[section["kind"]]).build(section, inputs, outputs, context)


def wider(section: dict, factor: int) -> dict:
    """The section of a network whose every width is `factor` times as large: a transformer's heads grow in width."""
    module = import_module(MODELS[section["kind"]])
    # What is wide in a user's own network, only its class knows.
    keys = module.widths(section) if hasattr(module, "widths") else module.Settings.WIDTHS
    values = {key: section[key] for key in keys if key in section}
    return section | {
        key: [factor * width for width in value] if isinstance(value, list) else factor * value
        for key, value in values.items()
    }
