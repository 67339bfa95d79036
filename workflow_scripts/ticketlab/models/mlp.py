"""A fully connected ReLU network: LeNet-300-100 (LeCun et al. 1998; Frankle & Carbin 2019) and its smaller kin."""

from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from workflow_scripts.ticketlab.models import Component, gate_to_mean
from workflow_scripts.ticketlab.settings.models import MLPSettings


class MLP(nn.Module):
    """Maps (batch, inputs) to logits (batch, outputs); the activities are the hidden layers, (batch, units) each."""

    def __init__(self, inputs: int, hidden: list[int], outputs: int):
        super().__init__()
        self.layers = nn.ModuleList(nn.Linear(m, n) for m, n in pairwise([inputs, *hidden, outputs]))
        self.components = [Component(i, "unit", j) for i, width in enumerate(hidden) for j in range(width)]
        self.prunable = [f"layers.{i}.weight" for i in range(len(self.layers))]

    def initialise(self, generator: torch.Generator) -> None:
        """Gaussian Glorot weights, zero biases (Frankle & Carbin 2019, appendix G)."""
        for layer in self.layers:
            nn.init.xavier_normal_(layer.weight, generator=generator)
            nn.init.zeros_(layer.bias)

    def forward(self, x: Tensor, gates: Tensor | None = None) -> tuple[Tensor, list[Tensor]]:
        activities: list[Tensor] = []
        start = 0
        for layer in self.layers[:-1]:
            x = F.relu(layer(x))
            activities.append(x)
            if gates is not None:
                x = gate_to_mean(x, gates[start : start + layer.out_features], over=(0,))
                start += layer.out_features
        return self.layers[-1](x), activities


def build(settings: dict, inputs: int, outputs: int, context: int) -> MLP:
    del context  # images have no sequence
    return MLP(inputs, MLPSettings(**settings).hidden, outputs)
