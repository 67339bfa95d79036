"""What stands beside λ̂ and needs no chain: isotropic noise of the same scale, and the Hessian's effective dimension.

With a weak posterior, nβh ≪ γ, the chains only feel their localisation: λ̂ is then nβE[L(w* + N(0, 1/γ)) − L(w*)], the
rise of the loss under noise of one size for all weights (`noise_rise`). On a quadratic loss with curvatures h ≥ 0, λ̂ is

    ½ Σ nβh / (nβh + γ)

(`Spectrum.dimension`), half the number of directions that the data decide at this scale, and so half the Hessian's rank
as nβ/γ grows. It is found by stochastic Lanczos quadrature: the Hessian's products with a few random vectors give a
measure on its eigenvalues with the same moments (Ubaru, Chen & Saad, SIAM J. Matrix Anal. Appl. 38, 2017).
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
import torch
from torch import Tensor

from workflow_scripts.ticketlab.core.random_streams import torch_seed
from workflow_scripts.ticketlab.instruments import llc
from workflow_scripts.ticketlab.instruments.llc import NOISE_LIMIT, Loss, free_parameters
from workflow_scripts.ticketlab.settings.llc import LLCSettings
from workflow_scripts.ticketlab.training import stack
from workflow_scripts.ticketlab.training.stack import Member, Stack
from workflow_scripts.ticketlab.training.study import Study


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


class Controls(NamedTuple):
    """rises: of the loss under noise of size 1/√γ, (N, draws) in nats; spectrum: of the Hessian at w*."""

    rises: np.ndarray
    spectrum: Spectrum


def spectrum(
    loss: Loss,
    start: Stack,
    batches: Callable[[int], Any],
    settings: LLCSettings,
    seeds: Sequence[int],
    masks: Stack | None = None,
) -> Spectrum:
    """`hessian_steps` Lanczos steps from each of `probes` random vectors, for each network of `start`.

    loss, masks, seeds: as of llc.sample. batches: probe to a batch for N slices; a probe keeps its batch.
    """
    parts = [
        _lanczos(loss, start, batches(probe), settings.hessian_steps, [seed + probe for seed in seeds], masks)
        for probe in range(settings.probes)
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
    draws: int,
    seeds: Sequence[int],
    localization: float,
    masks: Stack | None = None,
) -> np.ndarray:
    """L(w* + N(0, 1/γ)) − L(w*) of each draw of noise on the free weights, (N, draws) in nats.

    batches: draw to a batch for N slices.
    """
    generators = [torch.Generator(device=next(iter(start.values())).device).manual_seed(seed) for seed in seeds]
    rises = []
    for draw in range(draws):
        batch, moved = batches(draw), {}
        for name, tensor in start.items():
            drawn = [torch.randn(tensor.shape[1:], generator=random, device=tensor.device) for random in generators]
            noise = torch.stack(drawn) / localization**0.5
            moved[name] = tensor + (noise * masks[name] if masks is not None and name in masks else noise)
        rises.append(loss(moved, batch) - loss(start, batch))
    return torch.stack(rises, dim=1).double().cpu().numpy()


def beside(
    study: Study,
    members: Sequence[Member],
    weights: Stack,
    step: int,
    settings: LLCSettings,
    masks: Stack | None = None,
) -> Controls:
    """The controls of networks at a training step, on the examples of llc.measure."""
    masks = {**(masks or {}), **{name: torch.zeros_like(weights[name]) for name in study.model.frozen()}}
    examples, loss = llc.examples_of(study, settings.examples), llc.network_loss(study)
    count = len(examples.inputs)
    rises, spectra = [], []
    for chosen in stack.slices(len(members), settings.members_together):
        some = members[chosen]
        start = {name: tensor[chosen] for name, tensor in weights.items()}
        free = {name: mask[chosen] for name, mask in masks.items()} or None
        seeds = [torch_seed(study.name, "llc-controls", *member.keys().values(), step) for member in some]

        def batches(size: int, networks: int = len(some)) -> Callable[[int], Any]:
            def batch(number: int) -> tuple[Tensor, Tensor]:
                places = torch.arange(number * size, (number + 1) * size, device=study.device) % count
                inputs, targets = examples.inputs[places], examples.targets[places]
                return inputs.expand(networks, *inputs.shape), targets.expand(networks, *targets.shape)

            return batch

        rises.append(
            noise_rise(
                loss,
                start,
                batches(settings.hessian_examples),
                settings.noise_draws,
                seeds,
                settings.localization,
                free,
            )
        )
        spectra.append(spectrum(loss, start, batches(settings.hessian_examples), settings, seeds, free))
    rise = np.concatenate(rises)
    found = Spectrum(*(np.concatenate([getattr(part, field.name) for part in spectra]) for field in fields(Spectrum)))
    return Controls(rise, found)


def checked(estimates: pd.DataFrame, controls: Controls, settings: LLCSettings) -> pd.DataFrame:
    """Rows of llc.estimate with the controls' columns, and their flags beside the others:

    prior_dominated   λ̂ is what isotropic noise gives, within `settings.prior_share` or noise: the localisation decides
    below_hessian     λ̂ is below the Hessian's effective dimension by more than `settings.hessian_share` and noise
    """
    nbeta, pull = settings.nbeta, settings.localization
    rises = nbeta * controls.rises
    gaussian, gaussian_se = rises.mean(1), rises.std(1, ddof=1) / np.sqrt(rises.shape[1])
    hessian, hessian_se = controls.spectrum.dimension(nbeta, pull)
    llc_, se = estimates["llc"].to_numpy(), estimates["se"].to_numpy()
    close = np.maximum(settings.prior_share * np.abs(gaussian), NOISE_LIMIT * np.hypot(se, gaussian_se))
    room = settings.hessian_share * hessian + NOISE_LIMIT * np.hypot(se, hessian_se)
    flags = {"prior_dominated": np.abs(llc_ - gaussian) <= close, "below_hessian": llc_ < hessian - room}
    joined = [
        ",".join([*filter(None, [flag]), *(name for name, raised in flags.items() if raised[place])])
        for place, flag in enumerate(estimates["flag"])
    ]
    chain = settings.chains * (settings.burn_in + settings.draws) * settings.batch_size
    return estimates.assign(
        gaussian=gaussian,
        gaussian_se=gaussian_se,
        hessian=hessian,
        hessian_se=hessian_se,
        hessian_negative=controls.spectrum.negative(nbeta, pull),
        hessian_cost=settings.probes * settings.hessian_steps * settings.hessian_examples / chain,
        flag=joined,
    )


def at_scale(settings: LLCSettings, nbeta: float) -> LLCSettings:
    """The settings at another nβ and the same γ: above their own nβ with smaller steps and a longer burn-in."""
    slower = max(1.0, nbeta / settings.nbeta) ** 0.5
    changes = {"learning_rate": settings.learning_rate / slower, "burn_in": round(settings.burn_in * slower)}
    return settings.model_copy(update={"nbeta": nbeta, **changes})
