"""What every network offers: components that can have a role and be switched off, prunable tensors, an initialisation.

A network is called as `network(inputs, gates) -> (outputs, activities)`. `activities` lists the activity of its
components (attention patterns, hidden activations), layer by layer. `gates`, a vector with one entry per component,
scales each component between its activity (1) and its mean over the batch (0, mean ablation).
"""

from dataclasses import dataclass
from typing import NamedTuple, TypeVar

import numpy as np
import torch
from torch import Tensor, nn


@dataclass(frozen=True)
class Component:
    """A part that can have a role: `kind` is "head" or "unit"; `layer` and `index` (within it) count from 0."""

    layer: int
    kind: str
    index: int


Stacked = TypeVar("Stacked", Tensor, np.ndarray)


class Place(NamedTuple):
    """A part of a matrix: its rows (axis 0) or columns (axis 1) from `start` to before `stop`."""

    tensor: str
    axis: int
    start: int
    stop: int

    def of(self, matrices: Stacked) -> Stacked:
        """The part in that tensor of N networks: (N, rows, columns) to (N, its rows, its columns)."""
        chosen = slice(self.start, self.stop)
        return matrices[:, chosen] if self.axis == 0 else matrices[:, :, chosen]


class Network(nn.Module):
    """components: in the order of `gates`; prunable: the names of the tensors that pruning may touch."""

    components: list[Component]
    prunable: list[str]

    def weights_of(self, component: Component) -> dict[str, Place]:
        """The component's own weights, by their purpose: rows compute its activity, columns read it."""
        raise NotImplementedError

    def initialise(self, generator: torch.Generator) -> None:
        """Draw θ₀ in place."""
        raise NotImplementedError


def gate_to_mean(activity: Tensor, gate: Tensor, over: tuple[int, ...]) -> Tensor:
    """gate·activity + (1 − gate)·(its mean `over` those dimensions): 0 ablates to the mean, 1 has no effect."""
    return gate * activity + (1 - gate) * activity.mean(dim=over, keepdim=True)
