"""Iterative magnitude pruning: each round keeps the largest of what is left, rewinds and trains."""

import pytest
import torch

from workflow_scripts.ticketlab.pruning import imp, masks
from workflow_scripts.ticketlab.settings.schedule import ScheduleSettings

KEEP = ScheduleSettings(keep=0.5)


@pytest.fixture
def dense(case, recipe):
    """The study, its members, their start, and their weights after training."""
    start = case.start(recipe)
    *_, end = case.train(case.members(), start, recipe, [recipe.steps])
    return case.called(case.study), case.members(), start, end.weights


def kept(mask):
    return sum(tensor[0].sum().item() for tensor in mask.values())


def test_a_round_keeps_the_largest_weights_and_trains_them_from_where_it_rewinds_to(dense, recipe):
    study, members, start, trained = dense
    mask, states = imp.imp_round(study, members, start, trained, None, 1, KEEP, recipe, [0, recipe.steps])
    first, last = states
    weights = masks.prunable(study.model.prunable, trained)
    for network in range(len(members)):
        sizes = torch.cat([tensor[network].abs().flatten() for tensor in weights.values()])
        chosen = torch.cat([tensor[network].flatten() for tensor in mask.values()]) > 0
        assert chosen.sum() == round(0.5 * len(sizes)) and sizes[chosen].min() >= sizes[~chosen].max()
    for name, tensor in mask.items():
        assert torch.equal(first.weights[name], start.weights[name] * tensor)
        assert (last.weights[name][tensor == 0] == 0).all() and (last.weights[name] != first.weights[name]).any()


def test_rounds_are_nested_shrink_by_the_schedule_and_are_what_single_rounds_give(dense, recipe):
    study, members, start, trained = dense
    rounds = list(imp.iterate(study, members, start, trained, 3, KEEP, recipe))
    total = sum(masks.sizes(rounds[0].mask).values())
    assert [found.level for found in rounds] == [1, 2, 3]
    assert [kept(found.mask) for found in rounds] == [round(total * 0.5**level) for level in (1, 2, 3)]
    before = None
    for found in rounds:
        mask, states = imp.imp_round(study, members, start, trained, before, found.level, KEEP, recipe, [recipe.steps])
        *_, end = states
        for name in mask:
            assert torch.equal(mask[name], found.mask[name]) and torch.equal(end.weights[name], found.end.weights[name])
            assert before is None or (mask[name] <= before[name]).all()
        before, trained = mask, end.weights


def test_a_search_from_the_start_finds_the_masks_that_rounds_from_the_dense_networks_do(dense, recipe):
    study, members, start, trained = dense
    found = imp.search(study, members, start, 3, KEEP, recipe)
    rounds = {one.level: one.mask for one in imp.iterate(study, members, start, trained, 3, KEEP, recipe)}
    assert [*found] == [*rounds] == [1, 2, 3]
    for level, mask in found.items():
        assert all(torch.equal(mask[name], rounds[level][name]) for name in mask)
