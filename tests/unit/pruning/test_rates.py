"""At other rates what the recipe trained is trained again, and nothing but the rate differs."""

import pytest
import torch

from workflow_scripts.ticketlab.pruning import controls, imp, rates
from workflow_scripts.ticketlab.settings.pruning import DECISIVE
from workflow_scripts.ticketlab.settings.schedule import ScheduleSettings
from workflow_scripts.ticketlab.training.stack import as_variant
from workflow_scripts.ticketlab.training.train import train

KEEP = ScheduleSettings(keep=0.5)


@pytest.fixture
def trained(case, adamw):
    """The study, its dense states by step, and its tickets of two rounds from θ₀ and one from step 4."""
    dense = {state.step: state for state in case.train(case.members(), case.start(adamw), adamw, [0, 4, adamw.steps])}
    study, masks = case.called(case.study), []
    for rewind, levels in ((0, (1, 2)), (4, (1,))):
        found = imp.search(study, case.members(), dense[rewind], max(levels), KEEP, adamw)
        names = {"variant": "ticket", "rewind_step": rewind}
        masks += [(as_variant(case.members(), level=level, **names), found[level]) for level in levels]
    return study, dense, masks


@pytest.fixture
def again(case, adamw, trained):
    study, dense, masks = trained
    return rates.trained_again(
        DECISIVE,
        study,
        masks,
        lambda step: (case.members(), dense[step]),
        lambda step: case.prunable(dense[step].weights),
        KEEP,
        adamw,
    )


def test_the_dense_networks_every_ticket_and_its_decisive_controls_are_trained_again(again, trained):
    _, _, masks = trained
    cells = [(0, 1), (0, 2), (4, 1)]
    kinds = [(names[0].variant, names[0].rewind_step, names[0].level) for names, _ in again]
    assert kinds[0] == ("dense", 0, 0)
    assert sorted(kinds[1:]) == sorted((variant, *cell) for variant in ("ticket", *DECISIVE) for cell in cells)
    for (_, mask), (_, ticket) in zip(masks, again[1:4], strict=True):
        assert all(torch.equal(mask[name], ticket.mask[name]) for name in mask)


def test_at_factor_1_they_are_the_recipes_networks(case, adamw, again, trained):
    """So factors compare with what the recipe has trained, bit for bit."""
    study, dense, masks = trained
    one = rates.at_factor(adamw, 1.0)
    ends = {}
    for members, ticket in controls.by_schedule(again):
        *_, end = train(study, members, ticket.start, one, [ticket.total], masks=ticket.mask)
        ends |= {member: {name: end.weights[name][i] for name in end.weights} for i, member in enumerate(members)}
    for index, member in enumerate(case.members()):
        for name, tensor in ends[member].items():
            assert torch.equal(tensor, dense[adamw.steps].weights[name][index])
    members, mask = masks[-1]
    *_, end = train(study, members, dense[4], adamw, [adamw.steps], masks=mask)
    for index, member in enumerate(members):
        assert all(torch.equal(ends[member][name], end.weights[name][index]) for name in end.weights)


def test_a_factor_multiplies_the_rate_and_nothing_else(adamw):
    twice = rates.at_factor(adamw, 2.0)
    assert twice.learning_rate == 2 * adamw.learning_rate
    assert twice.model_dump(exclude={"learning_rate"}) == adamw.model_dump(exclude={"learning_rate"})
