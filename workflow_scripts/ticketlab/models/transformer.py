"""A decoder-only transformer in one file that reads from top to bottom.

Pre-norm blocks (no norms at all with `layer_norm: false`) of causal self-attention and, if `mlp_width` > 0, a GELU
perceptron; no biases in the linear maps; input and output embeddings are not tied, so no weight is pruned twice.
Positions enter as one learned bias per head and distance (`relative`; far faster to learn at this scale than absolute
embeddings) or as learned embeddings (`absolute`).
Attention is written with explicit batched products: `scaled_dot_product_attention` has no batching rule on a CPU, and
the layout below is the one that stays contiguous when `vmap` adds the stack's axis.
"""

import math

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from workflow_scripts.ticketlab.models.network import Component, Network, Place, gate_to_mean
from workflow_scripts.ticketlab.settings.models.transformer import Settings


class Attention(nn.Module):
    """Causal multi-head self-attention: (batch, time, width) to the same, and patterns (batch, heads, time, time)."""

    distance: Tensor
    future: Tensor

    def __init__(self, width: int, heads: int, context: int, relative: bool):
        super().__init__()
        self.heads = heads
        self.query = nn.Linear(width, width, bias=False)
        self.key = nn.Linear(width, width, bias=False)
        self.value = nn.Linear(width, width, bias=False)
        self.output = nn.Linear(width, width, bias=False)
        self.distance_bias = nn.Parameter(torch.zeros(heads, context)) if relative else None
        position = torch.arange(context)
        distance = position[:, None] - position[None, :]
        self.register_buffer("distance", distance.clamp(min=0), persistent=False)
        self.register_buffer("future", torch.zeros(context, context).masked_fill(distance < 0, -1e9), persistent=False)

    def forward(self, x: Tensor, gates: Tensor | None) -> tuple[Tensor, Tensor]:
        batch, time, width = x.shape
        head_width = width // self.heads
        # One product for the three maps; the scale 1/sqrt(head width) costs less on the weights than on the scores.
        projection = torch.cat([self.query.weight / math.sqrt(head_width), self.key.weight, self.value.weight])
        projected = torch.mm(x.reshape(batch * time, width), projection.T).view(batch, time, 3, self.heads, head_width)
        query, key, value = projected.permute(2, 0, 3, 1, 4).reshape(3, batch * self.heads, time, head_width).unbind(0)
        bias = self.future[:time, :time]
        if self.distance_bias is not None:
            bias = bias + self.distance_bias[:, self.distance[:time, :time]]
        scores = torch.bmm(query, key.transpose(1, 2)).view(batch, self.heads, time, time) + bias
        pattern = scores.softmax(dim=-1)
        mixed = torch.bmm(pattern.view(batch * self.heads, time, time), value)
        mixed = mixed.view(batch, self.heads, time, head_width)
        if gates is not None:
            mixed = gate_to_mean(mixed, gates[:, None, None], over=(0, 2))
        mixed = mixed.transpose(1, 2).reshape(batch * time, width)
        return torch.mm(mixed, self.output.weight.T).view(batch, time, width), pattern


class Perceptron(nn.Module):
    def __init__(self, width: int, hidden: int):
        super().__init__()
        self.hidden = nn.Linear(width, hidden, bias=False)
        self.output = nn.Linear(hidden, width, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        return self.output(F.gelu(self.hidden(x)))


def _norm(settings: Settings) -> nn.Module:
    return nn.LayerNorm(settings.width) if settings.layer_norm else nn.Identity()


class Block(nn.Module):
    def __init__(self, settings: Settings, context: int):
        super().__init__()
        width, mlp_width = settings.width, settings.mlp_width
        self.attention_norm = _norm(settings)
        self.attention = Attention(width, settings.heads, context, settings.positions == "relative")
        self.mlp_norm = _norm(settings) if mlp_width else None
        self.mlp = Perceptron(width, mlp_width) if mlp_width else None

    def forward(self, x: Tensor, gates: Tensor | None) -> tuple[Tensor, Tensor]:
        mixed, pattern = self.attention(self.attention_norm(x), gates)
        x = x + mixed
        if self.mlp is not None and self.mlp_norm is not None:
            x = x + self.mlp(self.mlp_norm(x))
        return x, pattern


class Transformer(Network):
    """Maps tokens (batch, time), int64, or vectors (batch, time, inputs), float32, to outputs (batch, time, outputs).

    A token is embedded by its row of the embedding matrix, a vector by its product with it. The activities are the
    attention patterns.
    """

    def __init__(self, settings: Settings, inputs: int, outputs: int, context: int):
        super().__init__()
        self.heads = settings.heads
        self.embedding = nn.Embedding(inputs, settings.width)
        absolute = settings.positions == "absolute"
        self.position = nn.Parameter(torch.zeros(context, settings.width)) if absolute else None
        self.blocks = nn.ModuleList(Block(settings, context) for _ in range(settings.layers))
        self.norm = _norm(settings)
        self.unembedding = nn.Linear(settings.width, outputs, bias=False)
        self.components = [Component(i, "head", j) for i in range(settings.layers) for j in range(settings.heads)]
        # Every matrix; not the norms, the distance biases or the position table, which are under 2 % of the weights.
        self.prunable = [name for name, _ in self.named_parameters() if name.endswith("weight") and "norm" not in name]
        self.positions = [name for name, _ in self.named_parameters() if name.endswith("distance_bias")]

    def initialise(self, generator: torch.Generator) -> None:
        """Variance 1/fan-in; maps into the residual stream times 1/sqrt(2·layers), as in GPT-2 (Radford et al. 2019).

        GPT-2's fixed deviation of 0.02 suits widths near 1000; at 64 it would start every map far too small.
        """
        residual = 1 / math.sqrt(2 * len(self.blocks))
        with torch.no_grad():
            for name, tensor in self.named_parameters():
                if name == "embedding.weight":
                    tensor.normal_(0.0, 0.5, generator=generator)
                elif name == "position":
                    tensor.normal_(0.0, 0.1, generator=generator)
                elif name in self.prunable:
                    scale = residual if name.endswith("output.weight") else 1.0
                    tensor.normal_(0.0, scale / math.sqrt(tensor.shape[1]), generator=generator)

    def weights_of(self, component: Component) -> dict[str, Place]:
        """A head's rows of the query, key and value maps and its columns of the output map."""
        width = self.embedding.embedding_dim // self.heads
        start, stop = component.index * width, (component.index + 1) * width
        attention = f"blocks.{component.layer}.attention"
        return {
            name: Place(f"{attention}.{name}.weight", int(name == "output"), start, stop)
            for name in ("query", "key", "value", "output")
        }

    def forward(self, tokens: Tensor, gates: Tensor | None = None) -> tuple[Tensor, list[Tensor]]:
        x = tokens @ self.embedding.weight if tokens.is_floating_point() else self.embedding(tokens)
        if self.position is not None:
            x = x + self.position[: tokens.shape[1]]
        patterns = []
        for layer, block in enumerate(self.blocks):
            x, pattern = block(x, None if gates is None else gates[layer * self.heads : (layer + 1) * self.heads])
            patterns.append(pattern)
        return self.unembedding(self.norm(x)), patterns


def build(settings: dict, inputs: int, outputs: int, context: int) -> Transformer:
    return Transformer(Settings(**settings), inputs, outputs, context)
