"""What stands beside λ̂ and needs no chain: isotropic noise of the same scale, and the Hessian's effective dimension.

With a weak posterior, nβh ≪ γ, the chains only feel their localisation: λ̂ is then nβE[L(w* + N(0, 1/γ)) − L(w*)], the
rise of the loss under noise of one size for all weights (`noise_rise`). On a quadratic loss with curvatures h ≥ 0, λ̂ is

    ½ Σ nβh / (nβh + γ)

(`Spectrum.dimension`), half the number of directions that the data decide at this scale, and so half the Hessian's rank
as nβ/γ grows. It is found by stochastic Lanczos quadrature: the Hessian's products with a few random vectors give a
measure on its eigenvalues with the same moments (Ubaru, Chen & Saad, SIAM J. Matrix Anal. Appl. 38, 2017).
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from workflow_scripts.ticketlab.instruments.llc import Loss, free_parameters
from workflow_scripts.ticketlab.training.stack import Stack


@dataclass(frozen=True)
class Spectrum:
    """A measure on the eigenvalues of each of N Hessians.

    nodes, shares: (N, probes, steps), where the measure sits and what it weighs there; shares sum to 1 for each probe.
    parameters: number of free weights, (N,).
    """

    nodes: np.ndarray
    shares: np.ndarray
    parameters: np.ndarray

    def dimension(self, nbeta: float, localization: float) -> tuple[np.ndarray, np.ndarray]:
        """½ Σ nβh/(nβ|h| + γ) and its standard error over the probes, (N,) each.

        A sample of the data and the few nodes near 0 both widen the many eigenvalues that are nearly 0, to both sides
        alike. Counting negative ones negatively cancels this; elsewhere it is the sum over h > 0 less `negative`.
        """
        return self._half_sum(self.nodes, nbeta, localization)

    def negative(self, nbeta: float, localization: float) -> np.ndarray:
        """The part of the eigenvalues h < 0, ½ Σ nβ|h|/(nβ|h| + γ), (N,): 0 at a minimum of all the data."""
        return self._half_sum((-self.nodes).clip(0), nbeta, localization)[0]

    def _half_sum(self, curvature: np.ndarray, nbeta: float, localization: float) -> tuple[np.ndarray, np.ndarray]:
        terms = self.shares * nbeta * curvature / (nbeta * np.abs(curvature) + localization)
        probes = 0.5 * self.parameters[:, None] * terms.sum(2)
        return probes.mean(1), probes.std(1, ddof=1) / np.sqrt(probes.shape[1])

    def largest(self) -> np.ndarray:
        """The largest eigenvalue of each, (N,), from below."""
        return self.nodes.max((1, 2))


def spectrum(
    loss: Loss,
    start: Stack,
    batches: Callable[[int], Any],
    *,
    probes: int,
    steps: int,
    seeds: Sequence[int],
    masks: Stack | None = None,
) -> Spectrum:
    """`steps` Lanczos steps from `probes` random vectors for each network of `start`, all as one stack.

    loss, masks, seeds: as of llc.sample. batches: probe to a batch for N slices; a probe keeps its batch.
    """
    parts = [
        _lanczos(loss, start, batches(probe), steps, [seed + probe for seed in seeds], masks) for probe in range(probes)
    ]
    nodes, shares = (np.stack(side, axis=1) for side in zip(*parts, strict=True))
    return Spectrum(nodes, shares, free_parameters(start, masks))


def _lanczos(
    loss: Loss, start: Stack, batch: Any, steps: int, seeds: Sequence[int], masks: Stack | None
) -> tuple[np.ndarray, np.ndarray]:
    """Nodes and shares (N, steps) of one probe, its vectors kept orthogonal to all before (Lanczos with full
    reorthogonalisation)."""
    weights = {name: tensor.detach().clone().requires_grad_(True) for name, tensor in start.items()}
    free = {name: torch.ones_like(tensor) for name, tensor in start.items()} | (masks or {})
    flat = torch.cat([free[name].flatten(1) for name in start], dim=1)
    signs = []
    for seed, mine in zip(seeds, flat, strict=True):
        random = torch.Generator(device=flat.device).manual_seed(seed % 2**63)
        signs.append(mine * (2 * torch.randint(0, 2, mine.shape, generator=random, device=flat.device) - 1))
    vector = torch.stack(signs)
    vector = vector / vector.norm(dim=1, keepdim=True)
    slopes = torch.autograd.grad(
        loss(weights, batch).sum(), list(weights.values()), create_graph=True, materialize_grads=True
    )
    sizes = [tensor[0].numel() for tensor in start.values()]

    def product(of: Tensor) -> Tensor:
        directions = [
            part.view(tensor.shape) for part, tensor in zip(of.split(sizes, dim=1), start.values(), strict=True)
        ]
        found = torch.autograd.grad(
            slopes, list(weights.values()), directions, retain_graph=True, materialize_grads=True
        )
        return torch.cat([tensor.flatten(1) for tensor in found], dim=1) * flat

    basis, diagonal, beside = [vector], [], []
    for step in range(steps):
        image = product(basis[-1])
        diagonal.append((image * basis[-1]).sum(1))
        if step == steps - 1:
            break
        before = torch.stack(basis, dim=1)
        for _ in range(2):
            image = image - (torch.bmm(before, image[:, :, None]) * before).sum(1)
        size = image.norm(dim=1)
        beside.append(size)
        basis.append(image / size.clamp_min(torch.finfo(size.dtype).tiny)[:, None])
    matrix = torch.diag_embed(torch.stack(diagonal, 1).double())
    if beside:
        off = torch.diag_embed(torch.stack(beside, 1).double(), 1)
        matrix = matrix + off + off.transpose(1, 2)
    nodes, vectors = torch.linalg.eigh(matrix.cpu())
    return nodes.numpy(), vectors[:, 0].square().numpy()


@torch.no_grad()
def noise_rise(
    loss: Loss,
    start: Stack,
    batches: Callable[[int], Any],
    *,
    draws: int,
    nbeta: float,
    localization: float,
    seeds: Sequence[int],
    masks: Stack | None = None,
) -> tuple[np.ndarray, np.ndarray]:
    """nβE[L(w* + N(0, 1/γ)) − L(w*)] over the free weights and its standard error, (N,) each.

    batches: draw to a batch for N slices.
    """
    generators = [torch.Generator(device=next(iter(start.values())).device).manual_seed(seed) for seed in seeds]
    rises = []
    for draw in range(draws):
        batch = batches(draw)
        moved = {}
        for name, tensor in start.items():
            noise = torch.stack(
                [
                    torch.randn(mine.shape, generator=random, device=mine.device)
                    for mine, random in zip(tensor, generators, strict=True)
                ]
            )
            moved[name] = (
                tensor + (noise if masks is None or name not in masks else noise * masks[name]) / localization**0.5
            )
        rises.append(nbeta * (loss(moved, batch) - loss(start, batch)))
    found = torch.stack(rises, dim=1).double().cpu().numpy()
    return found.mean(1), found.std(1, ddof=1) / np.sqrt(draws)
