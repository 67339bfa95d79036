"""A control differs from the ticket in exactly what its name says: the mask, the start, or the length."""

from dataclasses import replace

import pytest
import torch

from workflow_scripts.ticketlab.pruning import controls, imp
from workflow_scripts.ticketlab.pruning import masks as pruning
from workflow_scripts.ticketlab.pruning.controls import CONTROLS, Sources, Ticket, variants
from workflow_scripts.ticketlab.settings.pruning import PruningSettings
from workflow_scripts.ticketlab.settings.schedule import ScheduleSettings
from workflow_scripts.ticketlab.training.stack import as_variant

LEVEL, REWIND, LAST = 2, 4, 12
GLOBAL = ScheduleSettings(keep=0.5)
LAYERWISE = ScheduleSettings(scope="layerwise", keep=0.5)


@pytest.fixture(params=[GLOBAL, LAYERWISE], ids=["global", "layerwise"])
def situation(case, adamw, request):
    """A ticket of the second round, rewound to step 4, and what its controls may draw on."""
    dense = case.train(case.members(), case.start(adamw), adamw, [0, REWIND, LAST])
    by_step = {state.step: state for state in dense}
    candidates = case.prunable(by_step[LAST].weights)
    counts = pruning.schedule(request.param, pruning.sizes(candidates), LEVEL)
    members = as_variant(case.members(), variant="ticket", rewind_step=REWIND, level=LEVEL)
    fresh = case.start(adamw, purpose="reinit")
    # Not the magnitudes of the dense end itself: the ticket comes out of a later round.
    random = torch.Generator().manual_seed(3)
    scores = {n: t.abs() * torch.rand(t.shape, generator=random) for n, t in candidates.items()}
    ticket = Ticket(pruning.keep_top(scores, counts), by_step[REWIND], LAST)
    other = {n: t.abs() * torch.rand(t.shape, generator=random) for n, t in candidates.items()}
    sources = Sources(
        study=case.study,
        members=members,
        counts=counts,
        dense_weights=lambda step: case.prunable(by_step[step].weights),
        dense_start=by_step[0],
        fresh_start=lambda: case.train(case.members(), fresh, adamw, [REWIND])[0],
        last_step=LAST,
        search_steps=LAST + LEVEL * (LAST - REWIND),
        other_order=lambda: pruning.keep_top(other, counts),
    )
    return ticket, sources


def same(first, second):
    return first.keys() == second.keys() and all(torch.equal(first[name], second[name]) for name in first)


def changed(control, ticket):
    """The parts in which a control differs from its ticket."""
    parts = {
        "mask": not same(control.mask, ticket.mask),
        "weights": not same(control.start.weights, ticket.start.weights),
        "memory": not all(same(control.start.slots[slot], ticket.start.slots[slot]) for slot in ticket.start.slots),
        "step": control.start.step != ticket.start.step,
        "total": control.total != ticket.total,
    }
    return {part for part, differs in parts.items() if differs}


CHANGES = {
    "reinitialised": {"weights", "memory"},
    "shuffled": {"mask"},
    "shuffled_rows": {"mask"},
    "other_order": {"mask"},
    "random": {"mask"},
    "initial_magnitude": {"mask"},
    "one_shot": {"mask"},
    "signed_constant": {"weights"},
    "dense_total": {"mask", "weights", "memory", "step", "total"},
    "ticket_total": {"total"},
}


def test_every_control_is_covered():
    assert set(CHANGES) == set(CONTROLS)


@pytest.mark.parametrize("name", CHANGES)
def test_a_control_changes_what_its_name_says_and_nothing_else(situation, name):
    ticket, sources = situation
    before = replace(ticket, mask={n: t.clone() for n, t in ticket.mask.items()})
    assert changed(CONTROLS[name](ticket, sources), ticket) == CHANGES[name]
    assert changed(ticket, before) == set()


def total(mask):
    return torch.stack([tensor.flatten(1).sum(1) for tensor in mask.values()]).sum(0).tolist()


@pytest.mark.parametrize("name", sorted({*CHANGES} - {"dense_total"}))
def test_a_control_has_as_many_weights_as_its_ticket(situation, name):
    ticket, sources = situation
    assert total(CONTROLS[name](ticket, sources).mask) == total(ticket.mask)


def per_tensor(mask):
    return {name: tensor.flatten(1).sum(1).tolist() for name, tensor in mask.items()}


def test_shuffled_keeps_layer_densities_and_random_does_not(situation):
    ticket, sources = situation
    assert per_tensor(CONTROLS["shuffled"](ticket, sources).mask) == per_tensor(ticket.mask)
    assert per_tensor(CONTROLS["random"](ticket, sources).mask) != per_tensor(ticket.mask)


def per_row(mask):
    return {name: tensor.flatten(2).sum(2).tolist() for name, tensor in mask.items()}


def test_shuffled_rows_keep_each_units_count_and_shuffled_does_not(situation):
    ticket, sources = situation
    matrices = {name: tensor for name, tensor in ticket.mask.items() if tensor.ndim > 2}
    assert matrices

    def counts(name):
        mask = CONTROLS[name](ticket, sources).mask
        return per_row({tensor: mask[tensor] for tensor in matrices})

    assert counts("shuffled_rows") == per_row(matrices) != counts("shuffled")


@pytest.mark.parametrize("rewind", [0, REWIND])
def test_the_mask_of_another_order_is_what_the_same_search_finds_on_that_order(case, adamw, rewind):
    """From the ticket's own start; it is trained on the ticket's own data, and only the mask is another."""
    dense = {state.step: state for state in case.train(case.members(), case.start(adamw), adamw, [0, REWIND, LAST])}
    study, own = case.called(case.study), imp.search
    members = as_variant(case.members(), variant="ticket", rewind_step=rewind)
    masks = [
        (as_variant(members, level=level), mask)
        for level, mask in own(study, case.members(), dense[rewind], LEVEL, GLOBAL, adamw).items()
    ]
    tickets = controls.tickets(
        "other_order",
        study,
        masks,
        lambda step: (case.members(), dense[step]),
        lambda step: case.prunable(dense[step].weights),
        [],
        GLOBAL,
        adamw,
    )
    others = [replace(member, data_seed=member.init_seed + 1000) for member in case.members()]
    expected = imp.search(study, others, dense[rewind], LEVEL, GLOBAL, adamw)
    assert [names[0].level for names, _ in tickets] == [*expected] == [1, 2]
    for (names, ticket), (before, mask) in zip(tickets, masks, strict=True):
        assert names == as_variant(before, variant="other_order")
        assert same(ticket.mask, expected[names[0].level]) and not same(ticket.mask, mask)
        assert same(ticket.start.weights, dense[rewind].weights) and ticket.total == LAST


def test_reinitialised_weights_differ_everywhere_at_the_same_step(situation):
    ticket, sources = situation
    start = CONTROLS["reinitialised"](ticket, sources).start
    for name in ticket.mask:
        assert (start.weights[name] != ticket.start.weights[name]).float().mean() > 0.99
    assert start.step == REWIND


def test_reinitialised_from_step_0_differs_in_every_prunable_weight(case, adamw):
    first, second = case.start(adamw).weights, case.start(adamw, purpose="reinit").weights
    assert all((first[name] != second[name]).all() for name in case.model.prunable)


def test_signed_constant_keeps_signs_and_other_tensors(situation):
    ticket, sources = situation
    start = CONTROLS["signed_constant"](ticket, sources).start
    for name, tensor in start.weights.items():
        if name in ticket.mask:
            assert torch.equal(tensor.sign(), ticket.start.weights[name].sign())
            assert all(len(row.abs().unique()) == 1 for row in tensor)
        else:
            assert torch.equal(tensor, ticket.start.weights[name])


def test_masks_of_a_step_are_the_dense_networks_largest_weights_then(situation):
    ticket, sources = situation

    def largest(step):
        return pruning.keep_top(pruning.magnitude(sources.dense_weights(step)), sources.counts)

    assert same(CONTROLS["initial_magnitude"](ticket, sources).mask, largest(0))
    assert same(CONTROLS["one_shot"](ticket, sources).mask, largest(LAST))
    at_step = variants("mask_at_step", [0, REWIND])
    assert list(at_step) == ["mask_at_step_0", f"mask_at_step_{REWIND}"]
    assert same(at_step["mask_at_step_0"](ticket, sources).mask, largest(0))
    assert same(at_step[f"mask_at_step_{REWIND}"](ticket, sources).mask, largest(REWIND))
    assert not same(largest(0), largest(REWIND))


def test_dense_total_is_the_whole_network_from_its_beginning_for_all_of_the_searchs_steps(situation):
    ticket, sources = situation
    control = CONTROLS["dense_total"](ticket, sources)
    assert all((tensor == 1).all() for tensor in control.mask.values())
    assert control.start.step == 0 and same(control.start.weights, sources.dense_start.weights)
    assert control.total == LAST + LEVEL * (LAST - REWIND) == CONTROLS["ticket_total"](ticket, sources).total


def test_the_config_and_the_code_know_the_same_controls():
    allowed = set(PruningSettings.model_fields["controls"].annotation.__args__[0].__args__)
    assert allowed == {*CONTROLS, "mask_at_step"}
    for control in CONTROLS:
        assert list(variants(control, [])) == [control]
