"""Edge-popup: the weights stand still, every score learns, and each tensor keeps exactly its share."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from workflow_scripts.ticketlab.pruning import masks as pruning
from workflow_scripts.ticketlab.pruning import supermask
from workflow_scripts.ticketlab.training import stack
from workflow_scripts.ticketlab.training.train import initial_state

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
