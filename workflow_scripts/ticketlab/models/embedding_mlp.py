"""A perceptron with one hidden layer on the sum of its symbols' embeddings: relu((E[a] + E[b] + …) W₁) W₂.

It is the smallest network known to grok modular addition with a Fourier algorithm (Gromov 2023, arXiv:2301.02679;
Nanda et al. 2023, arXiv:2301.05217, for a transformer). It has no biases, so weight decay reaches every weight. It
cannot tell the order of its symbols.
"""

import math

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from workflow_scripts.ticketlab.models.network import Component, Network, Place, gate_to_mean
from workflow_scripts.ticketlab.settings.models.embedding_mlp import Settings


class EmbeddingMLP(Network):
    """Maps symbols (batch, symbols), int64, to logits (batch, outputs); the activity is the hidden layer."""

    def __init__(self, symbols: int, width: int, hidden: int, outputs: int):
        super().__init__()
        self.embedding = nn.Embedding(symbols, width)
        self.hidden = nn.Linear(width, hidden, bias=False)
        self.output = nn.Linear(hidden, outputs, bias=False)
        self.components = [Component(0, "unit", index) for index in range(hidden)]
        self.prunable = [name for name, _ in self.named_parameters()]

    def initialise(self, generator: torch.Generator) -> None:
        """Gaussian weights of variance 1/fan-in; the embedding has variance 1/width, so that rows have norm 1."""
        for tensor in self.parameters():
            nn.init.normal_(tensor, std=1 / math.sqrt(tensor.shape[1]), generator=generator)

    def weights_of(self, component: Component) -> dict[str, Place]:
        index = component.index
        return {
            "input": Place("hidden.weight", 0, index, index + 1),
            "output": Place("output.weight", 1, index, index + 1),
        }

    def forward(self, symbols: Tensor, gates: Tensor | None = None) -> tuple[Tensor, list[Tensor]]:
        activity = F.relu(self.hidden(self.embedding(symbols).sum(dim=1)))
        gated = activity if gates is None else gate_to_mean(activity, gates, over=(0,))
        return self.output(gated), [activity]


def build(settings: dict, inputs: int, outputs: int, context: int) -> EmbeddingMLP:
    del context  # the network does not see the order of the symbols
    section = Settings(**settings)
    return EmbeddingMLP(inputs, section.width, section.hidden, outputs)
