"""A fully connected ReLU network: LeNet-300-100 (LeCun et al. 1998; Frankle & Carbin 2019) and smaller versions."""

from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from workflow_scripts.ticketlab.models.network import Component, Network, Place, gate_to_mean
from workflow_scripts.ticketlab.settings.models.mlp import Settings


class MLP(Network):
    """Maps (batch, inputs) to logits (batch, outputs); the activities are the hidden layers, (batch, units) each."""

    def __init__(self, inputs: int, hidden: list[int], outputs: int):
        super().__init__()
        self.hidden = hidden
        self.layers = nn.ModuleList(nn.Linear(m, n) for m, n in pairwise([inputs, *hidden, outputs]))
        self.components = [Component(i, "unit", j) for i, width in enumerate(hidden) for j in range(width)]
        self.prunable = [f"layers.{i}.weight" for i in range(len(self.layers))]

    def initialise(self, generator: torch.Generator) -> None:
        """Gaussian Glorot weights, zero biases (Frankle & Carbin 2019, appendix G)."""
        for tensor in self.parameters():
            if tensor.ndim == 2:
                nn.init.xavier_normal_(tensor, generator=generator)
            else:
                nn.init.zeros_(tensor)

    def weights_of(self, component: Component) -> dict[str, Place]:
        layer, index = component.layer, component.index
        return {
            "input": Place(f"layers.{layer}.weight", 0, index, index + 1),
            "output": Place(f"layers.{layer + 1}.weight", 1, index, index + 1),
        }

    def forward(self, x: Tensor, gates: Tensor | None = None) -> tuple[Tensor, list[Tensor]]:
        activities: list[Tensor] = []
        start = 0
        for layer, width in zip(self.layers, self.hidden, strict=False):
            x = F.relu(layer(x))
            activities.append(x)
            if gates is not None:
                x = gate_to_mean(x, gates[start : start + width], over=(0,))
                start += width
        return self.layers[-1](x), activities


def build(settings: dict, inputs: int, outputs: int, context: int) -> MLP:
    del context  # images have no sequence
    return MLP(inputs, Settings(**settings).hidden, outputs)
