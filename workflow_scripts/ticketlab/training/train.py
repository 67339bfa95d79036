"""The training loop over a stack: masks, schedule, optimiser state, any start and stop; and its evaluation.

Everything that a step needs is a function of its number (core/random_streams.py), so `train` can start from any saved
State and repeats the original run bit for bit, in whatever stack (training/stack.py) and on whatever processor
(numerics.py).
"""

import copy
import logging
import math
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.optim.adamw import adamw
from torch.optim.sgd import sgd

from workflow_scripts.ticketlab.core.errors import TicketlabError
from workflow_scripts.ticketlab.core.random_streams import CHAOS, torch_seed
from workflow_scripts.ticketlab.models.network import Network
from workflow_scripts.ticketlab.settings.training import TrainingSettings
from workflow_scripts.ticketlab.training import stack
from workflow_scripts.ticketlab.training.batches import batches
from workflow_scripts.ticketlab.training.kept import report_emptied
from workflow_scripts.ticketlab.training.stack import Member, Stack
from workflow_scripts.ticketlab.training.study import Study

log = logging.getLogger(__name__)

# The optimiser's memory, by the names that torch.optim uses in its state.
SLOTS = {"adamw": ("exp_avg", "exp_avg_sq"), "sgd": ("momentum_buffer",)}
EPSILON = 1e-8  # AdamW's, torch's default
CHAOS_NOISE = 1e-6  # a few units in the last place of a float32
BATCHES_PREPARED = 32  # steps whose batches are drawn and moved to the device together
PROGRESS_SECONDS = 10.0


@dataclass(frozen=True)
class State:
    """A stack during training: weights, the optimiser's slots and the number of steps done, which is its whole past."""

    step: int
    weights: Stack
    slots: dict[str, Stack]

    def take(self, indices: Sequence[int]) -> "State":
        slots = {slot: stack.take(tensors, indices) for slot, tensors in self.slots.items()}
        return State(self.step, stack.take(self.weights, indices), slots)


def initial_state(weights: Stack, settings: TrainingSettings) -> State:
    """`weights` before the first step."""
    zeros = {name: torch.zeros_like(tensor) for name, tensor in weights.items()}
    return State(
        0, weights, {slot: stack.take(zeros, range(stack.size(weights))) for slot in SLOTS[settings.optimiser]}
    )


def initial_weights(study: Study, seeds: Iterable[int], purpose: str = "init") -> Stack:
    """θ₀ of each seed, on the study's device: a function of (study, purpose, seed) and of the model's shape.

    θ₀ is drawn on the CPU, so that networks start from the same weights on every device.
    """
    drawn = copy.deepcopy(study.model).cpu()
    states = []
    for seed in seeds:
        drawn.initialise(torch.Generator().manual_seed(torch_seed(study.name, purpose, seed)))
        states.append({name: tensor.detach().clone() for name, tensor in drawn.named_parameters()})
    return stack.to(stack.stack(states), study.device)


def disturbed(study: Study, members: Sequence[Member], state: State) -> State:
    """The state with normal noise on the weights of "chaos" networks: CHAOS_NOISE of each tensor's standard deviation.

    A tensor whose numbers are all equal, as biases are at first, stays as it is.
    """
    weights = stack.take(state.weights, range(len(members)))
    for index, member in enumerate(members):
        if member.variant == CHAOS:
            random = torch.Generator().manual_seed(torch_seed(study.name, "chaos", member.init_seed))
            for tensor in weights.values():
                noise = torch.randn(tensor[index].shape, generator=random).to(tensor.device)
                tensor[index] += CHAOS_NOISE * tensor[index].std(correction=0) * noise
    return State(state.step, weights, state.slots)


def learning_rate(settings: TrainingSettings, step: int, total: int) -> float:
    """The rate of step `step` (from 0) in a run of `total` steps: linear warm-up, then constant or a cosine to 0."""
    warm = min(1.0, (step + 1) / (settings.warmup + 1))
    if settings.schedule == "constant":
        return settings.learning_rate * warm
    return settings.learning_rate * warm * 0.5 * (1 + math.cos(math.pi * step / total))


def train(
    study: Study,
    members: Sequence[Member],
    state: State,
    settings: TrainingSettings,
    record: Iterable[int],
    total: int | None = None,
    masks: Stack | None = None,
    effective: Callable[[Stack], Stack] = lambda trained: trained,
) -> Iterator[State]:
    """Train from `state` to the last step of `record`, yielding a copy of the state at each of its steps.

    masks: by tensor name (N, *shape), 1 for kept; masked weights are zero from the first step on and stay exactly
        zero: their gradients and optimiser slots are zero, so neither momentum nor weight decay can revive them.
    effective: from the trained tensors to the weights that the network runs with; the identity unless scores are
        trained (pruning/supermask.py).
    total: the schedule's length (the recipe's `steps` unless given); steps past `state.step` continue it.
    Raises TicketlabError if every network has diverged; single ones are reported in the log and go on as NaN.
    """
    record = sorted(set(record))
    total = settings.steps if total is None else total
    weights = {name: tensor.detach().clone() for name, tensor in state.weights.items()}
    slots = {slot: stack.take(tensors, range(len(members))) for slot, tensors in state.slots.items()}
    masks = {} if masks is None else masks
    if masks:
        report_emptied(masks, members)
    for name, mask in masks.items():
        for tensors in (weights, *slots.values()):
            tensors[name].mul_(mask)
    update = _updater(study.model, settings, weights, slots, masks, state.step)
    network = stack.forward(study.model)
    loss_of = torch.func.vmap(lambda logits, targets: study.problem.metrics["loss"](logits, targets).mean())
    progress = _Progress(state.step, record[-1], len(members))
    diverged: set[int] = set()
    prepared = range(0)
    for step in range(state.step, record[-1] + 1):
        if step in record:
            diverged |= _report_divergence(weights, members, step, diverged)
            yield _snapshot(step, weights, slots)
        if step == record[-1]:
            return
        if step not in prepared:
            prepared = range(step, min(step + BATCHES_PREPARED, record[-1]))
            inputs, targets = batches(study, members, prepared, settings)
        logits, _ = network(effective(weights), inputs[step - prepared.start])
        # The sum over networks of their mean losses: each network's gradient is that of its own mean loss.
        loss_of(logits, targets[step - prepared.start]).sum().backward()
        update(learning_rate(settings, step, total))
        progress.tick(step + 1)


@dataclass(frozen=True)
class _Group:
    """Tensors that are updated together, each kind of their numbers in one vector (stack.in_one_vector).

    free: 1 for weights that are trained, 0 for masked ones; None if none is masked.
    """

    trained: list[Tensor]
    weights: Tensor
    gradients: Tensor
    gradient_views: list[Tensor]
    slots: list[Tensor]
    free: Tensor | None
    decay: float
    step: Tensor


def _updater(
    model: Network, settings: TrainingSettings, weights: Stack, slots: dict[str, Stack], masks: Stack, step: int
) -> Callable[[float], None]:
    """A function of the learning rate that steps `weights` and `slots` along the gradients and forgets these.

    By torch's own optimiser (it is elementwise, so a stack is a tensor like any other): by its functions, since its
    classes import the compiler (torch._dynamo), which would take each job another second. Tensors that are frozen or
    that the loss does not depend on stay as they are. The tensors of `weights` and `slots` become views of the groups'
    vectors.
    """
    frozen = model.frozen()
    for name, tensor in weights.items():
        tensor.requires_grad_(name not in frozen)
    groups: list[_Group] = []

    def group(names: Sequence[str], decay: float) -> _Group:
        def vector(of: Stack) -> tuple[Tensor, Stack]:
            return stack.in_one_vector({name: of[name] for name in names})

        trained, trained_views = vector(weights)
        for name, view in trained_views.items():
            weights[name].data = view
        memory = []
        for slot in SLOTS[settings.optimiser]:
            numbers, views = vector(slots[slot])
            slots[slot] |= views
            memory.append(numbers)
        gradients, gradient_views = vector(weights)
        free = None
        if not masks.keys().isdisjoint(names):
            free, _ = vector({name: masks.get(name, torch.ones_like(weights[name])) for name in names})
        return _Group(
            trained=[weights[name] for name in names],
            weights=trained,
            gradients=gradients,
            gradient_views=list(gradient_views.values()),
            slots=memory,
            free=free,
            decay=decay,
            step=torch.tensor(float(step), device=trained.device),
        )

    @torch.no_grad()
    def update(rate: float) -> None:
        if not groups:
            used = [name for name, tensor in weights.items() if tensor.grad is not None]
            # Weight decay acts on matrices only, as usual: not on norms and biases.
            for decays, decay in ((True, settings.weight_decay), (False, 0.0)):
                names = [name for name in used if (name in model.prunable) == decays]
                groups.extend([group(names, decay)] if names else [])
        for part in groups:
            torch._foreach_copy_(part.gradient_views, [tensor.grad for tensor in part.trained])  # type: ignore[misc]
            if part.free is not None:
                part.gradients.mul_(part.free)
            if settings.optimiser == "adamw":
                first, second = part.slots
                beta1, beta2 = settings.betas
                adamw(
                    [part.weights],
                    [part.gradients],
                    [first],
                    [second],
                    [],
                    [part.step],
                    fused=True,
                    amsgrad=False,
                    beta1=beta1,
                    beta2=beta2,
                    lr=rate,
                    weight_decay=part.decay,
                    eps=EPSILON,
                    maximize=False,
                )
            else:
                sgd(
                    [part.weights],
                    [part.gradients],
                    [*part.slots],
                    foreach=True,
                    weight_decay=part.decay,
                    momentum=settings.momentum,
                    lr=rate,
                    dampening=0.0,
                    nesterov=False,
                    maximize=False,
                )
        for tensor in weights.values():
            tensor.grad = None

    return update


def _snapshot(step: int, weights: Stack, slots: dict[str, Stack]) -> State:
    copies = {slot: {name: tensor.clone() for name, tensor in tensors.items()} for slot, tensors in slots.items()}
    return State(step, {name: tensor.detach().clone() for name, tensor in weights.items()}, copies)


def _report_divergence(weights: Stack, members: Sequence[Member], step: int, known: set[int]) -> set[int]:
    finite = (
        torch.stack([tensor.detach().reshape(len(tensor), -1).isfinite().all(1) for tensor in weights.values()])
        .all(0)
        .tolist()
    )
    found = {index for index, good in enumerate(finite) if not good}
    for index in sorted(found - known):
        log.warning("diverged: %s: weights not finite at step %d; lower training.learning_rate", members[index], step)
    if len(found) == len(members):
        raise TicketlabError(
            f"all {len(members)} networks of this job diverged by step {step} (first: {members[0]}); "
            "lower training.learning_rate or raise training.warmup in the study's config"
        )
    return found


class _Progress:
    """A line with rate and remaining time, every few seconds."""

    def __init__(self, start: int, stop: int, networks: int):
        self.start, self.stop, self.networks = start, stop, networks
        self.began = self.last = time.monotonic()

    def tick(self, step: int) -> None:
        now = time.monotonic()
        if now - self.last < PROGRESS_SECONDS and step != self.stop:
            return
        self.last = now
        rate = (step - self.start) / max(now - self.began, 1e-9)
        log.info(
            "step %d/%d, %d networks, %.0f network-steps/s, %.0f s left",
            *(step, self.stop, self.networks, rate * self.networks, (self.stop - step) / rate),
        )
