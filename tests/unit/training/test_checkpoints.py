"""States and masks survive the way through a file, and several stacks become one."""

import pytest
import torch

from workflow_scripts.ticketlab.core.errors import TicketlabError
from workflow_scripts.ticketlab.pruning import masks as pruning
from workflow_scripts.ticketlab.tables import stacks
from workflow_scripts.ticketlab.tables.schemas.networks import MASKS, WEIGHTS
from workflow_scripts.ticketlab.training import checkpoints
from workflow_scripts.ticketlab.training.join import join
from workflow_scripts.ticketlab.training.stack import as_variant
from workflow_scripts.ticketlab.training.train import SLOTS

PROVENANCE = {"spec": "", "code": "", "lock": ""}


def test_a_state_comes_back_with_members_weights_and_memory(case, recipe, tmp_path, cpu):
    members = as_variant(case.members(), variant="ticket", rewind_step=4, level=2)
    (state,) = case.train(members, case.start(recipe), recipe, [4])
    path = tmp_path / "w.parquet"
    with stacks.writing(path, WEIGHTS, PROVENANCE) as writer:
        checkpoints.add_state(writer, case.study, members, state, slots=True)
    again, back = checkpoints.read_state(path, 4, cpu, SLOTS[recipe.optimiser])
    assert again == members and back.step == 4 and list(back.weights) == list(state.weights)
    for name, tensor in state.weights.items():
        assert torch.equal(back.weights[name], tensor)
        assert all(torch.equal(back.slots[slot][name], state.slots[slot][name]) for slot in state.slots)
    assert list(checkpoints.read_weights(path, 4, cpu)[1]) == list(state.weights)


def test_a_state_without_its_memory_is_not_read_as_one_with(case, recipe, tmp_path, cpu):
    with stacks.writing(tmp_path / "w.parquet", WEIGHTS, PROVENANCE) as writer:
        checkpoints.add_state(writer, case.study, case.members(), case.start(recipe))
    with pytest.raises(TicketlabError, match=r"w\.parquet: no weight and .* at step 0"):
        checkpoints.read_state(tmp_path / "w.parquet", 0, cpu, SLOTS[recipe.optimiser])


def test_masks_come_back_as_zeros_and_ones(case, adamw, tmp_path, cpu):
    weights = case.prunable(case.start(adamw).weights)
    mask = pruning.keep_top(pruning.magnitude(weights), 100)
    with stacks.writing(tmp_path / "m.parquet", MASKS, PROVENANCE) as writer:
        checkpoints.add_masks(writer, case.study, case.members(), 12, mask)
    members, back = checkpoints.read_masks(tmp_path / "m.parquet", 12, cpu)
    assert members == case.members() and list(back) == list(mask)
    assert all(torch.equal(back[name], mask[name]) and back[name].dtype == torch.float32 for name in mask)


def test_stacks_join_in_order(case, recipe):
    parts = [(case.members(seeds), case.start(recipe, seeds)) for seeds in ([0], [1, 2])]
    members, joined = join(parts)
    whole = case.start(recipe)
    assert members == case.members() and joined.step == 0 and joined.slots.keys() == whole.slots.keys()
    assert all(torch.equal(joined.weights[name], whole.weights[name]) for name in whole.weights)
