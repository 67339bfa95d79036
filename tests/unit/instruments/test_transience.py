import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from workflow_scripts.ticketlab.instruments.transience import acquisition_and_forgetting, share_retained

STEPS = [0, 1, 2, 4, 8, 16, 32, 64]


def test_a_scripted_acquisition_and_forgetting_is_measured_exactly():
    course = acquisition_and_forgetting(STEPS, np.tile([2.0, 1.5, 0.5, 0.2, 0.4, 0.6, 0.8, 1.1], (4, 1)))
    np.testing.assert_allclose(course.acquired, 1 - 0.2 / 2)
    np.testing.assert_allclose(course.forgotten, (1.1 - 0.2) / (2 - 0.2))
    assert (course.turning_step == 4).all()


def test_what_is_kept_is_not_forgotten_and_what_is_wholly_lost_is():
    kept = [1.0, 0.8, 0.6, 0.4, 0.3, 0.2, 0.1, 0.0]
    lost = [1.0, 0.5, 0.0, 0.5, 0.7, 0.8, 0.9, 1.0]
    for curve, expected in ((kept, (1, 0, 64)), (lost, (1, 1, 2))):
        course = acquisition_and_forgetting(STEPS, np.tile(curve, (3, 1)))
        for part, value in zip(course, expected, strict=True):
            np.testing.assert_allclose(part, value)


def test_each_half_is_evaluated_at_the_other_halfs_minimum():
    even, odd = [1.0, 0.5, 0.2, 0.6], [1.0, 0.1, 0.4, 0.7]
    course = acquisition_and_forgetting([0, 1, 2, 3], np.array([even, odd, even, odd]))
    np.testing.assert_allclose(course.turning_step, [1, 2, 1, 2])
    np.testing.assert_allclose(course.acquired, [0.5, 0.6, 0.5, 0.6])
    np.testing.assert_allclose(course.forgotten, [0.1 / 0.5, 0.3 / 0.6] * 2)


@pytest.mark.parametrize("shape", ["flat", "rising"])
def test_what_was_never_acquired_cannot_be_forgotten(shape):
    curve = np.ones(8) if shape == "flat" else np.linspace(1, 3, 8)
    course = acquisition_and_forgetting(STEPS, np.tile(curve, (4, 1)))
    assert (course.acquired <= 0).all()
    assert np.isnan(course.forgotten).all()


def test_a_seed_that_went_away_while_the_others_came_nearer_has_negative_acquisition():
    near, away = [1.0, 0.2, 0.5], [1.0, 1.4, 1.2]
    course = acquisition_and_forgetting([0, 1, 2], np.array([near, near, away, near]))
    np.testing.assert_allclose(course.acquired, [0.8, 0.8, -0.4, 0.8])
    np.testing.assert_array_equal(np.isnan(course.forgotten), [False, False, True, False])


def test_a_diverged_seed_is_nan_and_disturbs_no_other():
    curves = np.tile([1.0, 0.1, 0.5], (4, 1))
    curves[2, 1:] = np.nan
    course = acquisition_and_forgetting([0, 1, 2], curves)
    np.testing.assert_allclose(course.acquired, [0.9, 0.9, np.nan, 0.9])
    np.testing.assert_allclose(course.forgotten, [4 / 9, 4 / 9, np.nan, 4 / 9])


def test_fewer_than_two_seeds_cannot_be_cross_fitted():
    course = acquisition_and_forgetting([0, 1, 2], np.array([[1.0, 0.1, 0.5]]))
    assert np.isnan(course.acquired).all()
    assert np.isnan(course.forgotten).all()
    assert course.turning_step.tolist() == [-1]


@pytest.mark.parametrize(("steps", "shape"), [([1, 2], (2, 2)), ([0, 2, 2], (2, 3)), ([0, 1], (2, 3)), ([0, 1], (2,))])
def test_steps_and_shapes_must_fit(steps, shape):
    with pytest.raises(ValueError):
        acquisition_and_forgetting(steps, np.ones(shape))


@given(st.floats(0.1, 10), st.integers(0, 2**32 - 1))
def test_acquisition_and_forgetting_have_no_unit(factor, seed):
    curves = np.random.default_rng(seed).uniform(0.1, 1, size=(4, 8))
    one = acquisition_and_forgetting(STEPS, curves)
    other = acquisition_and_forgetting(STEPS, factor * curves)
    np.testing.assert_allclose(one.acquired, other.acquired, rtol=1e-6, atol=1e-9)
    np.testing.assert_allclose(one.forgotten, other.forgotten, rtol=1e-6, atol=1e-9)


def simulate(truth, repeats=400, seeds=8, noise=0.05):
    """The mean F of `repeats` studies: by cross-fitting, and with the minimum located and evaluated on one seed."""
    random = np.random.default_rng(0)
    crossed, naive = [], []
    for _ in range(repeats):
        curves = truth + random.normal(scale=noise, size=(seeds, len(truth)))
        crossed.append(acquisition_and_forgetting(range(len(truth)), curves).forgotten.mean())
        lowest = curves.min(axis=1)
        naive.append(((curves[:, -1] - lowest) / (curves[:, 0] - lowest)).mean())
    return np.array(crossed), np.array(naive)


def test_a_noisy_learner_that_keeps_what_it_acquired_forgets_nothing_on_average():
    crossed, naive = simulate(np.maximum(0.3, 1 - 0.14 * np.arange(31)))
    error = crossed.std() / math.sqrt(len(crossed))
    assert abs(crossed.mean()) < 4 * error
    assert naive.mean() > 0.1  # what noise alone makes of it


def test_a_noisy_learner_that_still_learns_is_never_taken_for_a_forgetful_one():
    crossed, naive = simulate(0.3 + 0.7 * np.exp(-np.arange(31) / 8))
    error = crossed.std() / math.sqrt(len(crossed))
    assert crossed.mean() < 4 * error
    assert naive.mean() > 0.05


def test_true_forgetting_is_found_under_noise():
    steps = np.arange(31)
    truth = np.where(steps < 10, 1 - 0.09 * steps, 0.19 + 0.02 * (steps - 9))
    crossed, _ = simulate(truth)
    expected = (truth[-1] - truth.min()) / (truth[0] - truth.min())
    assert crossed.mean() == pytest.approx(expected, abs=0.05)


def test_what_a_part_retains_is_a_share_of_what_it_had_when_the_network_was_nearest():
    curves = np.array([[1.0, 0.2, 0.2], [1.0, 0.2, 1.0], [1.0, 0.5, 0.0], [2.0, 1.0, 1.5]])
    np.testing.assert_allclose(share_retained([0, 4, 64], curves, np.array([4, 4, 4, 4])), [1, 0, 2, 0.5])
    np.testing.assert_allclose(share_retained([0, 4, 64], curves[:1], np.array([64])), [1])


def test_a_part_that_never_came_nearer_retains_nothing_that_can_be_measured():
    curves = np.array([[1.0, 1.2, 0.5], [1.0, np.nan, 0.5]])
    assert np.isnan(share_retained([0, 4, 64], curves, np.array([4, 4]))).all()
    assert np.isnan(share_retained([0, 4, 64], curves, np.array([-1, -1]))).all()
