"""The local learning coefficient by SGLD over stacked chains, with a matched baseline and flags for faults.

    λ̂ = nβ · mean_t [L_B(w_t) − L_B(w*)],   w_t ~ exp(−nβ L(w) − γ/2 ‖w − w*‖²)   (Lau et al. 2308.12108)

A step of SGLD is elementwise, so N networks × C chains are one stack, network by network, each localised at its own
start, and the numbers of the stack are one vector. The step is devinterp's SGMCMC.sgld (which tests check), but each
network draws its noise from its own generator: its chains depend neither on its neighbours nor on its place. Both
losses are of the same batch B, which the chain has not seen when the loss is computed; compared with an independent
estimate of L(w*), this removes most of the batch noise.

λ̂ has a meaning only at a minimum and at this (nβ, γ, ε); compare networks at matched loss. R-hat shows that chains
agree, not that they are right, so estimates are also checked for 0 ≤ λ̂ ≤ d/2 and for w* being a minimum. Every
estimate keeps its row; a reader drops the flagged ones.
"""

import logging
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields
from typing import Any

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

MINIMUM_BATCHES = 16  # batches per chain on which the draws' mean weights are compared with w*
MINIMUM_SHARE = 0.1  # a gain of the mean weights over w* above this share of the chains' spread: w* is no minimum
NOISE_LIMIT = 3.0  # standard errors beyond which a difference is not noise
NOISE_AHEAD = 1 << 16  # numbers of a network's noise that are drawn at once, for as many steps as they last


@dataclass(frozen=True)
class Traces:
    """The traces of the chains of N networks.

    loss, baseline: L_B(w_t) and L_B(w*), (N, chains, burn_in + draws) in nats; the first burn_in steps are burn-in.
    gain, gain_se: L(mean of the draws' weights) − L(w*) and its standard error over batches, (N,) in nats.
    parameters: number of free weights, (N,).
    """

    loss: np.ndarray
    baseline: np.ndarray
    gain: np.ndarray
    gain_se: np.ndarray
    parameters: np.ndarray


def sample(
    loss: Loss,
    start: Stack,
    batches: Callable[[int], Any],
    settings: LLCSettings,
    seeds: Sequence[int],
    masks: Stack | None = None,
) -> Traces:
    """Run `settings.chains` chains from each of the N networks of `start`.

    loss: any function of a stack of N·chains slices and a batch; a toy potential may ignore the batch.
    batches: step to a batch for the N·chains slices, network by network.
    masks: by tensor name (N, *shape), 1 where a weight is free; the others never move.
    seeds: the seed of each network's noise.
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
    noise = _Noise(anchor, count, seeds)
    for tensor in weights.values():
        tensor.requires_grad_(True)
    traces = torch.empty(2, steps, count * chains, device=device)
    for step in range(steps):
        batch = batches(step)
        losses = loss(weights, batch)
        # The sum over chains of their mean losses: each chain's gradient is that of its own mean loss.
        found = torch.autograd.grad(losses.sum(), list(weights.values()), materialize_grads=True)
        with torch.no_grad():
            traces[0, step] = losses.detach()
            traces[1, step] = loss(anchor, batch)
            if step >= settings.burn_in:
                means.add_(numbers, alpha=1 / (settings.draws * chains))
            torch._foreach_copy_(list(gradient.values()), list(found))
            langevin(numbers, anchors, gradients, noise.next(), settings, free)
    centre = {name: _over_chains(tensor, chains).sum(1).repeat_interleave(chains, 0) for name, tensor in mean.items()}
    gains = []
    with torch.no_grad():
        for step in range(steps, steps + MINIMUM_BATCHES):
            batch = batches(step)
            gains.append(_over_chains(loss(centre, batch) - loss(anchor, batch), chains))
    gain = torch.cat(gains, dim=1).double().cpu().numpy()
    recorded = traces.view(2, steps, count, chains).permute(0, 2, 3, 1).cpu().numpy()
    return Traces(
        loss=recorded[0],
        baseline=recorded[1],
        gain=gain.mean(1),
        gain_se=gain.std(1, ddof=1) / np.sqrt(gain.shape[1]),
        parameters=free_parameters(start, masks),
    )


def langevin(
    weights: Tensor, anchor: Tensor, gradient: Tensor, noise: Tensor, settings: LLCSettings, free: Tensor | None = None
) -> None:
    """One step of SGLD on `weights`, in place, at the settings' ε, nβ and γ (Welling & Teh 2011, Lau et al. 2023):

        w ← w − ε/2 · (nβ ∇L_B(w) + γ (w − w*)) + √ε · ξ,   ξ normal

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
    """Standard normal numbers for the chains of `count` networks, as a vector like stack.in_one_vector's of `like`."""

    def __init__(self, like: Stack, count: int, seeds: Sequence[int]):
        self.vector, views = stack.in_one_vector(like)
        device = self.vector.device
        self.parts = [view.view(count, -1) for view in views.values()]
        self.sizes = [part.shape[1] for part in self.parts]
        self.generators = [torch.Generator(device=device).manual_seed(seed) for seed in seeds]
        self.drawn = torch.empty(count, max(1, NOISE_AHEAD // sum(self.sizes)), sum(self.sizes), device=device)
        self.left = 0

    def next(self) -> Tensor:
        """The numbers of the next step; the vector is the same one at every call."""
        if not self.left:
            for mine, generator_ in zip(self.drawn, self.generators, strict=True):
                mine.normal_(generator=generator_)
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

    se is the Monte Carlo standard error (from the effective number of draws) of λ̂. If a chain has diverged, λ̂, se,
    rhat and ess are NaN: the other chains' mean would hide it. Flags, joined by commas, "" when nothing is wrong:

    diverged        a loss is not finite or exceeds its baseline by `settings.explosion`
    negative        λ̂ < 0
    above_d/2       λ̂ > d/2 beyond noise, which no analytic minimum allows
    rhat, ess       the chains disagree, or the draws are worth too few independent ones
    drift           the halves of the draws differ beyond noise: the burn-in was too short
    not_a_minimum   the draws' mean weights have a lower loss than w*: the chains found a way down
    """
    rows = [
        _row(traces.loss[i], traces.baseline[i], traces.gain[i], traces.gain_se[i], int(traces.parameters[i]), settings)
        for i in range(len(traces.loss))
    ]
    return pd.DataFrame(rows)


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
        "not_a_minimum": -gain > NOISE_LIMIT * gain_se and -settings.nbeta * gain > MINIMUM_SHARE * spread,
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
    masks = {} if masks is None else masks
    # What is frozen is no direction of the loss landscape.
    masks = {**masks, **{name: torch.zeros_like(weights[name]) for name in study.model.frozen()}}
    loss = network_loss(study)
    total, began = len(members), time.monotonic()
    parts = []
    for chosen in stack.slices(total, settings.members_together):
        some = members[chosen]
        start = {name: tensor[chosen] for name, tensor in weights.items()}
        free = {name: mask[chosen] for name, mask in masks.items()} or None
        seeds = [torch_seed(study.name, "llc-noise", *member.keys().values(), step) for member in some]
        parts.append(sample(loss, start, chain_batches(study, some, settings), settings, seeds, free))
        done, seconds = chosen.stop, time.monotonic() - began
        rate = done * settings.chains * (settings.burn_in + settings.draws) / seconds
        log.info(
            "llc at step %d: %d/%d networks, %.0f chain-steps/s, %.0f s left",
            *(step, done, total, rate, seconds * (total - done) / done),
        )
    return Traces(*(np.concatenate([getattr(part, field.name) for part in parts]) for field in fields(Traces)))


def network_loss(study: Study) -> Loss:
    """The study's mean loss over a batch (inputs, targets), (N, batch, …) each, of each of N networks: (N,)."""
    network = stack.forward(study.model)
    loss_of = torch.func.vmap(lambda logits, targets: study.problem.metrics["loss"](logits, targets).mean())

    def loss(weights: Stack, batch: tuple[Tensor, Tensor]) -> Tensor:
        inputs, targets = batch
        return loss_of(network(weights, inputs)[0], targets)

    return loss


def chain_batches(
    study: Study, members: Sequence[Member], settings: LLCSettings
) -> Callable[[int], tuple[Tensor, Tensor]]:
    """Step to a training batch for every chain of `members`: inputs and targets, (members·chains, batch, …)."""
    size = settings.chains * settings.batch_size

    def batch(step: int) -> tuple[Tensor, Tensor]:
        streams = [generator(study.name, "llc-batch", member.init_seed, step) for member in members]
        drawn = [study.problem.sample(stream, size) for stream in streams]
        inputs, targets = (
            np.stack(side).reshape(len(members) * settings.chains, settings.batch_size, *side[0].shape[1:])
            for side in zip(*drawn, strict=True)
        )
        return torch.from_numpy(inputs).to(study.device), torch.from_numpy(targets).to(study.device)

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
