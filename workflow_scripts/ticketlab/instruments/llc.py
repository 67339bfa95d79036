"""The local learning coefficient by Langevin chains over stacked networks, with a matched baseline and flags.

    λ̂ = nβ · mean_t [L_B(w_t) − L_B(w*)],   w_t ~ exp(−nβ L(w) − γ/2 ‖w − w*‖²)   (Lau et al. 2308.12108)

A step is elementwise, so N networks × C chains are one stack, network by network, each localised at its own start, and
the numbers of the stack are one vector. Each network draws its noise from its own generator: its chains depend neither
on its neighbours nor on its place. The step is devinterp's SGMCMC.sgld (which tests check), or the same with the mean
of two successive normal draws in place of one, which is exact for a quadratic loss at any stable step (`langevin`).

L is the mean loss over a fixed set of training examples, so L(w*) is computed once for each example and looked up. Both
losses are of the same batch B, which the chain has not seen when the loss is computed; compared with an independent
estimate of L(w*), this removes most of the batch noise.

λ̂ has a meaning only at a minimum and at this (nβ, γ); compare networks at matched loss. R-hat shows that chains agree,
not that they are right, so estimates are also checked for 0 ≤ λ̂ ≤ d/2 and for w* being a minimum, and compared with
what needs no chain (instruments/llc_controls.py). Every estimate keeps its row; a reader drops the flagged ones.
"""

import logging
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
import torch
from arviz_stats.base import array_stats
from torch import Tensor

from workflow_scripts.ticketlab.core.errors import TicketlabError
from workflow_scripts.ticketlab.core.random_streams import generator, torch_seed
from workflow_scripts.ticketlab.settings.llc import LLCSettings
from workflow_scripts.ticketlab.training import stack
from workflow_scripts.ticketlab.training.stack import Member, Stack
from workflow_scripts.ticketlab.training.study import Study

log = logging.getLogger(__name__)

# (weights of N chains, a batch for each) to their mean losses (N,)
Loss = Callable[[Stack, Any], Tensor]

CLOSING_BATCHES = 16  # batches per chain after the draws, for the loss of their mean weights and the batches' noise
NOISE_LIMIT = 3.0  # standard errors beyond which a difference is not noise
NOISE_AHEAD = 1 << 16  # numbers of a network's noise that are drawn at once, for as many steps as they last
LOOKUP_CHUNK = 1024  # predictions of a network for the loss of each example: few enough for memory that is used again


@dataclass(frozen=True)
class Traces:
    """The traces of the chains of N networks.

    loss, baseline: L_B(w_t) and L_B(w*), (N, chains, burn_in + draws) in nats; the first burn_in steps are burn-in.
    gain, gain_se: L(mean of the draws' weights) − L(w*) and its standard error over batches, (N,) in nats.
    batch_noise: the variance of a mini-batch's gradient at the last draw, mean over the free weights, (N,).
    parameters: number of free weights, (N,).
    """

    loss: np.ndarray
    baseline: np.ndarray
    gain: np.ndarray
    gain_se: np.ndarray
    batch_noise: np.ndarray
    parameters: np.ndarray


class Examples(NamedTuple):
    """The examples over which L is the mean: inputs and targets (count, …)."""

    inputs: Tensor
    targets: Tensor


def sample(
    loss: Loss,
    start: Stack,
    batches: Callable[[int], Any],
    settings: LLCSettings,
    seeds: Sequence[int],
    masks: Stack | None = None,
    at_start: Callable[[Any], Tensor] | None = None,
) -> Traces:
    """Run `settings.chains` chains from each of the N networks of `start`.

    loss: any function of a stack of N·chains slices and a batch; a toy potential may ignore the batch.
    batches: step to a batch for the N·chains slices, network by network.
    masks: by tensor name (N, *shape), 1 where a weight is free; the others never move.
    seeds: the seed of each network's noise.
    at_start: a batch to L_B(w*) of the slices, where that is known; else it is computed at every step.
    """
    chains, steps = settings.chains, settings.burn_in + settings.draws
    count = stack.size(start)
    device = next(iter(start.values())).device
    slices = [member for member in range(count) for _ in range(chains)]
    anchors, anchor = stack.in_one_vector(stack.take(start, slices))
    numbers, weights = stack.in_one_vector(anchor)
    gradients, gradient = stack.in_one_vector(anchor)
    means = torch.zeros_like(anchors)
    mean = stack.views_of(means, anchor)
    free = None
    if masks is not None:
        ones = {name: torch.ones_like(tensor) for name, tensor in anchor.items()}
        free, _ = stack.in_one_vector(ones | stack.take(masks, slices))
    noise = _Noise(anchor, count, seeds, averaged=settings.sampler == "leimkuhler_matthews")
    for tensor in weights.values():
        tensor.requires_grad_(True)
    known = at_start or (lambda batch: loss(anchor, batch))
    traces = torch.empty(2, steps, count * chains, device=device)

    def descend(batch: Any) -> Tensor:
        """The losses of the chains; their gradients are then in `gradients`."""
        losses = loss(weights, batch)
        # The sum over chains of their mean losses: each chain's gradient is that of its own mean loss.
        found = torch.autograd.grad(losses.sum(), list(weights.values()), materialize_grads=True)
        with torch.no_grad():
            torch._foreach_copy_(list(gradient.values()), list(found))
        return losses.detach()

    for step in range(steps):
        batch = batches(step)
        traces[0, step] = descend(batch)
        with torch.no_grad():
            traces[1, step] = known(batch)
            if step >= settings.burn_in:
                means.add_(numbers, alpha=1 / (settings.draws * chains))
            langevin(numbers, anchors, gradients, noise.next(), settings, free)
    centre = {name: _over_chains(tensor, chains).sum(1).repeat_interleave(chains, 0) for name, tensor in mean.items()}
    gains, total, squares = [], torch.zeros_like(anchors), torch.zeros_like(anchors)
    for step in range(steps, steps + CLOSING_BATCHES):
        batch = batches(step)
        descend(batch)
        with torch.no_grad():
            gains.append(_over_chains(loss(centre, batch) - known(batch), chains))
            total.add_(gradients)
            squares.addcmul_(gradients, gradients)
    variance = (squares - total.square() / CLOSING_BATCHES) / (CLOSING_BATCHES - 1)
    if free is not None:
        variance.mul_(free)
    of_tensors = [view.reshape(count, -1).double().sum(1) for view in stack.views_of(variance, anchor).values()]
    gain = torch.cat(gains, dim=1).double().cpu().numpy()
    recorded = traces.view(2, steps, count, chains).permute(0, 2, 3, 1).cpu().numpy()
    parameters = free_parameters(start, masks)
    return Traces(
        loss=recorded[0],
        baseline=recorded[1],
        gain=gain.mean(1),
        gain_se=gain.std(1, ddof=1) / np.sqrt(gain.shape[1]),
        batch_noise=torch.stack(of_tensors).sum(0).cpu().numpy() / (chains * parameters),
        parameters=parameters,
    )


def langevin(
    weights: Tensor, anchor: Tensor, gradient: Tensor, noise: Tensor, settings: LLCSettings, free: Tensor | None = None
) -> None:
    """One step on `weights`, in place, at the settings' ε, nβ and γ (Welling & Teh 2011, Lau et al. 2023):

        w ← w − ε/2 · (nβ ∇L_B(w) + γ (w − w*)) + √ε · ξ

    With ξ normal and new at each step this is SGLD, whose law is too wide by 1/(1 − εA/4) along a direction of
    curvature A = nβh + γ. With ξ = (ξₜ + ξₜ₊₁)/2, the mean of two successive normal draws, the law is exact for a
    quadratic loss at any stable step, εA < 4, and its error is of second order in ε elsewhere (Leimkuhler & Matthews,
    Applied Mathematics Research eXpress 2013; 1203.5428).

    All are vectors of one length; `gradient` and `noise` are used up where `free` is 0, since the weight stays there.
    """
    if free is not None:
        gradient.mul_(free)
        noise.mul_(free)
    step = settings.learning_rate
    weights.lerp_(anchor, step * settings.localization / 2)
    weights.add_(gradient, alpha=-step * settings.nbeta / 2)
    weights.add_(noise, alpha=step**0.5)


class _Noise:
    """Standard normal numbers for the chains of `count` networks, as a vector like stack.in_one_vector's of `like`.

    averaged: the means of two successive ones instead, as `langevin` needs them to be exact for quadratics.
    """

    def __init__(self, like: Stack, count: int, seeds: Sequence[int], *, averaged: bool = False):
        self.vector, views = stack.in_one_vector(like)
        device = self.vector.device
        self.parts = [view.view(count, -1) for view in views.values()]
        self.sizes = [part.shape[1] for part in self.parts]
        self.generators = [torch.Generator(device=device).manual_seed(seed) for seed in seeds]
        self.drawn = torch.empty(count, max(1, NOISE_AHEAD // sum(self.sizes)), sum(self.sizes), device=device)
        self.left = 0
        self.last = None
        if averaged:
            self.last = torch.empty(count, sum(self.sizes), device=device)
            for mine, generator_ in zip(self.last, self.generators, strict=True):
                mine.normal_(generator=generator_)

    def next(self) -> Tensor:
        """The numbers of the next step; the vector is the same one at every call."""
        if not self.left:
            for mine, generator_ in zip(self.drawn, self.generators, strict=True):
                mine.normal_(generator=generator_)
            if self.last is not None:
                following = self.drawn[:, -1].clone()
                before = torch.cat([self.last[:, None], self.drawn[:, :-1]], dim=1)
                self.drawn.add_(before).mul_(0.5)
                self.last = following
            self.left = self.drawn.shape[1]
        torch._foreach_copy_(self.parts, list(self.drawn[:, -self.left].split(self.sizes, dim=1)))
        self.left -= 1
        return self.vector


def free_parameters(start: Stack, masks: Stack | None) -> np.ndarray:
    """d of each network, (N,): the weights that a mask keeps, and all weights of tensors without a mask."""
    masks = {} if masks is None else masks
    counts = torch.zeros(stack.size(start), dtype=torch.long)
    for name, tensor in start.items():
        counts += masks[name].flatten(1).sum(1).long().cpu() if name in masks else tensor[0].numel()
    return counts.numpy()


def estimate(traces: Traces, settings: LLCSettings) -> pd.DataFrame:
    """λ̂ of each of the N networks: one row per network, in order, with the columns of table `llc` except the keys.

    noise_share is the share of the batches' noise in the injected noise, which makes the chains so much hotter.
    se is the Monte Carlo standard error (from the effective number of draws) of λ̂. If a chain has diverged, λ̂, se,
    rhat and ess are NaN: the other chains' mean would hide it. Flags, joined by commas, "" when nothing is wrong:

    diverged        a loss is not finite or exceeds its baseline by `settings.explosion`
    negative        λ̂ < 0
    above_d/2       λ̂ > d/2 beyond noise, which no analytic minimum allows
    rhat, ess       the chains disagree, or the draws are worth too few independent ones
    drift           the halves of the draws differ beyond noise: the burn-in was too short
    not_a_minimum   the draws' mean weights have a lower loss than w* by `settings.minimum_share` of the draws' spread:
                    the chains found a way down (it has less power than the slope at w*: llc_controls.checked)
    """
    rows = [
        _row(traces.loss[i], traces.baseline[i], traces.gain[i], traces.gain_se[i], int(traces.parameters[i]), settings)
        for i in range(len(traces.loss))
    ]
    share = settings.learning_rate * settings.nbeta**2 / 4 * traces.batch_noise
    return pd.DataFrame(rows).assign(noise_share=share)


def _row(
    loss: np.ndarray, baseline: np.ndarray, gain: float, gain_se: float, parameters: int, settings: LLCSettings
) -> dict:
    rise = loss.astype(np.float64) - baseline
    row = {
        "llc": np.nan,
        "se": np.nan,
        "rhat": np.nan,
        "ess": np.nan,
        "init_loss": baseline.mean(dtype=np.float64),
        "parameters": parameters,
        "nbeta": settings.nbeta,
        "lr": settings.learning_rate,
        "localization": settings.localization,
        "sampler": settings.sampler,
    }
    if not np.isfinite(rise).all() or rise.max() > settings.explosion:
        return row | {"flag": "diverged"}
    draws = settings.nbeta * rise[:, settings.burn_in :]
    llc, se = draws.mean(), float(array_stats.mcse(draws))
    row |= {"llc": llc, "se": se, "rhat": float(array_stats.rhat(draws)), "ess": float(array_stats.ess(draws))}
    early, late = np.array_split(draws, 2, axis=1)
    drift_se = np.hypot(array_stats.mcse(early), array_stats.mcse(late))
    spread = llc - settings.nbeta * gain
    flags = {
        "negative": llc < 0,
        "above_d/2": llc - NOISE_LIMIT * se > parameters / 2,
        "rhat": not row["rhat"] <= settings.rhat_limit,
        "ess": not row["ess"] >= settings.ess_limit,
        "drift": abs(late.mean() - early.mean()) > NOISE_LIMIT * drift_se,
        "not_a_minimum": -gain > NOISE_LIMIT * gain_se and -settings.nbeta * gain > settings.minimum_share * spread,
    }
    return row | {"flag": ",".join(name for name, raised in flags.items() if raised)}


def measure(
    study: Study,
    members: Sequence[Member],
    weights: Stack,
    step: int,
    settings: LLCSettings,
    masks: Stack | None = None,
) -> Traces:
    """The chains of networks `members` with their `weights` at training step `step`, on the training distribution.

    Every chain has its own batches: with common ones, R-hat would see the chains agree on batch noise. The batches are
    a function of (study, init seed, chain, draw), so that one initialisation's networks (checkpoints, tickets,
    controls) are compared on the same batches.
    """
    examples = examples_of(study, settings.examples)
    # What is frozen is no direction of the loss landscape.
    masks = {**(masks or {}), **{name: torch.zeros_like(weights[name]) for name in study.model.frozen()}}
    total, began = len(members), time.monotonic()
    parts = []
    for chosen in stack.slices(total, settings.members_together):
        some = members[chosen]
        start = {name: tensor[chosen] for name, tensor in weights.items()}
        free = {name: mask[chosen] for name, mask in masks.items()} or None
        parts.append(_measure(study, some, start, step, settings, free, examples))
        done, seconds = chosen.stop, time.monotonic() - began
        rate = done * settings.chains * (settings.burn_in + settings.draws) / seconds
        log.info(
            "llc at step %d: %d/%d networks, %.0f chain-steps/s, %.0f s left",
            *(step, done, total, rate, seconds * (total - done) / done),
        )
    return Traces(*(np.concatenate([getattr(part, field.name) for part in parts]) for field in fields(Traces)))


def _measure(
    study: Study,
    members: Sequence[Member],
    start: Stack,
    step: int,
    settings: LLCSettings,
    free: Stack | None,
    examples: Examples,
) -> Traces:
    known = example_losses(study, start, examples)
    mine = torch.arange(len(members), device=study.device).repeat_interleave(settings.chains)[:, None]
    seeds = [torch_seed(study.name, "llc-noise", *member.keys().values(), step) for member in members]
    return sample(
        network_loss(study),
        start,
        chain_batches(study, members, settings, examples),
        settings,
        seeds,
        free,
        lambda batch: known[mine, batch[2]].mean(1),
    )


def examples_of(study: Study, count: int) -> Examples:
    """The training examples over which L is the mean: all of a finite set, or `count` where there are more.

    They are the same for all networks of the study.
    """
    epochs, random = study.problem.epochs, generator(study.name, "llc-examples")
    if epochs is None:
        drawn = study.problem.sample(random, count)
    else:
        drawn = epochs.take(0, np.sort(random.permutation(epochs.size)[:count]))
    inputs, targets = (torch.from_numpy(side).to(study.device) for side in drawn)
    return Examples(inputs, targets)


@torch.no_grad()
def example_losses(study: Study, weights: Stack, examples: Examples) -> Tensor:
    """The loss of each of N networks on each example, (N, count) in nats."""
    network, count = stack.forward(study.model), stack.size(weights)
    loss_of = torch.func.vmap(study.problem.metrics["loss"])
    parts = []
    for part in stack.slices(len(examples.inputs), max(1, LOOKUP_CHUNK // examples.targets[0].numel())):
        inputs, targets = (side[part].expand(count, *side[part].shape) for side in examples)
        parts.append(loss_of(network(weights, inputs)[0], targets))
    return torch.cat(parts, dim=1)


def network_loss(study: Study) -> Loss:
    """The study's mean loss over a batch (inputs, targets, …), (N, batch, …) each, of each of N networks: (N,)."""
    network = stack.forward(study.model)
    loss_of = torch.func.vmap(lambda logits, targets: study.problem.metrics["loss"](logits, targets).mean())

    def loss(weights: Stack, batch: tuple[Tensor, ...]) -> Tensor:
        inputs, targets = batch[:2]
        return loss_of(network(weights, inputs)[0], targets)

    return loss


def chain_batches(
    study: Study, members: Sequence[Member], settings: LLCSettings, examples: Examples
) -> Callable[[int], tuple[Tensor, Tensor, Tensor]]:
    """Step to a batch of `examples` for every chain: inputs, targets and places, (members·chains, batch, …) each."""
    shape, count = (settings.chains, settings.batch_size), len(examples.inputs)

    def batch(step: int) -> tuple[Tensor, Tensor, Tensor]:
        drawn = [
            generator(study.name, "llc-batch", member.init_seed, step).integers(count, size=shape) for member in members
        ]
        chosen = torch.from_numpy(np.concatenate(drawn)).to(study.device)
        return examples.inputs[chosen], examples.targets[chosen], chosen

    return batch


def masks_of(members: Sequence[Member], weights: Stack, known: dict[Member, Stack]) -> Stack:
    """The masks of `members` as one stack, out of single networks' masks.

    Raises TicketlabError if a network has none, or has weights outside it: chains would sample another space than the
    network's own. A diverged network's NaN are no weights; `estimate` flags it.
    """
    absent = [member for member in members if member not in known]
    if absent:
        raise TicketlabError(f"no mask for {absent[0]} and {len(absent) - 1} more; give estimate_llc their masks files")
    masks = stack.stack([known[member] for member in members])
    for name, mask in masks.items():
        outside = ((weights[name].nan_to_num() != 0) & (mask == 0)).flatten(1).any(1).tolist()
        if any(outside):
            raise TicketlabError(
                f"{members[outside.index(True)]}: {name} is not zero where its mask is; the weights and masks files "
                "given to estimate_llc do not belong together"
            )
    return masks


def draw_rows(traces: Traces, settings: LLCSettings, keys: pd.DataFrame) -> pd.DataFrame:
    """Table `llc_draws` for the networks of `keys`, one row each; burn-in steps have negative draw numbers."""
    count, chains, steps = traces.loss.shape
    rows = keys.loc[keys.index.repeat(chains * steps)].reset_index(drop=True)
    return rows.assign(
        chain=np.tile(np.repeat(np.arange(chains), steps), count),
        draw=np.tile(np.arange(steps) - settings.burn_in, count * chains),
        loss=traces.loss.reshape(-1),
        baseline=traces.baseline.reshape(-1),
    )


def _over_chains(tensor: Tensor, chains: int) -> Tensor:
    return tensor.view(-1, chains, *tensor.shape[1:])
