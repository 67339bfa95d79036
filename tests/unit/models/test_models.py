"""The networks: what may be pruned, how they begin, what their gates do, and that no position sees its future."""

import math

import pytest
import torch
from torch.func import functional_call

from workflow_scripts.ticketlab import models
from workflow_scripts.ticketlab.models.network import Component


def transformer(**changes):
    settings = {"kind": "transformer", "layers": 2, "width": 8, "heads": 2, "mlp_width": 12, "positions": "relative"}
    model = models.build(settings | changes, 7, 7, 6)
    model.initialise(torch.Generator().manual_seed(0))
    return model


def mlp(hidden=(12, 5)):
    model = models.build({"kind": "mlp", "hidden": list(hidden)}, 64, 10, 1)
    model.initialise(torch.Generator().manual_seed(0))
    return model


def embedding_mlp():
    model = models.build({"kind": "embedding_mlp", "width": 6, "hidden": 9}, 7, 7, 1)
    model.initialise(torch.Generator().manual_seed(0))
    return model


def test_every_matrix_can_be_pruned_and_nothing_else():
    for model in (mlp(), embedding_mlp(), transformer(), transformer(mlp_width=0), transformer(positions="absolute")):
        shapes = {name: tensor.ndim for name, tensor in model.named_parameters()}
        matrices = {name for name, ndim in shapes.items() if ndim == 2}
        unpruned = matrices - set(model.prunable)
        assert set(model.prunable) <= matrices and len(set(model.prunable)) == len(model.prunable)
        assert all(name == "position" or name.endswith("distance_bias") for name in unpruned)


def test_input_and_output_embeddings_are_not_tied():
    model = transformer()
    assert model.embedding.weight is not model.unembedding.weight
    assert {"embedding.weight", "unembedding.weight"} <= set(model.prunable)


def test_without_layer_norm_there_is_no_norm_and_the_output_of_an_attention_only_network_is_not_rescaled():
    model = transformer(layer_norm=False, mlp_width=0)
    assert not [name for name, _ in model.named_parameters() if "norm" in name]
    with torch.no_grad():
        for block in model.blocks:
            block.attention.output.weight.zero_()
        tokens = torch.tensor([[0, 3, 6]])
        expected = model.embedding.weight[tokens] @ model.unembedding.weight.T
        torch.testing.assert_close(model(tokens)[0], expected)


def test_a_one_hot_vector_is_embedded_as_its_token():
    model = transformer()
    tokens = torch.tensor([[0, 3, 6], [2, 2, 5]])
    vectors = torch.nn.functional.one_hot(tokens, 7).float()
    with torch.no_grad():
        torch.testing.assert_close(model(vectors)[0], model(tokens)[0])


def test_components_are_numbered_layer_by_layer():
    assert transformer().components == [Component(i, "head", j) for i in range(2) for j in range(2)]
    assert mlp([3, 2]).components == [Component(i, "unit", j) for i, width in enumerate([3, 2]) for j in range(width)]


def test_the_mlp_begins_with_gaussian_glorot_weights_and_no_bias():
    model = mlp([300, 100])
    for index, (fan_in, fan_out) in enumerate([(64, 300), (300, 100), (100, 10)]):
        weight = model.get_parameter(f"layers.{index}.weight")
        assert weight.shape == (fan_out, fan_in)
        expected = math.sqrt(2 / (fan_in + fan_out))
        assert weight.std().item() == pytest.approx(expected, rel=4 / math.sqrt(2 * weight.numel()))
        assert (model.get_parameter(f"layers.{index}.bias") == 0).all()


def test_the_transformer_begins_with_maps_of_variance_one_over_fan_in():
    model = models.build(
        {"kind": "transformer", "layers": 2, "width": 64, "heads": 4, "mlp_width": 128, "positions": "absolute"},
        30,
        30,
        16,
    )
    model.initialise(torch.Generator().manual_seed(1))
    expected = {"embedding.weight": 0.5, "position": 0.1, "unembedding.weight": 1 / 8}
    for layer in range(2):
        attention, perceptron = f"blocks.{layer}.attention", f"blocks.{layer}.mlp"
        expected |= {f"{attention}.{name}.weight": 1 / 8 for name in ("query", "key", "value")}
        expected |= {f"{attention}.output.weight": 1 / 8 / 2, f"{perceptron}.hidden.weight": 1 / 8}
        expected[f"{perceptron}.output.weight"] = 1 / math.sqrt(128) / 2
    matrices = {name for name, tensor in model.named_parameters() if tensor.ndim == 2}
    assert set(expected) == matrices
    for name, deviation in expected.items():
        tensor = model.get_parameter(name)
        assert tensor.std().item() == pytest.approx(deviation, rel=4 / math.sqrt(2 * tensor.numel())), name


@pytest.mark.parametrize("positions", ["relative", "absolute"])
def test_no_position_sees_its_future(positions):
    model = transformer(positions=positions)
    tokens = torch.randint(7, (4, 6), generator=torch.Generator().manual_seed(2))
    changed = tokens.clone()
    changed[:, 4:] = (changed[:, 4:] + 3) % 7
    (before, patterns), (after, _) = model(tokens), model(changed)
    assert torch.equal(before[:, :4], after[:, :4]) and not torch.equal(before[:, 4:], after[:, 4:])
    for pattern in patterns:
        assert pattern.shape == (4, 2, 6, 6)
        assert (pattern.triu(1) == 0).all()
        torch.testing.assert_close(pattern.sum(-1), torch.ones(4, 2, 6))


@pytest.mark.parametrize("positions", ["relative", "absolute"])
def test_order_matters(positions):
    model = transformer(positions=positions)
    with torch.no_grad():  # distance biases begin at zero
        for block in model.blocks:
            if block.attention.distance_bias is not None:
                block.attention.distance_bias.copy_(torch.arange(6.0).expand(2, 6))
    forward, _ = model(torch.tensor([[1, 2, 3, 4]]))
    swapped, _ = model(torch.tensor([[2, 1, 3, 4]]))
    assert not torch.allclose(forward[:, -1], swapped[:, -1], atol=1e-4)


@pytest.mark.parametrize("build", [mlp, embedding_mlp, transformer])
def test_a_closed_gate_replaces_a_component_by_its_mean(build):
    """So a batch of one example repeated cannot tell an ablated unit of an MLP, whose mean is over examples."""
    model = build()
    gates = torch.ones(len(model.components))
    inputs = torch.rand(5, 64) if build is mlp else torch.randint(7, (5, 2 if build is embedding_mlp else 6))
    plain, _ = model(inputs, gates)
    torch.testing.assert_close(plain, model(inputs)[0])
    effects = []
    for index in range(len(gates)):
        closed = gates.clone()
        closed[index] = 0
        effects.append((model(inputs, closed)[0] - plain).abs().max().item())
    assert sum(effect > 1e-6 for effect in effects) > len(effects) / 2
    if build is not transformer:
        same = inputs[:1].expand(5, -1)
        torch.testing.assert_close(model(same, torch.zeros(len(gates)))[0], model(same)[0])


def test_an_mlp_by_hand():
    model = models.build({"kind": "mlp", "hidden": [2]}, 2, 1, 1)
    weights = {
        "layers.0.weight": torch.tensor([[1.0, 0.0], [0.0, -1.0]]),
        "layers.0.bias": torch.tensor([0.5, 0.0]),
        "layers.1.weight": torch.tensor([[2.0, 3.0]]),
        "layers.1.bias": torch.tensor([-1.0]),
    }
    outputs, (hidden,) = functional_call(model, weights, (torch.tensor([[1.0, 2.0], [-1.0, -2.0]]),))
    assert hidden.tolist() == [[1.5, 0.0], [0.0, 2.0]] and outputs.tolist() == [[2.0], [5.0]]


def test_an_embedding_mlp_by_hand_which_cannot_tell_the_order_of_its_symbols():
    model = models.build({"kind": "embedding_mlp", "width": 2, "hidden": 2}, 3, 1, 1)
    weights = {
        "embedding.weight": torch.tensor([[1.0, 0.0], [0.0, 1.0], [-3.0, 2.0]]),
        "hidden.weight": torch.tensor([[1.0, 1.0], [-1.0, 0.0]]),
        "output.weight": torch.tensor([[2.0, 3.0]]),
    }
    assert set(weights) == {name for name, _ in model.named_parameters()}
    outputs, (hidden,) = functional_call(model, weights, (torch.tensor([[0, 1], [1, 0], [0, 2]]),))
    assert hidden.tolist() == [[2.0, 0.0], [2.0, 0.0], [0.0, 2.0]] and outputs.tolist() == [[4.0], [4.0], [6.0]]


def test_the_embedding_mlp_begins_with_maps_of_variance_one_over_fan_in():
    model = models.build({"kind": "embedding_mlp", "width": 40, "hidden": 90}, 70, 70, 1)
    model.initialise(torch.Generator().manual_seed(3))
    for tensor in model.parameters():
        expected = 1 / math.sqrt(tensor.shape[1])
        assert tensor.std().item() == pytest.approx(expected, rel=4 / math.sqrt(2 * tensor.numel()))
