"""Transformers with weights set by hand, in which the function of each head, or the successor of a symbol, is known.

They are the ground truth of the calibrations of role scores and structure distances.
"""

import math
from typing import Any

import torch
from torch import Tensor

from workflow_scripts.ticketlab.models import transformer
from workflow_scripts.ticketlab.models.transformer import Transformer
from workflow_scripts.ticketlab.training.stack import Stack

# The heads of `copying_transformer` in the order of model.components; the others attend uniformly and write nothing.
PREVIOUS_TOKEN, INDUCTION, IDLE = 1, 2, [0, 3]


def copying_transformer(symbols: int, context: int) -> Transformer:
    """2 layers of 2 heads: a previous-token head (layer 0, head 1), an induction head that reads it (layer 1, head 0).

    The circuit is that of Olsson et al. 2022 (arXiv:2209.11895). The residual stream holds the token in its first half
    and, written by the previous-token head, the previous token in its second half; the induction head looks for the
    position whose previous token is its own token and adds the token found there to the first half, which the
    unembedding reads. The other two heads attend uniformly and write nothing.
    """
    width = 2 * symbols
    model: Any = _zero({"kind": "transformer", "layers": 2, "width": width, "heads": 2}, symbols, context)
    eye = torch.eye(symbols)
    with torch.no_grad():
        blocks: list[Any] = list(model.blocks)
        for norm in (blocks[0].attention_norm, blocks[1].attention_norm, model.norm):
            norm.weight.fill_(1)
        model.embedding.weight[:, :symbols] = eye
        first, second = (block.attention for block in blocks)
        first.distance_bias[1, 1] = 100
        first.value.weight[symbols:, :symbols] = eye / math.sqrt(width)  # roughly the norm that a one-hot vector gets
        first.output.weight[symbols:, symbols:] = eye
        second.query.weight[:symbols, :symbols] = 20 * eye
        second.key.weight[:symbols, symbols:] = eye
        second.value.weight[:symbols, :symbols] = eye
        second.output.weight[:symbols, :symbols] = eye
        model.unembedding.weight[:, :symbols] = eye
    return model


def table_transformers(log_probabilities: Tensor, context: int) -> tuple[Transformer, Stack]:
    """A stack of transformers that predict from the last symbol alone, and their common architecture.

    log_probabilities: (N, symbols, symbols), of the next symbol (last axis) after each symbol, by network.
    Each symbol's embedding is a one-hot vector followed by its negative, which normalisation only scales.
    """
    symbols = log_probabilities.shape[-1]
    model: Any = _zero({"kind": "transformer", "layers": 1, "width": 2 * symbols, "heads": 1}, symbols, context)
    scale = 1 / math.sqrt(1 / symbols + model.norm.eps)
    with torch.no_grad():
        model.norm.weight.fill_(1)
        model.embedding.weight[:] = torch.cat([torch.eye(symbols), -torch.eye(symbols)], dim=1)
    count = len(log_probabilities)
    weights = {name: tensor.detach().expand(count, *tensor.shape).clone() for name, tensor in model.named_parameters()}
    weights["unembedding.weight"][:, :, :symbols] = log_probabilities.mT.float() / scale
    return model, weights


def outvoting_transformers(first: Tensor, added: Tensor, context: int) -> tuple[Transformer, Stack]:
    """A stack of transformers whose one head adds to what they predict without it, and their common architecture.

    first, added: logits (N, symbols, symbols) of the next symbol (last axis) after each symbol. The head attends to its
    own place and copies the symbol into the second half of the residual stream, from which `added` is read. Without
    norms, so nothing else changes when it is ablated: with all symbols equally often it then adds the mean of `added`.
    """
    symbols = first.shape[-1]
    settings = {"kind": "transformer", "layers": 1, "width": 2 * symbols, "heads": 1, "layer_norm": False}
    model: Any = _zero(settings, symbols, context)
    eye = torch.eye(symbols)
    with torch.no_grad():
        model.embedding.weight[:, :symbols] = eye
        attention = model.blocks[0].attention
        attention.distance_bias[0, 0] = 100
        attention.value.weight[:symbols, :symbols] = eye
        attention.output.weight[symbols:, :symbols] = eye
    count = len(first)
    weights = {name: tensor.detach().expand(count, *tensor.shape).clone() for name, tensor in model.named_parameters()}
    weights["unembedding.weight"][:] = torch.cat([first.mT, added.mT], dim=-1).float()
    return model, weights


def _zero(settings: dict, symbols: int, context: int) -> Transformer:
    model = transformer.build(settings, symbols, symbols, context)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.zero_()
    return model
