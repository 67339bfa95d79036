"""Stacks: many networks as one, with the same architecture and different weights, and one batched matrix product each.

A stack holds N networks; each of its tensors has a leading axis of length N. A network's numbers depend neither on the
other networks of its stack nor on its place in it, bit for bit, under the numerics that workflow_scripts/numerics.py
fixes: all slices of a batched product are summed in the same way, elementwise steps have no remainder
(`in_one_vector`), and one network is run as two (`forward`).
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, replace

import torch
from torch import Tensor, nn
from torch.func import functional_call, vmap

from workflow_scripts.ticketlab.core.random_streams import data_seed

# Tensors by parameter name, each (N, *shape of the parameter).
Stack = dict[str, Tensor]

REGISTER = 16  # float32 numbers in the widest vector register, AVX-512's


@dataclass(frozen=True)
class Member:
    """One network of a stack, by the keys that every table carries (docs/artifacts.md)."""

    init_seed: int
    data_seed: int
    variant: str = "dense"
    rewind_step: int = 0
    level: int = 0

    def keys(self) -> dict[str, int | str]:
        return asdict(self)

    def __str__(self) -> str:
        return (
            f"{self.variant}, init seed {self.init_seed}, data seed {self.data_seed}, "
            f"rewind step {self.rewind_step}, level {self.level}"
        )


def dense_members(seeds: Sequence[int]) -> list[Member]:
    """The dense networks of these seeds, each on its own data order (order 0: data seed = init seed)."""
    return [Member(init_seed=seed, data_seed=seed) for seed in seeds]


def spawned_members(parents: Sequence[Member], split_step: int, orders: int) -> list[Member]:
    """The parents' children that split from them at `split_step`, grouped by parent.

    Orders 1 … `orders` are other data orders. At split step 0 the parent's own order is repeated before them: the exact
    replicate, in another stack.
    """
    first = 0 if split_step == 0 else 1
    return [
        Member(parent.init_seed, data_seed(parent.init_seed, order), "spawned", split_step)
        for parent in parents
        for order in range(first, orders + 1)
    ]


def as_variant(members: Sequence[Member], **changes: int | str) -> list[Member]:
    return [replace(member, **changes) for member in members]  # type: ignore[arg-type]


def stack(states: Sequence[Stack]) -> Stack:
    """One stack from single networks' tensors, in this order."""
    return {name: torch.stack([state[name] for state in states]) for name in states[0]}


def concatenate(stacks: Sequence[Stack]) -> Stack:
    """One stack from several, in this order."""
    return {name: torch.cat([part[name] for part in stacks]) for name in stacks[0]}


def take(tensors: Stack, indices: Sequence[int]) -> Stack:
    """The stack of the networks at `indices` (repeats allowed); always a copy."""
    return {name: tensor[list(indices)].clone() for name, tensor in tensors.items()}


def to(tensors: Stack, device: torch.device) -> Stack:
    return {name: tensor.to(device) for name, tensor in tensors.items()}


def size(tensors: Stack) -> int:
    """N, the number of networks."""
    return next(iter(tensors.values())).shape[0]


def in_one_vector(tensors: Stack) -> tuple[Tensor, Stack]:
    """A vector that holds copies of the tensors one after another, and views of it in their shapes.

    An elementwise step on the vector is one on all of them. torch's fused optimisers round the last few numbers of a
    tensor, those that fill no vector register, otherwise than the rest, which would tell the last network from the
    others; here only zeros between and after the tensors are left over.
    """
    first = next(iter(tensors.values()))
    vector = torch.zeros(sum(_room(tensor) for tensor in tensors.values()), dtype=first.dtype, device=first.device)
    views = views_of(vector, tensors)
    torch._foreach_copy_(list(views.values()), [tensor.detach() for tensor in tensors.values()])
    return vector, views


def views_of(vector: Tensor, like: Stack) -> Stack:
    """The tensors, shaped as those of `like`, that a vector laid out by `in_one_vector` holds."""
    parts = vector.split([_room(tensor) for tensor in like.values()])
    return {
        name: part[: tensor.numel()].view(tensor.shape)
        for (name, tensor), part in zip(like.items(), parts, strict=True)
    }


def _room(tensor: Tensor) -> int:
    return -(-tensor.numel() // REGISTER) * REGISTER


def forward(model: nn.Module) -> Callable[..., tuple[Tensor, list[Tensor]]]:
    """`model` as a function of a stack: (weights, inputs (N, …)[, gates (N, components)]) to (outputs, activities).

    A stack of one network is run as two, of which the second is dropped: torch lays out some products of a single slice
    otherwise, and sums them in another order.
    """

    def one(weights: Stack, inputs: Tensor, gates: Tensor | None = None) -> tuple[Tensor, list[Tensor]]:
        return functional_call(model, weights, (inputs, gates))

    ungated = vmap(one)
    gated = vmap(one, in_dims=(0, 0, 0))

    def run(weights: Stack, inputs: Tensor, gates: Tensor | None = None) -> tuple[Tensor, list[Tensor]]:
        if size(weights) == 1:
            outputs, activities = run(
                {name: torch.cat([tensor, tensor.detach()]) for name, tensor in weights.items()},
                inputs.expand(2, *inputs.shape[1:]),
                None if gates is None else gates.expand(2, *gates.shape[1:]),
            )
            return outputs[:1], [activity[:1] for activity in activities]
        return ungated(weights, inputs) if gates is None else gated(weights, inputs, gates)

    return run


def slices(length: int, chunk: int) -> Iterator[slice]:
    """Consecutive slices of at most `chunk` that cover range(length)."""
    return (slice(start, min(start + chunk, length)) for start in range(0, length, chunk))
