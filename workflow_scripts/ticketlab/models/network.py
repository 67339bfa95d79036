"""What every network offers: components that can have a role and be switched off, prunable tensors, an initialisation.

A network is called as `network(inputs, gates) -> (outputs, activities)`. `activities` lists the activity of its
components (attention patterns, hidden activations), layer by layer. `gates`, a vector with one entry per component,
scales each component between its activity (1) and its mean over the batch (0, mean ablation).
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple, TypeVar

import numpy as np
import torch
from torch import Tensor, nn

from workflow_scripts.ticketlab.core.errors import TicketlabError


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
    """components: in the order of `gates`; prunable: the names of the tensors that pruning may touch.

    positions: the names of position biases, which start at 0: an untrained network has none unless they are drawn.
    reads: the kinds of inputs that it can read (settings/base.py), and widths: the keys of its section that are
        multiplied for wider networks. Only a network in a file of its own says these here (models/module.py).
    without_numbers: whether it runs on torch's meta device, where tensors have shapes and no numbers.

    A parameter that several modules share (tied weights) is one tensor, by the first of its names in
    `named_parameters()`. A frozen one (`requires_grad` is False) is drawn with θ₀ and stays as it is.
    """

    components: list[Component]
    prunable: list[str]
    positions: Sequence[str] = ()
    reads: Sequence[str] = ()
    widths: Sequence[str] = ()
    without_numbers: bool = True

    def frozen(self) -> list[str]:
        return [name for name, tensor in self.named_parameters() if not tensor.requires_grad]

    def weights_of(self, component: Component) -> dict[str, Place]:
        """The component's own weights, by their purpose: rows compute its activity, columns read it."""
        raise NotImplementedError

    def initialise(self, generator: torch.Generator) -> None:
        """Draw θ₀ in place."""
        raise NotImplementedError


def check(network: Network, inputs: Tensor) -> None:
    """Refuse a network that a stack cannot train, prune or measure; inputs: a few examples, (batch, …).

    Raises TicketlabError with the first fault: its place in the network and the remedy.
    """
    for fault in _faults(network, inputs):
        raise TicketlabError(f"model {type(network).__name__}: {fault} (docs/extending.md, A model)")


def _faults(network: Network, inputs: Tensor) -> Iterator[str]:
    parameters, frozen = dict(network.named_parameters()), network.frozen()
    for name in network.prunable:
        if name not in parameters:
            yield f"prunable names {_absent(network, name)}"
        elif name in frozen:
            yield f"prunable names {name}, which is frozen; leave it out"
        elif parameters[name].numel() < 2:
            yield f"prunable names {name}, a single number; leave it out"
    for component in network.components:
        for place in network.weights_of(component).values():
            if place.tensor not in parameters:
                yield f"weights_of({component}) names {_absent(network, place.tensor)}"
    random = torch.get_rng_state()
    buffers = {name: buffer.clone() for name, buffer in network.named_buffers()}
    outputs, _ = network(inputs)
    if not torch.equal(random, torch.get_rng_state()):
        drops = [name for name, module in network.named_modules() if "Dropout" in type(module).__name__]
        where = f" in {', '.join(drops)}" if drops else ""
        yield f"forward draws random numbers{where}, which neither θ₀ nor the data order decides; remove dropout"
    for name, buffer in network.named_buffers():
        if not torch.equal(buffer, buffers[name]):
            yield f"forward changes the buffer {name}, which stacks do not keep; use a norm without running statistics"
    trained = {name: tensor for name, tensor in parameters.items() if name not in frozen}
    if not outputs.requires_grad:
        yield "the outputs depend on no parameter that is trained; freeze fewer"
    gradients = torch.autograd.grad(outputs.sum(), list(trained.values()), allow_unused=True)
    for name in (name for name, gradient in zip(trained, gradients, strict=True) if gradient is None):
        yield f"the outputs do not depend on parameter {name}; remove it, or freeze it with requires_grad_(False)"


def _absent(network: Network, name: str) -> str:
    every = dict(network.named_parameters(remove_duplicate=False))
    if name in every:
        first = next(known for known, tensor in network.named_parameters() if tensor is every[name])
        return f"{name}, which is tied to {first}; use that name"
    return f"{name}, which is no parameter; there are {', '.join(dict(network.named_parameters()))}"


def gate_to_mean(activity: Tensor, gate: Tensor, over: tuple[int, ...]) -> Tensor:
    """gate·activity + (1 − gate)·(its mean `over` those dimensions): 0 ablates to the mean, 1 has no effect."""
    return gate * activity + (1 - gate) * activity.mean(dim=over, keepdim=True)
