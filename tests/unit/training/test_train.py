"""The training loop: masks hold, any start continues the run exactly, and a stack trains what a plain loop trains."""

import copy
import math
from dataclasses import replace

import numpy as np
import pytest
import torch
from torch.func import functional_call

from workflow_scripts.ticketlab import models
from workflow_scripts.ticketlab.config import rule_params
from workflow_scripts.ticketlab.config.study import validate
from workflow_scripts.ticketlab.core.errors import TicketlabError
from workflow_scripts.ticketlab.core.random_streams import CHAOS
from workflow_scripts.ticketlab.pruning import masks as pruning
from workflow_scripts.ticketlab.settings.training import TrainingSettings
from workflow_scripts.ticketlab.tables import stacks
from workflow_scripts.ticketlab.tables.schemas.networks import WEIGHTS
from workflow_scripts.ticketlab.training import checkpoints, stack
from workflow_scripts.ticketlab.training.batches import batches
from workflow_scripts.ticketlab.training.evaluation import evaluate
from workflow_scripts.ticketlab.training.stack import Member
from workflow_scripts.ticketlab.training.train import (
    SLOTS,
    State,
    disturbed,
    initial_state,
    initial_weights,
    learning_rate,
)

PROVENANCE = {"spec": "", "code": "", "lock": ""}


def tensors_of(state):
    return {("weight", name): tensor for name, tensor in state.weights.items()} | {
        (slot, name): tensor for slot, tensors in state.slots.items() for name, tensor in tensors.items()
    }


def assert_identical(first, second):
    assert first.step == second.step
    first, second = tensors_of(first), tensors_of(second)
    assert first.keys() == second.keys()
    assert [label for label in first if not torch.equal(first[label], second[label])] == []


def half_masks(case, seed=0):
    weights = case.prunable(initial_weights(case.called(case.study), (0, 1, 2)))
    random = torch.Generator().manual_seed(seed)
    return {name: (torch.rand(tensor.shape, generator=random) < 0.5).float() for name, tensor in weights.items()}


def assert_zero_where_masked(state, masks):
    for label, tensor in tensors_of(state).items():
        if label[1] in masks:
            assert (tensor[masks[label[1]] == 0] == 0).all(), label


def test_masked_weights_stay_exactly_zero(case, recipe):
    """With momentum and weight decay, at every recorded step and in the optimiser's memory as well."""
    masks = half_masks(case)
    run = case.train(case.members(), case.start(recipe), recipe, range(13), masks=masks)
    assert [state.step for state in run] == list(range(13))
    for state in run:
        assert_zero_where_masked(state, masks)
    for name in masks:  # while the kept weights of the same tensors learn
        assert (run[0].weights[name] != run[-1].weights[name])[masks[name] > 0].float().mean() > 0.5, name


def test_masked_weights_stay_zero_after_rewinding_to_an_optimiser_that_remembers_them(case, recipe):
    *_, dense = case.train(case.members(), case.start(recipe), recipe, [5])
    masks = half_masks(case)
    assert all((tensors[name][masks[name] == 0] != 0).any() for tensors in dense.slots.values() for name in masks)
    for state in case.train(case.members(), dense, recipe, [5, 6, 12], masks=masks):
        assert_zero_where_masked(state, masks)


def test_rewinding_under_a_mask_of_ones_repeats_the_dense_run_bit_for_bit(case, recipe, tmp_path, cpu):
    """Through a file: weights, the optimiser's memory, the place in the data and in the schedule all come back."""
    members = case.members()
    run = case.train(members, case.start(recipe), recipe, [0, 3, 8, 12])
    with stacks.writing(tmp_path / "w.parquet", WEIGHTS, PROVENANCE) as writer:
        for state in run:
            checkpoints.add_state(writer, case.study, members, state, slots=True)
    for place, step in enumerate([0, 3, 8]):
        again, start = checkpoints.read_state(tmp_path / "w.parquet", step, cpu, SLOTS[recipe.optimiser])
        assert again == members
        assert_identical(start, run[place])
        ones = pruning.ones(case.prunable(start.weights))
        for mine, theirs in zip(case.train(members, start, recipe, [8, 12], masks=ones), run[-2:], strict=False):
            assert_identical(mine, theirs)


def test_rewinding_without_the_optimisers_memory_is_another_run(case, recipe):
    """So the test above can fail."""
    run = case.train(case.members(), case.start(recipe), recipe, [4, 8])
    forgetful = State(4, run[0].weights, initial_state(run[0].weights, recipe).slots)
    (end,) = case.train(case.members(), forgetful, recipe, [8])
    assert any(not torch.equal(end.weights[name], run[1].weights[name]) for name in case.model.prunable)


def test_the_same_call_gives_the_same_bits_and_leaves_its_start_alone(case, recipe):
    start = case.start(recipe)
    before = copy.deepcopy(start)
    masks = half_masks(case)
    first, second = (case.train(case.members(), start, recipe, [12], masks=masks)[0] for _ in range(2))
    assert_identical(first, second)
    assert_identical(start, before)


ODD = {
    "mlp": {"kind": "mlp", "hidden": [13, 7]},
    "one output": {"kind": "mlp", "hidden": [3]},
    "norms": {"kind": "transformer", "layers": 2, "width": 15, "heads": 3, "mlp_width": 13, "positions": "relative"},
    "attention only": {"kind": "transformer", "layers": 1, "width": 10, "heads": 5, "mlp_width": 0},
    "embeddings": {"kind": "embedding_mlp", "width": 5, "hidden": 11},
}


def odd_case(name, digits, tokens):
    """Networks whose tensors fill no vector register, on the data of `digits` or `tokens`."""
    base = digits if ODD[name]["kind"] == "mlp" else tokens
    problem = base.problem
    if ODD[name]["kind"] == "embedding_mlp":
        evaluation = {split: (x[:, :2], y[:, 1]) for split, (x, y) in problem.evaluation.items()}

        def sample(random, size):
            inputs, targets = tokens.problem.sample(random, size)
            return inputs[:, :2], targets[:, 1]

        problem = replace(problem, sample=sample, evaluation=evaluation)
    model = models.build(ODD[name], problem.inputs, problem.outputs, problem.context)
    return replace(base, model=model, problem=problem)


@pytest.mark.parametrize("masked", [False, True])
@pytest.mark.parametrize("name", sorted(ODD))
def test_a_networks_bits_depend_neither_on_its_neighbours_nor_on_its_place(name, masked, digits, tokens, recipe):
    """Alone, among copies of itself, and among others: weights, the optimiser's memory, and what it is evaluated at."""
    case = odd_case(name, digits, tokens)

    def trained(seeds):
        start = case.start(recipe, seeds)
        masks = {n: (start.weights[n] > 0).float() for n in case.model.prunable} if masked else None
        *_, end = case.train(case.members(seeds), start, recipe, [recipe.steps], masks=masks)
        return tensors_of(end), evaluate(case.called(case.study), end.weights)

    alone, values = trained([1])
    assert any(tensor.any() for tensor in alone.values())
    for seeds in ([1, 1], [1] * 9, [0, 1, 2], [1, 0], [0, 2, 3, 4, 1]):
        tensors, evaluated = trained(seeds)
        for place in (place for place, seed in enumerate(seeds) if seed == 1):
            assert [label for label in alone if not torch.equal(alone[label][0], tensors[label][place])] == []
            assert [key for key in values if values[key][0] != evaluated[key][place]] == []


def test_a_tensor_that_the_loss_does_not_use_stays_as_it_is(digits, recipe):
    """Neither decayed nor moved by what the others leave in the optimiser."""
    case = replace(digits, model=copy.deepcopy(digits.model))
    case.model.idle = torch.nn.Parameter(torch.ones(3, 5))
    case.model.prunable = [*case.model.prunable, "idle"]
    start = case.start(recipe)
    start.weights["idle"] = torch.full_like(start.weights["idle"], 0.7)
    *_, end = case.train(case.members(), start, recipe, [recipe.steps])
    assert torch.equal(end.weights["idle"], start.weights["idle"])
    assert not any(slot["idle"].any() for slot in end.slots.values())


def test_a_stack_trains_as_a_plain_loop_does(case, recipe):
    """Against torch's own optimiser on one nn.Module: mean loss, decay of matrices only, rate set before each step."""
    *_, stacked = case.train(case.members(), case.start(recipe), recipe, [6])
    model = copy.deepcopy(case.model)
    start = case.start(recipe).weights
    model.load_state_dict({name: tensor[1] for name, tensor in start.items()}, strict=False)
    named = dict(model.named_parameters())
    groups = [
        {"params": [named[name] for name in model.prunable], "weight_decay": recipe.weight_decay},
        {"params": [named[name] for name in named if name not in model.prunable], "weight_decay": 0.0},
    ]
    if recipe.optimiser == "adamw":
        optimiser = torch.optim.AdamW(groups, lr=1.0, betas=tuple(recipe.betas))
    else:
        optimiser = torch.optim.SGD(groups, lr=1.0, momentum=recipe.momentum)
    inputs, targets = batches(case.called(case.study), case.members([1]), range(6), recipe)
    for step in range(6):
        for group in optimiser.param_groups:
            group["lr"] = learning_rate(recipe, step, recipe.steps)
        optimiser.zero_grad()
        logits, _ = model(inputs[step, 0])
        torch.nn.functional.cross_entropy(logits.flatten(0, -2), targets[step, 0].flatten()).backward()
        optimiser.step()
    for name, parameter in named.items():
        torch.testing.assert_close(parameter, stacked.weights[name][1], atol=2e-5, rtol=1e-4)


def test_the_same_inputs_make_the_same_bytes(case, recipe, tmp_path):
    for file in ("a", "b"):
        with stacks.writing(tmp_path / file, WEIGHTS, PROVENANCE) as writer:
            for state in case.train(case.members(), case.start(recipe), recipe, [0, 6, 12], masks=half_masks(case)):
                checkpoints.add_state(writer, case.study, case.members(), state, slots=True)
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()


def test_recording_changes_nothing(case, recipe):
    sparse = case.train(case.members(), case.start(recipe), recipe, [12])[-1]
    assert_identical(case.train(case.members(), case.start(recipe), recipe, range(13))[-1], sparse)


def test_training_learns(case, adamw):
    recipe = adamw.model_copy(update={"steps": 150, "batch_size": 32, "weight_decay": 0.0})
    run = case.train(case.members([0]), case.start(recipe, [0]), recipe, [0, 150])
    before, after = (evaluate(case.called(case.study), state.weights)["validation", "loss"][0] for state in run)
    assert after < 0.7 * before


def with_nan(start, index):
    weights = {name: tensor.clone() for name, tensor in start.weights.items()}
    weights[next(iter(weights))][index] = float("nan")
    return State(start.step, weights, start.slots)


def test_a_diverged_network_leaves_the_others_alone_and_is_reported(case, recipe, caplog):
    healthy = case.train(case.members(), case.start(recipe), recipe, [0, 12])
    run = case.train(case.members(), with_nan(case.start(recipe), 1), recipe, [0, 12])
    for name, tensor in run[-1].weights.items():
        assert torch.equal(tensor[[0, 2]], healthy[-1].weights[name][[0, 2]]), name
    reports = [record.getMessage() for record in caplog.records if record.levelname == "WARNING"]
    assert len(reports) == 1 and "init seed 1" in reports[0] and "lower training.learning_rate" in reports[0]


def test_a_diverged_network_has_no_metrics(case, adamw):
    values = evaluate(case.called(case.study), with_nan(case.start(adamw), 1).weights)
    assert {split for split, _ in values} == {"train", "validation", "test"}
    for value in values.values():
        assert np.isnan(value[1]) and np.isfinite(value[[0, 2]]).all()


def test_if_all_networks_diverge_the_job_ends_with_the_remedy(case, adamw):
    start = case.start(adamw, [4])
    with pytest.raises(TicketlabError, match=r"all 1 networks .*init seed 4.*lower training\.learning_rate or raise"):
        case.train(case.members([4]), with_nan(start, 0), adamw, [0, 12])


def test_a_rate_that_is_far_too_high_ends_the_job_with_the_remedy(digits):
    recipe = TrainingSettings(optimiser="sgd", learning_rate=1e30, batch_size=8, steps=20)
    with pytest.raises(TicketlabError, match=r"diverged by step 20"):
        digits.train(digits.members(), digits.start(recipe), recipe, [0, 20])


def test_learning_rates():
    constant = TrainingSettings(learning_rate=0.4, schedule="constant", warmup=3, batch_size=1, steps=10)
    assert [learning_rate(constant, step, 10) for step in range(5)] == pytest.approx([0.1, 0.2, 0.3, 0.4, 0.4])
    cosine = TrainingSettings(learning_rate=0.4, schedule="cosine", warmup=0, batch_size=1, steps=8)
    expected = [0.4, 0.2 * (1 + math.sqrt(0.5)), 0.2, 0.2 * (1 - math.sqrt(0.5)), 0.0]
    assert [learning_rate(cosine, step, 8) for step in (0, 2, 4, 6, 8)] == pytest.approx(expected)
    assert learning_rate(cosine, 4, 16) == pytest.approx(0.2 * (1 + math.sqrt(0.5)))  # a longer run, dense_total
    both = cosine.model_copy(update={"warmup": 1})
    assert learning_rate(both, 0, 8) == pytest.approx(0.2)


def test_a_longer_total_stretches_the_schedule(digits, adamw):
    start = digits.start(adamw)
    short, long = (digits.train(digits.members(), start, adamw, [12], total=total)[0] for total in (12, 40))
    assert any(not torch.equal(short.weights[name], long.weights[name]) for name in digits.model.prunable)
    (plain,) = digits.train(digits.members(), start, adamw, [12])
    assert_identical(plain, short)


def test_initial_weights_depend_on_study_purpose_and_seed_alone(case):
    def first(study, seeds, purpose="init", place=0):
        return {name: tensor[place] for name, tensor in initial_weights(case.called(study), seeds, purpose).items()}

    reference = first("a", [3])
    for same in (first("a", [0, 1, 3], place=2), first("a", [3, 9])):
        assert all(torch.equal(same[name], reference[name]) for name in reference)
    for other in (first("a", [4]), first("b", [3]), first("a", [3], "reinit")):
        for name in case.model.prunable:
            assert (other[name] != reference[name]).all(), name


def test_a_run_from_first_seed_3_begins_where_seed_3_of_the_unshifted_run_does(case, shipped):
    unshifted = rule_params.train_dense(validate(shipped), "digits", 0)["seeds"]
    shipped["defaults"]["first_seed"] = 3
    shifted = rule_params.train_dense(validate(shipped), "digits", 0)["seeds"]
    one, other = (initial_weights(case.called("a"), seeds) for seeds in (unshifted, shifted))
    for name in case.model.prunable:
        assert torch.equal(one[name][3], other[name][0]) and not torch.equal(one[name][0], other[name][0])


def test_initial_weights_leave_the_model_as_it_is_and_lie_where_it_does(case):
    """Drawn on the CPU in a copy: on a GPU the model itself cannot draw from a CPU generator."""
    before = {name: tensor.detach().clone() for name, tensor in case.model.named_parameters()}
    drawn = initial_weights(case.called("a"), [0])
    for name, tensor in case.model.named_parameters():
        assert torch.equal(tensor, before[name]) and drawn[name].device == tensor.device
        assert not drawn[name].requires_grad


def test_initial_weights_do_not_touch_the_global_generator(case):
    torch.manual_seed(5)
    expected = torch.rand(3)
    torch.manual_seed(5)
    initial_weights(case.called("a"), [0])
    assert torch.equal(torch.rand(3), expected)


def test_chaos_moves_each_weight_by_a_millionth_of_its_tensors_spread_and_no_other_network(case, recipe):
    start = initial_state(initial_weights(case.called("a"), [3, 3]), recipe)
    moved = disturbed(case.called("a"), [Member(3, 3), Member(3, 3, CHAOS)], start)
    for name, tensor in start.weights.items():
        change = (moved.weights[name] - tensor) / tensor[0].std(correction=0).clamp(min=1e-9)
        assert change[0].eq(0).all() and change[1].abs().max() < 1e-5
        assert tensor[0].std(correction=0) == 0 or change[1].std() == pytest.approx(1e-6, rel=0.3)


def test_evaluation_is_the_mean_over_the_fixed_set(case, adamw):
    weights = case.start(adamw).weights
    values = evaluate(case.called(case.study), weights, ["test"])
    inputs, targets = (torch.from_numpy(part) for part in case.problem.evaluation["test"])
    for index in range(3):
        logits, _ = functional_call(case.model, {name: tensor[index] for name, tensor in weights.items()}, (inputs,))
        loss = torch.nn.functional.cross_entropy(logits.flatten(0, -2), targets.flatten())
        wrong = (logits.argmax(-1) != targets).double().mean()
        assert values["test", "loss"][index] == pytest.approx(loss.item(), rel=1e-5)
        assert values["test", "error"][index] == pytest.approx(wrong.item(), abs=1e-6)


def test_data_orders_make_different_runs_from_one_initialisation(case, adamw):
    start = case.start(adamw, [2]).take([0, 0, 0])
    members = [Member(2, 2), Member(2, 1002), Member(2, 2)]
    (end,) = case.train(members, start, adamw, [6])
    for name in case.model.prunable:
        assert torch.equal(end.weights[name][0], end.weights[name][2])
        assert not torch.equal(end.weights[name][0], end.weights[name][1])
    assert stack.size(end.weights) == 3
