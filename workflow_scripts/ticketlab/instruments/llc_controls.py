"""What stands beside λ̂ and needs no chain: isotropic noise of the same scale, and the Hessian's effective dimension.

With a weak posterior, nβh ≪ γ, the chains only feel their localisation: λ̂ is then nβE[L(w* + N(0, 1/γ)) − L(w*)], the
rise of the loss under noise of one size for all weights (`noise_rise`). On a quadratic loss with curvatures h ≥ 0, λ̂ is

    ½ Σ nβh / (nβh + γ)

(`Spectrum.dimension`), half the number of directions that the data decide at this scale, and so half the Hessian's rank
as nβ/γ grows. It is found by stochastic Lanczos quadrature: the Hessian's products with a few random vectors give a
measure on its eigenvalues with the same moments (Ubaru, Chen & Saad, SIAM J. Matrix Anal. Appl. 38, 2017).

Off a minimum the chains also drift down the slope g. In the same quadratic law their mean is at −nβ(nβH + γ)⁻¹g, which
lowers λ̂ by `Descent.expected`. The step is taken from one half of the examples and its gain is measured on the other
half: a gradient that is only noise of the sample gains nothing there, so the rate of false alarms is that of a t test.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields
from itertools import islice
from typing import Any, NamedTuple, TypeVar

import numpy as np
import pandas as pd
import torch
from scipy import stats
from torch import Tensor

from workflow_scripts.ticketlab.core.random_streams import generator, torch_seed
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


@dataclass(frozen=True)
class Descent:
    """The slopes at w* of each of N networks along m directions, the Ritz vectors of the Hessian from its gradient.

    curvatures: along them, (N, m). slopes: of the loss on one half of the batches, (N, m). held_out: of the loss on
    each of the K batches of the other half, (N, K, m).
    """

    curvatures: np.ndarray
    slopes: np.ndarray
    held_out: np.ndarray

    def expected(self, nbeta: float, localization: float) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """By how much the slope lowers λ̂, its standard error over the batches and t of "no slope", (N,) each.

        With the step s = f · slopes, f = nβ/(nβ|h| + γ), it is nβ(s · held_out − ½ Σ |h|s²). t is of the first term,
        whose mean is 0 where the held-out gradient is noise; the second only makes the sum smaller. Negative curvatures
        count as positive: the chains go further there.
        """
        size = np.abs(self.curvatures)
        step = nbeta / (nbeta * size + localization) * self.slopes
        gains = nbeta * np.einsum("nm,nkm->nk", step, self.held_out)
        mean, se = gains.mean(1), gains.std(1, ddof=1) / np.sqrt(gains.shape[1])
        with np.errstate(divide="ignore", invalid="ignore"):
            t = mean / se
        return mean - nbeta / 2 * (size * step**2).sum(1), se, t


class Controls(NamedTuple):
    """rises: of the loss under noise of size 1/√γ, (N, draws) in nats; spectrum: of the Hessian at w*; descent: along
    the slope at w*."""

    rises: np.ndarray
    spectrum: Spectrum
    descent: Descent


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
    free = _free(start, masks)
    nodes, shares = [], []
    for probe in range(settings.probes):
        signs = _signs(free, [seed + probe for seed in seeds])
        found, vectors, _ = _lanczos(_Slopes(loss, start, batches(probe), free), signs, settings.hessian_steps)
        nodes.append(found)
        shares.append(np.square(vectors[:, 0]))
    return Spectrum(np.stack(nodes, 1), np.stack(shares, 1), free_parameters(start, masks))


def descent(
    loss: Loss, start: Stack, batches: Callable[[int], Any], settings: LLCSettings, masks: Stack | None = None
) -> Descent:
    """The slopes of each network of `start`, by `slope_batches` batches that choose the directions and as many others.

    batches: number to a batch for N slices. The Hessian is that of batch 0, by `hessian_steps` products.
    """
    free, half = _free(start, masks), settings.slope_batches
    gradients = (_Slopes(loss, start, batches(number), free).gradient() for number in range(2 * half))
    chosen = sum(islice(gradients, half), torch.zeros_like(free)) / half
    nodes, vectors, basis = _lanczos(_Slopes(loss, start, batches(0), free), chosen, settings.hessian_steps)
    along = torch.stack([torch.einsum("nmd,nd->nm", basis, gradient) for gradient in gradients], dim=1)
    first = chosen.norm(dim=1).double().cpu().numpy()[:, None] * vectors[:, 0]
    return Descent(nodes, first, along.double().cpu().numpy() @ vectors)


def _free(start: Stack, masks: Stack | None) -> Tensor:
    """1 where a weight may move, (N, d)."""
    free = {name: torch.ones_like(tensor) for name, tensor in start.items()} | (masks or {})
    return torch.cat([free[name].flatten(1) for name in start], dim=1)


class _Slopes:
    """The gradient at `start` of N networks' losses on a batch, and its derivatives, on the free weights (N, d)."""

    def __init__(self, loss: Loss, start: Stack, batch: Any, free: Tensor):
        self.weights = {name: tensor.detach().clone().requires_grad_(True) for name, tensor in start.items()}
        self.losses, self.free = loss(self.weights, batch).sum(), free
        self.slopes: tuple[Tensor, ...] | None = None

    def gradient(self) -> Tensor:
        found = torch.autograd.grad(self.losses, list(self.weights.values()), materialize_grads=True)
        return self._flat(found)

    def product(self, of: Tensor) -> Tensor:
        """The Hessians' products with `of`."""
        weights = list(self.weights.values())
        if self.slopes is None:
            self.slopes = torch.autograd.grad(self.losses, weights, create_graph=True, materialize_grads=True)
        sizes = [tensor[0].numel() for tensor in weights]
        directions = [part.view(tensor.shape) for part, tensor in zip(of.split(sizes, dim=1), weights, strict=True)]
        found = torch.autograd.grad(self.slopes, weights, directions, retain_graph=True, materialize_grads=True)
        return self._flat(found)

    def _flat(self, tensors: Sequence[Tensor]) -> Tensor:
        return torch.cat([tensor.flatten(1) for tensor in tensors], dim=1) * self.free


def _signs(free: Tensor, seeds: Sequence[int]) -> Tensor:
    """A random vector of −1 and 1 on each network's free weights, (N, d)."""
    signs = []
    for seed, mine in zip(seeds, free, strict=True):
        random = torch.Generator(device=free.device).manual_seed(seed % 2**63)
        signs.append(mine * (2 * torch.randint(0, 2, mine.shape, generator=random, device=free.device) - 1))
    return torch.stack(signs)


def _lanczos(slopes: _Slopes, vector: Tensor, steps: int) -> tuple[np.ndarray, np.ndarray, Tensor]:
    """`steps` steps from `vector` (N, d), each kept orthogonal to all before (full reorthogonalisation): the nodes
    (N, steps), their vectors (N, steps, steps), a column each, in the basis (N, steps, d)."""
    basis = [vector / vector.norm(dim=1, keepdim=True).clamp_min(torch.finfo(vector.dtype).tiny)]
    diagonal, beside = [], []
    for step in range(steps):
        image = slopes.product(basis[-1])
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
    matrix = matrix.cpu()
    # eigh refuses a stack with NaN in it: a network that diverged has no nodes, and the others have theirs.
    sound = matrix.isfinite().all(2).all(1)[:, None, None]
    nodes, vectors = torch.linalg.eigh(matrix.where(sound, 0.0))
    return nodes.where(sound[:, 0], torch.nan).numpy(), vectors.numpy(), torch.stack(basis, dim=1)


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
    # No example is in two batches, and chance puts it there: else a slope on one half would be known on the other.
    number = 2 * settings.slope_batches
    shape = number, max(1, min(settings.hessian_examples, count // number))
    shuffled = generator(study.name, "llc-slopes").permutation(count)
    apart = torch.from_numpy(np.resize(shuffled, shape)).to(study.device)
    rises, spectra, descents = [], [], []
    for chosen in stack.slices(len(members), settings.members_together):
        some = members[chosen]
        start = {name: tensor[chosen] for name, tensor in weights.items()}
        free = {name: mask[chosen] for name, mask in masks.items()} or None
        seeds = [torch_seed(study.name, "llc-controls", *member.keys().values(), step) for member in some]

        def at(places: Tensor, networks: int = len(some)) -> tuple[Tensor, Tensor]:
            inputs, targets = examples.inputs[places], examples.targets[places]
            return inputs.expand(networks, *inputs.shape), targets.expand(networks, *targets.shape)

        def batch(number: int, at: Callable[[Tensor], Any] = at) -> Any:
            size = settings.hessian_examples
            return at(torch.arange(number * size, (number + 1) * size, device=study.device) % count)

        def batch_apart(number: int, at: Callable[[Tensor], Any] = at) -> Any:
            return at(apart[number])

        rises.append(noise_rise(loss, start, batch, settings.noise_draws, seeds, settings.localization, free))
        spectra.append(spectrum(loss, start, batch, settings, seeds, free))
        descents.append(descent(loss, start, batch_apart, settings, free))
    return Controls(np.concatenate(rises), _joined(Spectrum, spectra), _joined(Descent, descents))


Measure = TypeVar("Measure", Spectrum, Descent)


def _joined(kind: type[Measure], parts: Sequence[Measure]) -> Measure:
    """One measure of the networks of all parts."""
    return kind(*(np.concatenate([getattr(part, field.name) for part in parts]) for field in fields(kind)))


def checked(estimates: pd.DataFrame, controls: Controls, settings: LLCSettings) -> pd.DataFrame:
    """Rows of llc.estimate with the controls' columns, and their flags beside the others:

    prior_dominated   λ̂ is what isotropic noise gives, within `settings.prior_share` or noise: the localisation decides
    below_hessian     λ̂ is below the Hessian's effective dimension by more than `settings.hessian_share` and noise
    not_a_minimum     the slope at w* lowers λ̂ by more than `settings.minimum_share` of it, and is no noise at the level
                      `settings.minimum_alpha`; raised by the chains too (llc.estimate)
    """
    nbeta, pull = settings.nbeta, settings.localization
    rises = nbeta * controls.rises
    gaussian, gaussian_se = rises.mean(1), rises.std(1, ddof=1) / np.sqrt(rises.shape[1])
    hessian, hessian_se = controls.spectrum.dimension(nbeta, pull)
    llc_, se = estimates["llc"].to_numpy(), estimates["se"].to_numpy()
    close = np.maximum(settings.prior_share * np.abs(gaussian), NOISE_LIMIT * np.hypot(se, gaussian_se))
    room = settings.hessian_share * hessian + NOISE_LIMIT * np.hypot(se, hessian_se)
    descent_, descent_se, t = controls.descent.expected(nbeta, pull)
    sloping = t > stats.t.isf(settings.minimum_alpha, controls.descent.held_out.shape[1] - 1)
    flags = {
        "prior_dominated": np.abs(llc_ - gaussian) <= close,
        "below_hessian": llc_ < hessian - room,
        "not_a_minimum": sloping & (descent_ > settings.minimum_share * (llc_ + descent_)),
    }
    raised = [[name for name, mine in flags.items() if mine[place]] for place in range(len(estimates))]
    joined = [
        ",".join(dict.fromkeys([*filter(None, flag.split(",")), *mine]))
        for flag, mine in zip(estimates["flag"], raised, strict=True)
    ]
    chain = settings.chains * (settings.burn_in + settings.draws) * settings.batch_size
    return estimates.assign(
        gaussian=gaussian,
        gaussian_se=gaussian_se,
        hessian=hessian,
        hessian_se=hessian_se,
        hessian_negative=controls.spectrum.negative(nbeta, pull),
        descent=descent_,
        descent_se=descent_se,
        hessian_cost=settings.probes * settings.hessian_steps * settings.hessian_examples / chain,
        flag=joined,
    )


def at_scale(settings: LLCSettings, nbeta: float) -> LLCSettings:
    """The settings at another nβ and the same γ: above their own nβ with smaller steps and a longer burn-in."""
    slower = max(1.0, nbeta / settings.nbeta) ** 0.5
    changes = {"learning_rate": settings.learning_rate / slower, "burn_in": round(settings.burn_in * slower)}
    return settings.model_copy(update={"nbeta": nbeta, **changes})
