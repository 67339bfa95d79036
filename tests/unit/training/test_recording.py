"""Networks are evaluated while they train: every state once, the training set only where it is asked for."""

import numpy as np
import pytest
import torch

from workflow_scripts.ticketlab.training.evaluation import evaluate
from workflow_scripts.ticketlab.training.recording import at_end, examples, record


@pytest.fixture
def run(case, adamw):
    """The study, its members, and their states at steps 0, 5 and 12."""
    return case.called(case.study), case.members(), case.train(case.members(), case.start(adamw), adamw, [0, 5, 12])


def test_every_state_is_kept_once_in_order_and_the_last_is_returned(run):
    study, members, states = run
    seen = []
    last, _ = record(study, members, iter(states), keep=seen.append)
    assert [state.step for state in seen] == [0, 5, 12] and last is states[-1]


def test_rows_hold_the_metrics_of_each_state(run):
    study, members, states = run
    kept = torch.tensor([[1, 0, 1, 0], [0, 0, 0, 1], [1, 1, 1, 1]])
    _, rows = record(study, members, states, {"w": kept.view(3, 2, 2).float()})
    for state in states:
        for (split, metric), values in evaluate(study, state.weights).items():
            chosen = rows[(rows["step"] == state.step) & (rows["split"] == split) & (rows["metric"] == metric)]
            np.testing.assert_array_equal(chosen["value"], values)
            assert chosen["density"].tolist() == [0.5, 0.25, 1.0] and chosen["init_seed"].tolist() == [0, 1, 2]


def test_the_training_set_is_evaluated_at_one_step_or_at_all(run):
    study, members, states = run
    _, everywhere = record(study, members, states)
    _, at_last = record(study, members, states, last=12)
    for rows, steps in ((everywhere, {0, 5, 12}), (at_last, {12})):
        assert set(rows.loc[rows["split"] == "train", "step"]) == steps
        assert set(rows.loc[rows["split"] == "test", "step"]) == {0, 5, 12}


def test_the_effective_weights_are_what_is_evaluated(run):
    study, members, states = run
    negated = lambda weights: {name: -tensor for name, tensor in weights.items()}  # noqa: E731
    _, rows = record(study, members, states[-1:], effective=negated)
    expected = evaluate(study, negated(states[-1].weights))["test", "loss"]
    np.testing.assert_array_equal(rows[(rows["split"] == "test") & (rows["metric"] == "loss")]["value"], expected)


def test_networks_at_one_step_are_evaluated_on_every_set(run):
    study, members, states = run
    rows = at_end(study, members, 12, states[-1].weights)
    assert set(rows["split"]) == set(study.problem.evaluation) and set(rows["density"]) == {1.0}
    assert set(rows["step"]) == {12}


def test_the_metrics_on_each_example_average_to_the_metrics(run):
    study, members, states = run
    rows = examples(study, members, states[-1])
    values = evaluate(study, states[-1].weights, ["test"])
    assert set(rows["metric"]) == set(study.problem.metrics) and set(rows["step"]) == {12}
    for metric, mine in rows.groupby("metric"):
        assert mine["init_seed"].tolist() == [0, 1, 2]
        assert {len(row) for row in mine["values"]} == {len(study.problem.evaluation["test"][0])}
        np.testing.assert_allclose([row.mean() for row in mine["values"]], values["test", metric], rtol=1e-5)
