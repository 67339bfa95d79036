"""Batches: a function of study, data seed and step; whole epochs of a finite training set."""

from dataclasses import replace

import numpy as np
import pytest

from workflow_scripts.ticketlab import tasks
from workflow_scripts.ticketlab.core.random_streams import ORDER_STRIDE, REORDERED
from workflow_scripts.ticketlab.settings.training import TrainingSettings
from workflow_scripts.ticketlab.tasks.problem import Epochs
from workflow_scripts.ticketlab.training.batches import batches
from workflow_scripts.ticketlab.training.stack import Member

SAMPLINGS = pytest.mark.parametrize("sampling", [None, "epochs", "replacement"])
SEEDS = [0, 1, 2, ORDER_STRIDE, ORDER_STRIDE + 1, 2 * ORDER_STRIDE]


def recipe(batch_size, sampling=None):
    return TrainingSettings(learning_rate=0.1, batch_size=batch_size, steps=1, sampling=sampling)


def drawn(study, seed, steps, batch_size):
    """The examples' numbers at each step: (steps, batch)."""
    return batches(study, [Member(seed % ORDER_STRIDE, seed)], steps, recipe(batch_size))[1][:, 0].numpy()


@pytest.fixture
def counted(digits):
    """A study of ten examples, each of which is its own number plus 100 times the epoch."""

    def take(epoch, chosen):
        return np.zeros((len(chosen), 1), np.float32), 100 * epoch + chosen.astype(np.int64)

    return replace(digits, problem=replace(digits.problem, epochs=Epochs(10, take))).called("counted")


@SAMPLINGS
def test_batches_of_different_seeds_never_coincide_at_any_step(digits, sampling):
    """Among them seed s + 1 at step t − 1 and seed s + stride at the same step, where sums of the two collide."""
    members = [Member(seed % ORDER_STRIDE, seed) for seed in SEEDS]
    inputs, _ = batches(digits.called("digits"), members, range(40), recipe(16, sampling))
    seen = {inputs[step, index].numpy().tobytes() for step in range(40) for index in range(len(SEEDS))}
    assert len(seen) == 40 * len(SEEDS)


@SAMPLINGS
def test_batches_do_not_depend_on_company_or_on_where_the_run_started(digits, sampling):
    study, settings = digits.called("digits"), recipe(400, sampling)
    both, _ = batches(study, [Member(3, 3), Member(8, 1008)], range(10), settings)
    alone, _ = batches(study, [Member(8, 1008)], range(6, 10), settings)
    np.testing.assert_array_equal(both[6:, 1:], alone)


@pytest.mark.parametrize("batch_size", [1, 3, 4, 10, 23])
def test_every_epoch_holds_each_example_once_whatever_the_batch(counted, batch_size):
    """Also where a batch ends one epoch and begins the next, or is more than an epoch."""
    steps = -(-40 // batch_size)
    stream = drawn(counted, 7, range(steps), batch_size).ravel()[:40].reshape(4, 10)
    assert [sorted(epoch) for epoch in stream.tolist()] == [[100 * e + i for i in range(10)] for e in range(4)]
    assert len({tuple(epoch % 100) for epoch in stream}) == 4  # in an order of its own
    np.testing.assert_array_equal(stream.ravel(), drawn(counted, 7, range(40), 1).ravel())


def test_another_data_order_is_the_same_examples_in_another_order(counted):
    one, other = (drawn(counted, seed, range(6), 5) for seed in (0, ORDER_STRIDE))
    assert sorted(one.ravel()) == sorted(other.ravel())
    assert not np.array_equal(one, other)


def test_networks_that_split_go_on_at_the_same_position(counted):
    """So the exact replicate sees what its parent sees, and a sibling ends its epochs when its parent does."""
    np.testing.assert_array_equal(drawn(counted, 3, range(3, 9), 4), drawn(counted, 3, range(9), 4)[3:])
    assert (drawn(counted, ORDER_STRIDE + 3, range(3, 9), 4) // 100 == drawn(counted, 3, range(3, 9), 4) // 100).all()


def test_replacement_draws_an_example_again_before_the_epoch_ends(digits):
    found = batches(digits.called("digits"), [Member(0, 0)], range(10), recipe(60, "replacement"))[0]
    assert len(np.unique(found.reshape(600, -1).numpy(), axis=0)) < 500


def test_a_task_says_in_its_settings_whether_its_training_set_is_finite():
    finite = {kind for kind in tasks.TASKS if tasks.module(kind).Settings.FINITE}
    assert finite == {"images", "modular_addition", "text"}


@SAMPLINGS
def test_a_reordered_network_gets_the_same_batches_each_once_at_other_steps(digits, sampling):
    settings = recipe(7, sampling).model_copy(update={"steps": 50})
    members = [Member(3, 3), Member(3, 3, REORDERED)]
    inputs, _ = batches(digits.called("digits"), members, range(50), settings)
    own, other = ([batch.numpy().tobytes() for batch in inputs[:, index]] for index in (0, 1))
    assert sorted(own) == sorted(other) and sum(map(bytes.__eq__, own, other)) < 10
