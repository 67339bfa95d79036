"""The controls of a ticket: each is one function that changes only the property in its name.

A ticket is a mask, the state from which training starts and the length of the training schedule.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cache, partial
from itertools import groupby

from workflow_scripts.ticketlab.core.random_streams import data_seed
from workflow_scripts.ticketlab.pruning import masks as pruning
from workflow_scripts.ticketlab.pruning.imp import search
from workflow_scripts.ticketlab.pruning.masks import Counts
from workflow_scripts.ticketlab.settings.schedule import ScheduleSettings
from workflow_scripts.ticketlab.settings.training import TrainingSettings
from workflow_scripts.ticketlab.training.join import join
from workflow_scripts.ticketlab.training.stack import Member, Stack, as_variant, concatenate
from workflow_scripts.ticketlab.training.study import Study
from workflow_scripts.ticketlab.training.train import State, initial_state, initial_weights, train


@dataclass(frozen=True)
class Ticket:
    """A stack of things to train: mask over the prunable tensors, starting state, and total steps of the schedule."""

    mask: Stack
    start: State
    total: int


@dataclass(frozen=True)
class Sources:
    """The sources of controls in addition to the ticket itself.

    members: the tickets' keys (init seed, rewind step and level).
    counts: how many weights a mask of this level keeps.
    dense_weights: prunable tensors of the dense networks at a training step.
    dense_start: the dense networks before their first step.
    fresh_start: other initialisations, trained densely to the same rewind step on the same batches.
    search_steps: steps that IMP has trained in all when it has found the ticket and trained it.
    other_order: the masks of this level that IMP finds on another data order, from the same start, for other_order.
    """

    study: str
    members: Sequence[Member]
    counts: Counts
    dense_weights: Callable[[int], Stack]
    dense_start: State
    fresh_start: Callable[[], State]
    last_step: int
    search_steps: int
    other_order: Callable[[], Stack] | None = None


Controlled = Callable[[Ticket, Sources], Ticket]


def reinitialised(ticket: Ticket, sources: Sources) -> Ticket:
    """The mask on another initialisation (Frankle & Carbin 2019)."""
    return replace(ticket, start=sources.fresh_start())


def shuffled(ticket: Ticket, sources: Sources) -> Ticket:
    """The initialisation under the mask permuted within each layer (Frankle et al. 2021)."""
    return replace(ticket, mask=pruning.shuffle(ticket.mask, sources.study, sources.members))


def shuffled_rows(ticket: Ticket, sources: Sources) -> Ticket:
    """The mask permuted within each row, so that each unit keeps as many weights, and each symbol of an embedding."""
    return replace(ticket, mask=pruning.shuffle_rows(ticket.mask, sources.study, sources.members))


def other_order(ticket: Ticket, sources: Sources) -> Ticket:
    """The mask that the same search finds on another data order, trained on the ticket's own.

    As good as the ticket, what wins is in θ₀ and the task; if not, the mask remembers the order that found it.
    """
    assert sources.other_order is not None
    return replace(ticket, mask=sources.other_order())


def random(ticket: Ticket, sources: Sources) -> Ticket:
    """A mask drawn uniformly over the whole network, so that layer densities differ as well."""
    scores = pruning.random_scores(ticket.mask, sources.study, sources.members)
    counts = sources.counts
    return replace(ticket, mask=pruning.keep_top(scores, counts if isinstance(counts, int) else sum(counts.values())))


def mask_at_step(ticket: Ticket, sources: Sources, step: int) -> Ticket:
    """The mask of the dense network's largest weights at `step` (Minegishi et al. 2023)."""
    return replace(ticket, mask=pruning.keep_top(pruning.magnitude(sources.dense_weights(step)), sources.counts))


def initial_magnitude(ticket: Ticket, sources: Sources) -> Ticket:
    """The mask of the largest initial weights, which shows the effect of |θ₀| alone."""
    return mask_at_step(ticket, sources, 0)


def one_shot(ticket: Ticket, sources: Sources) -> Ticket:
    """The mask of the trained dense network's largest weights, without iteration."""
    return mask_at_step(ticket, sources, sources.last_step)


def signed_constant(ticket: Ticket, sources: Sources) -> Ticket:
    """Each starting weight replaced by its sign times its tensor's standard deviation (Zhou et al. 2019)."""
    del sources
    constant = pruning.signed_constant({name: ticket.start.weights[name] for name in ticket.mask})
    weights = {**ticket.start.weights, **constant}
    return replace(ticket, start=replace(ticket.start, weights=weights))


def dense_total(ticket: Ticket, sources: Sources) -> Ticket:
    """The dense network from θ₀, given all the steps that IMP used, under a schedule of that length."""
    return Ticket(pruning.ones(ticket.mask), sources.dense_start, sources.search_steps)


def ticket_total(ticket: Ticket, sources: Sources) -> Ticket:
    """The ticket itself, given as many steps in all: what dense_total is to be compared with."""
    return replace(ticket, total=sources.search_steps)


CONTROLS: dict[str, Controlled] = {
    "reinitialised": reinitialised,
    "shuffled": shuffled,
    "shuffled_rows": shuffled_rows,
    "other_order": other_order,
    "random": random,
    "initial_magnitude": initial_magnitude,
    "signed_constant": signed_constant,
    "one_shot": one_shot,
    "dense_total": dense_total,
    "ticket_total": ticket_total,
}


def variants(control: str, mask_steps: Sequence[int]) -> dict[str, Controlled]:
    """The variants that a control of the config represents, by their names in the tables."""
    if control == "mask_at_step":
        return {f"mask_at_step_{step}": partial(mask_at_step, step=step) for step in mask_steps}
    return {control: CONTROLS[control]}


def tickets(
    control: str,
    study: Study,
    masks: Iterable[tuple[list[Member], Stack]],
    dense_state: Callable[[int], tuple[list[Member], State]],
    dense_weights: Callable[[int], Stack],
    mask_steps: Sequence[int],
    schedule: ScheduleSettings,
    training: TrainingSettings,
) -> list[tuple[list[Member], Ticket]]:
    """What a control of the config trains, with the members' keys: a ticket for each of its variants and of `masks`.

    masks: the tickets' members and masks, a stack for each rewind step and round. dense_state, dense_weights: the dense
    networks' states, and their prunable tensors, at a step.
    """
    dense, dense_start = dense_state(0)

    def fresh_start(rewind_step: int) -> State:
        """Other initial weights for the same seeds, trained as the dense networks were up to the rewind step."""
        weights = initial_weights(study, [member.init_seed for member in dense], "reinit")
        *_, state = train(study, dense, initial_state(weights, training), training, [rewind_step])
        return state

    chosen = list(masks)

    @cache
    def other_masks(rewind_step: int) -> dict[int, Stack]:
        """The masks, by level, of IMP on data order 1 of each initialisation, which splits off at the rewind step."""
        _, start = dense_state(rewind_step)
        others = [replace(member, data_seed=data_seed(member.init_seed, 1)) for member in dense]
        rounds = max(members[0].level for members, _ in chosen)
        return search(study, others, start, rounds, schedule, training)

    def other_order_mask(rewind_step: int, level: int) -> Stack:
        return other_masks(rewind_step)[level]

    found = []
    for members, mask in chosen:
        rewind_step, level = members[0].rewind_step, members[0].level
        sources = Sources(
            study=study.name,
            members=members,
            counts=pruning.schedule(schedule, pruning.sizes(mask), level),
            dense_weights=dense_weights,
            dense_start=dense_start,
            fresh_start=partial(fresh_start, rewind_step),
            other_order=partial(other_order_mask, rewind_step, level),
            last_step=training.steps,
            search_steps=training.steps + level * (training.steps - rewind_step),
        )
        ticket = Ticket(mask, dense_state(rewind_step)[1], training.steps)
        for variant, function in variants(control, mask_steps).items():
            found.append((as_variant(members, variant=variant), function(ticket, sources)))
    return found


def by_schedule(chosen: Sequence[tuple[list[Member], Ticket]]) -> Iterator[tuple[list[Member], Ticket]]:
    """The tickets as few stacks: those that start at one step of a schedule of one length are trained together."""

    def schedule(item: tuple[list[Member], Ticket]) -> tuple[int, int]:
        return item[1].start.step, item[1].total

    for (_, total), group in groupby(sorted(chosen, key=schedule), key=schedule):
        parts = list(group)
        members, start = join([(names, ticket.start) for names, ticket in parts])
        yield members, Ticket(concatenate([ticket.mask for _, ticket in parts]), start, total)
