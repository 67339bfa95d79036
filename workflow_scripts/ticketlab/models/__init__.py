"""Networks: one file each, a plain nn.Module that reads top to bottom.

Every model is called as `model(inputs, gates) -> (outputs, activities)`: `activities` lists what its components did
(attention patterns, hidden activations), layer by layer; `gates`, a vector with one entry per component, scales each
component between its activity (1) and its mean over the batch (0, mean ablation). `model.components` names them in that
order, `model.prunable` the tensors that pruning may touch, and `model.initialise(generator)` draws θ₀.
"""

from importlib import import_module
from typing import NamedTuple

from torch import Tensor, nn

# Module paths rather than modules: a study's job loads, and depends on, its own model's file only.
MODELS = {
    "mlp": "workflow_scripts.ticketlab.models.mlp",
    "transformer": "workflow_scripts.ticketlab.models.transformer",
}


class Component(NamedTuple):
    """A part that can have a role: `kind` is "head" or "unit"; `layer` and `index` count from 0."""

    layer: int
    kind: str
    index: int


def build(settings: dict, inputs: int, outputs: int, context: int) -> nn.Module:
    """The network that a config's `model` section describes, for `inputs` features or symbols and `outputs` logits."""
    return import_module(MODELS[settings["kind"]]).build(settings, inputs, outputs, context)


def gate_to_mean(activity: Tensor, gate: Tensor, over: tuple[int, ...]) -> Tensor:
    """gate·activity + (1 − gate)·(its mean `over` those dimensions): 0 ablates to the mean, 1 leaves it alone."""
    return gate * activity + (1 - gate) * activity.mean(dim=over, keepdim=True)
