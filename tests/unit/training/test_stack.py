"""Stacks: many networks as one compute what each computes alone."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch.func import functional_call

from workflow_scripts.ticketlab.core.errors import TicketlabError
from workflow_scripts.ticketlab.training import stack, study
from workflow_scripts.ticketlab.training.stack import Member


def inputs_of(case, count):
    return torch.from_numpy(case.problem.evaluation["test"][0]).expand(count, -1, -1)


def test_a_stack_computes_what_each_network_computes(case, adamw):
    weights = case.start(adamw).weights
    outputs, activities = stack.forward(case.model)(weights, inputs_of(case, 3))
    for index in range(3):
        one = {name: tensor[index] for name, tensor in weights.items()}
        expected, expected_activities = functional_call(case.model, one, (inputs_of(case, 3)[index],))
        torch.testing.assert_close(outputs[index], expected)
        for mine, theirs in zip(activities, expected_activities, strict=True):
            torch.testing.assert_close(mine[index], theirs)


def test_open_gates_change_nothing_and_a_closed_one_concerns_its_network_only(case, adamw):
    weights, network = case.start(adamw).weights, stack.forward(case.model)
    gates = torch.ones(3, len(case.model.components))
    plain, _ = network(weights, inputs_of(case, 3))
    torch.testing.assert_close(network(weights, inputs_of(case, 3), gates)[0], plain)
    gates[1, 0] = 0.0
    gated, _ = network(weights, inputs_of(case, 3), gates)
    torch.testing.assert_close(gated[[0, 2]], plain[[0, 2]])
    assert not torch.allclose(gated[1], plain[1])


def test_taking_copies(case, adamw):
    weights = case.start(adamw).weights
    before = {name: tensor.clone() for name, tensor in weights.items()}
    taken = stack.take(weights, [2, 0, 0])
    assert stack.size(taken) == 3
    for name, tensor in taken.items():
        assert torch.equal(tensor, before[name][[2, 0, 0]])
        tensor.add_(1)
        assert torch.equal(weights[name], before[name])


def test_stacks_concatenate_in_order(case, adamw):
    weights = case.start(adamw).weights
    again = stack.concatenate([stack.take(weights, [0]), stack.take(weights, [1, 2])])
    assert all(torch.equal(again[name], weights[name]) for name in weights)


def test_tensors_in_one_vector_each_start_at_a_register_and_share_its_numbers():
    tensors = {"a": torch.arange(6.0).view(2, 3), "b": torch.arange(17.0), "c": torch.ones(1, 1)}
    vector, views = stack.in_one_vector(tensors)
    assert vector.shape == (16 + 32 + 16,) and vector.is_contiguous()
    for name, tensor in tensors.items():
        assert torch.equal(views[name], tensor) and views[name].storage_offset() % stack.REGISTER == 0
    vector.add_(1)
    assert torch.equal(views["b"], tensors["b"] + 1) and torch.equal(tensors["b"], torch.arange(17.0))
    assert torch.equal(stack.views_of(vector * 2, tensors)["a"], 2 * (tensors["a"] + 1))


def test_one_network_computes_the_same_bits_as_in_a_stack(case, adamw):
    """Outputs, activities and gradients, with and without gates."""
    weights, network = case.start(adamw).weights, stack.forward(case.model)
    gates = torch.linspace(0, 1, len(case.model.components)).expand(3, -1)
    for gate in (None, gates):
        outputs, activities = network(weights, inputs_of(case, 3), gate)
        one = {name: tensor[1:2].clone().requires_grad_() for name, tensor in weights.items()}
        mine, my_activities = network(one, inputs_of(case, 1), None if gate is None else gate[:1])
        assert torch.equal(mine[0], outputs[1]) and len(mine) == 1
        assert all(torch.equal(a[0], b[1]) and len(a) == 1 for a, b in zip(my_activities, activities, strict=True))
        mine.sum().backward()
        stacked = {name: tensor.clone().requires_grad_() for name, tensor in weights.items()}
        network(stacked, inputs_of(case, 3), gate)[0].sum().backward()
        assert all(torch.equal(one[name].grad[0], stacked[name].grad[1]) for name in one)


@given(st.integers(0, 50), st.integers(1, 60))
def test_slices_cover_each_place_once(length, chunk):
    parts = list(stack.slices(length, chunk))
    assert [place for part in parts for place in range(length)[part]] == list(range(length))
    assert all(part.stop - part.start <= chunk for part in parts)


def test_keys_and_variants():
    members = stack.dense_members([4, 5])
    assert members[0].keys() == {"init_seed": 4, "data_seed": 4, "variant": "dense", "rewind_step": 0, "level": 0}
    ticket = stack.as_variant(members, variant="ticket", level=3)[1]
    assert ticket == Member(5, 5, "ticket", 0, 3) and "init seed 5" in str(ticket) and "level 3" in str(ticket)


def test_auto_is_a_device_that_is_there():
    assert study.pick_device("auto").type == ("cuda" if torch.cuda.is_available() else "cpu")
    assert study.pick_device("cpu") == torch.device("cpu")


@pytest.mark.parametrize(("name", "cards", "seen"), [("cuda", 0, "none"), ("cuda:0", 0, "none"), ("cuda:2", 2, "2")])
def test_a_gpu_that_is_not_there_is_refused_with_the_remedy(name, cards, seen, monkeypatch):
    monkeypatch.setattr(torch.cuda, "device_count", lambda: cards)
    with pytest.raises(TicketlabError, match=f"device: {name} asks .* sees {seen} here; set `device` to auto or cpu"):
        study.pick_device(name)


@pytest.mark.parametrize("name", ["cuda", "cuda:1"])
def test_a_gpu_that_is_there_is_taken_by_its_name(name, monkeypatch):
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    assert str(study.pick_device(name)) == name


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
def test_a_gpu_computes_the_same(case, adamw):
    weights = case.start(adamw).weights
    cuda = torch.device("cuda")
    here, _ = stack.forward(case.model)(weights, inputs_of(case, 3))
    there, _ = stack.forward(case.model.to(cuda))(stack.to(weights, cuda), inputs_of(case, 3).to(cuda))
    case.model.to("cpu")
    torch.testing.assert_close(there.cpu(), here, atol=1e-3, rtol=1e-3)
