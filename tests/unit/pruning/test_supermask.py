"""Edge-popup: the weights stand still, every score learns, and each tensor keeps exactly its share."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from workflow_scripts.ticketlab import models
from workflow_scripts.ticketlab.pruning import masks as pruning
from workflow_scripts.ticketlab.pruning import supermask
from workflow_scripts.ticketlab.settings.supermask import SupermaskSettings, init_and_width, variant
from workflow_scripts.ticketlab.training import stack
from workflow_scripts.ticketlab.training.study import widened
from workflow_scripts.ticketlab.training.train import initial_state, initial_weights

DENSITY = 0.3


def prepared(case, adamw, init="kaiming"):
    weights = case.start(adamw).weights
    names = case.model.prunable
    frozen = supermask.frozen_weights(weights, names, init, DENSITY)
    scores = pruning.random_scores(case.prunable(weights), case.study, case.members())
    return weights, names, frozen, scores


@given(st.integers(1, 40), st.integers(1, 40), st.floats(0.001, 0.999))
def test_each_tensor_keeps_its_share_and_at_least_one(rows, columns, density):
    scores = {"a": torch.rand(2, rows, columns), "b": torch.rand(2, columns)}
    for name, mask in supermask.top_share(scores, density).items():
        elements = scores[name][0].numel()
        assert mask.flatten(1).sum(1).tolist() == [max(1, round(elements * density))] * 2
        for kept, score in zip(mask, scores[name], strict=True):
            assert score[kept == 1].min() >= score[kept == 0].max() if (kept == 0).any() else True


@pytest.mark.parametrize("init", ["kaiming", "signed_constant"])
def test_frozen_weights_are_scaled_so_that_masking_preserves_variance(case, adamw, init):
    weights, names, frozen, _ = prepared(case, adamw, init)
    for name, tensor in frozen.items():
        if name not in names:
            assert torch.equal(tensor, weights[name])
            continue
        assert torch.equal(tensor.sign(), weights[name].sign())
        expected = weights[name] if init == "kaiming" else pruning.signed_constant({name: weights[name]})[name]
        torch.testing.assert_close(tensor, expected / DENSITY**0.5)


@pytest.mark.parametrize("init", ["kaiming", "signed_constant"])
def test_the_network_runs_with_masked_frozen_weights_whatever_the_scores(case, adamw, init):
    """After training too: nothing but the choice of weights has changed."""
    weights, names, frozen, scores = prepared(case, adamw, init)
    before = {name: tensor.clone() for name, tensor in frozen.items()}
    effective = supermask.masked_by_scores(frozen, names, DENSITY)
    run = case.train(case.members(), initial_state({**weights, **scores}, adamw), adamw, [0, 12], effective=effective)
    for state in run:
        mask = supermask.top_share({name: state.weights[name] for name in names}, DENSITY)
        used = effective(state.weights)
        for name, tensor in before.items():
            expected = tensor * mask[name] if name in names else tensor
            torch.testing.assert_close(used[name], expected, atol=1e-6, rtol=1e-6)
            assert torch.equal(frozen[name], tensor)
    first, last = (supermask.top_share({n: state.weights[n] for n in names}, DENSITY) for state in run)
    assert any(not torch.equal(first[name], last[name]) for name in names)


def test_the_gradient_reaches_every_score_also_of_weights_that_are_off(case, adamw):
    _, names, frozen, scores = prepared(case, adamw)
    scores = {name: tensor.clone().requires_grad_() for name, tensor in scores.items()}
    effective = supermask.masked_by_scores(frozen, names, DENSITY)(scores)
    sum((effective[name] * 2).sum() for name in names).backward()
    for name in names:  # d(2·w·pass)/d(score) = 2·w, for kept and masked alike
        torch.testing.assert_close(scores[name].grad, 2 * frozen[name])


def test_the_search_lowers_the_loss(case, adamw):
    weights, names, frozen, scores = prepared(case, adamw, "signed_constant")
    recipe = adamw.model_copy(update={"learning_rate": 0.05, "weight_decay": 0.0, "batch_size": 32, "steps": 150})
    effective = supermask.masked_by_scores(frozen, names, DENSITY)
    run = case.train(
        case.members(), initial_state({**weights, **scores}, recipe), recipe, [0, 150], effective=effective
    )
    network = stack.forward(case.model)
    inputs, targets = (torch.from_numpy(part) for part in case.problem.evaluation["train"])
    losses = []
    for state in run:
        logits, _ = network(effective(state.weights), inputs.expand(3, *inputs.shape))
        losses.append(-logits.log_softmax(-1).gather(-1, targets.expand(3, *targets.shape).unsqueeze(-1)).mean().item())
    assert losses[1] < 0.8 * losses[0]


def test_position_biases_are_drawn_at_random_and_masked_like_the_weights(tokens, adamw):
    """Each initialisation has its own, at every width the same; other models have none."""
    settings = SupermaskSettings(densities=[DENSITY], learning_rate=0.05, steps=4, position_deviation=2.0)
    study, members = tokens.called("s"), tokens.members()
    weights = tokens.start(adamw).weights
    drawn = supermask.random_positions(study, members, weights, 2.0)
    assert list(drawn) == [name for name in weights if name.endswith("distance_bias")] and drawn
    for name, biases in drawn.items():
        assert not weights[name].any() and 1.0 < biases.std() < 3.0 and not torch.equal(biases[0], biases[1])
    mask, *_ = supermask.search(study, members, weights, "kaiming", DENSITY, settings, adamw, [0, 4])
    for name, biases in drawn.items():
        assert mask[name].flatten(1).sum(1).tolist() == [round(biases[0].numel() * DENSITY)] * 3


@pytest.mark.parametrize("width", [2, 4])
def test_a_wider_network_has_that_many_times_the_width_and_weights_of_its_own(digits, width):
    study = widened(digits.called("s"), {"kind": "mlp", "hidden": [12]}, width)
    members = digits.members()
    shapes = [tuple(tensor.shape) for tensor in supermask.wider_weights(study, members, width).values()]
    assert shapes == [(3, 12 * width, 64), (3, 12 * width), (3, 10, 12 * width), (3, 10)]
    again = supermask.wider_weights(study, members[1:], width)["layers.0.weight"]
    assert torch.equal(supermask.wider_weights(study, members, width)["layers.0.weight"][1:], again)
    assert not torch.equal(initial_weights(study, [1])["layers.0.weight"], again[:1])


def test_a_wider_transformer_keeps_its_heads():
    section = {"kind": "transformer", "layers": 2, "width": 8, "heads": 2, "mlp_width": 16}
    assert models.wider(section, 4) == section | {"width": 32, "mlp_width": 64}
    assert models.wider({"kind": "embedding_mlp", "width": 4, "hidden": 6}, 2) == {
        "kind": "embedding_mlp", "width": 8, "hidden": 12,
    }  # fmt: skip


@given(st.sampled_from(["kaiming", "signed_constant"]), st.integers(1, 100))
def test_a_variant_is_read_as_it_was_made(init, width):
    assert init_and_width(variant(init, width)) == (init, width)
    assert variant(init, 1) == f"supermask_{init}"
