"""Toy losses for the sampler: their minima are minima, and their expectations those of other derivations."""

from functools import partial

import numpy as np
import pytest
import torch
from torch.func import hessian

from workflow_scripts.ticketlab.calibration import toy_losses
from workflow_scripts.ticketlab.instruments import exact_coefficients

torch.set_num_threads(1)

SHAPES = [([3, 3, 3], 1), ([4, 6, 3, 5], 1), ([5, 3, 5], 0), ([8, 8, 8, 8, 8], 2), ([2, 3], 2)]


def test_the_finite_step_law_is_the_fixed_point_of_the_chain():
    """w ← (1 − εA/2) w + √ε ξ: iterate its variance instead of solving for it."""
    h, nbeta, gamma, step = torch.tensor([0.1, 1.0, 0.0], dtype=torch.float64), 1000.0, 3.0, 1e-3
    precision, variance = nbeta * h + gamma, torch.zeros(3, dtype=torch.float64)
    for _ in range(20_000):
        variance = (1 - step * precision / 2) ** 2 * variance + step
    expected = (0.5 * nbeta * h * variance).sum().item()
    assert toy_losses.quadratic_expectation(h, nbeta, gamma, step) == pytest.approx(expected, rel=1e-9)


def test_without_step_and_pull_a_regular_model_has_half_its_parameters():
    assert toy_losses.quadratic_expectation(torch.logspace(-1, 1, 24), 1000.0, 0.0, 0.0) == pytest.approx(12)


@pytest.mark.parametrize(
    ("power", "values"), [(1, {1e2: 0.339, 1e3: 0.381, 1e5: 0.423}), (2, {1e2: 0.198, 1e3: 0.220, 1e5: 0.240})]
)
def test_a_crossing_creeps_up_to_its_coefficient(power, values):
    found = [toy_losses.crossing_expectation(power, nbeta, 1.0) for nbeta in values]
    assert found == pytest.approx(list(values.values()), abs=6e-4)
    assert max(found) < exact_coefficients.normal_crossing([1, power])[0]


def test_the_quadrature_of_a_crossing_is_that_of_the_plane():
    """A grid over both weights, without the Gaussian integral."""
    nbeta, gamma = 300.0, 20.0
    axis = torch.linspace(-1.6, 1.6, 1601, dtype=torch.float64)
    grid = {"w": torch.cartesian_prod(axis, axis)}
    for power in (1, 2):
        k = toy_losses.crossing(power)(grid, None)
        weight = torch.exp(-nbeta * k - gamma / 2 * grid["w"].square().sum(1))
        expected = (nbeta * k * weight).sum() / weight.sum()
        assert toy_losses.crossing_expectation(power, nbeta, gamma) == pytest.approx(expected.item(), rel=1e-6)


@pytest.mark.parametrize(("inputs", "outputs"), [(2, 2), (5, 4), (3, 6)])
def test_the_quadrature_of_a_zero_map_is_an_average_over_the_prior(inputs, outputs):
    """Importance sampling from the prior of A, with B integrated out by its determinant."""
    nbeta, gamma = 50.0, 20.0
    random = np.random.default_rng(0)
    a = random.standard_normal((400_000, 2, inputs)) / np.sqrt(gamma)
    eigenvalues = np.linalg.eigvalsh(a @ a.transpose(0, 2, 1))
    weight = np.prod(nbeta * eigenvalues + gamma, axis=1) ** (-outputs / 2)
    rise = (0.5 * outputs * nbeta * eigenvalues / (nbeta * eigenvalues + gamma)).sum(1)
    expected = (weight * rise).sum() / weight.sum()
    assert toy_losses.two_hidden_expectation(inputs, outputs, nbeta, gamma) == pytest.approx(expected, rel=0.01)


def test_a_zero_map_may_be_transposed_and_tends_to_its_coefficient():
    expectation = partial(toy_losses.two_hidden_expectation, nbeta=1e3, localization=1.0)
    assert expectation(5, 4) == pytest.approx(expectation(4, 5), rel=1e-9)
    coefficient, multiplicity = exact_coefficients.deep_linear([6, 2, 2], 0)
    assert multiplicity == 1  # so that no 1/log nβ remains
    assert toy_losses.two_hidden_expectation(6, 2, 1e8, 1.0) == pytest.approx(float(coefficient), rel=1e-3)


@pytest.mark.parametrize(("widths", "rank"), SHAPES)
def test_a_balanced_point_is_a_minimum_of_its_own_map(widths, rank):
    start = toy_losses.balanced_point(widths, rank)
    true_map = toy_losses.product(start)
    assert true_map.shape == (1, widths[-1], widths[0])
    assert torch.linalg.matrix_rank(true_map[0]) == rank
    weights = {name: tensor.clone().requires_grad_() for name, tensor in start.items()}
    loss = toy_losses.deep_linear(true_map[0])(weights, None)
    loss.sum().backward()
    assert loss.item() == 0
    assert all((tensor.grad == 0).all() for tensor in weights.values())


@pytest.mark.parametrize(("widths", "rank"), SHAPES)
def test_at_the_balanced_point_the_hessian_sees_only_the_ranks_part(widths, rank):
    """r(H₀ + H_L − r) directions, the least of any point: λ − rank(Hessian)/2 is left to the singularity."""
    start = toy_losses.balanced_point(widths, rank)
    loss = toy_losses.deep_linear(toy_losses.product(start)[0])
    sizes = [tensor.numel() for tensor in start.values()]

    def flat(vector):
        parts = zip(start.items(), vector.split(sizes), strict=True)
        return loss({name: part.view_as(tensor) for (name, tensor), part in parts}, None)[0]

    at = torch.cat([tensor.flatten() for tensor in start.values()])
    values = np.linalg.eigvalsh(hessian(flat)(at).double().numpy())
    directions = int((values > 1e-4).sum())
    if len(widths) == 2:
        assert directions == widths[0] * widths[1]  # regular: every direction
    else:
        assert directions == rank * (widths[0] + widths[-1] - rank)
    assert directions / 2 <= exact_coefficients.deep_linear(widths, rank)[0]
    assert values.max() <= len(widths) - 1 + 1e-4  # so SGLD's step is limited by the depth


def test_batches_of_noisy_data_have_the_population_loss_on_average():
    start = toy_losses.balanced_point([4, 3, 2], 1)
    true_map = toy_losses.product(start)[0]
    weights = {name: tensor.repeat(3, 1, 1) + 0.3 for name, tensor in start.items()}
    batch = toy_losses.regression_batch(true_map, 3, 200_000, np.random.default_rng(0))
    population = toy_losses.deep_linear(true_map)(weights, None) + 2 / 2
    torch.testing.assert_close(toy_losses.deep_linear_regression(weights, batch), population, rtol=0.02, atol=0)
    assert not torch.equal(batch[0][0], batch[0][1])


@pytest.mark.parametrize(("ranks", "rank"), [((2, 2), 0), ((3, 1), 0), ((4, 0), 0), ((2, 3), 1), ((1, 1), 1)])
def test_a_point_has_the_ranks_that_it_is_asked_for_and_its_hessian_half_of_the_regular_directions(ranks, rank):
    widths = (8, 4, 7)
    start = toy_losses.at_ranks(widths, ranks, rank)
    first, last = (int(torch.linalg.matrix_rank(layer[0])) for layer in start.values())
    assert (first, last) == ranks
    goal = toy_losses.product(start)[0]
    assert torch.linalg.matrix_rank(goal) == rank
    torch.testing.assert_close(goal, toy_losses.product(toy_losses.balanced_point(widths, rank))[0])
    regular = 7 * first + last * 8 - first * last
    assert toy_losses.half_rank(toy_losses.deep_linear(goal), start) == regular / 2


def test_two_minima_are_zeros_of_the_loss_and_localisation_chooses_between_them():
    zeros = torch.tensor([[1.0, 0.0], [1.0, 0.7], [0.0, 0.0]])
    assert toy_losses.two_minima({"w": zeros}, None).tolist() == [0, 0, 0]
    assert (toy_losses.two_minima({"w": zeros - 0.1}, None) > 0).all()
    at_home, elsewhere = toy_losses.two_minima_law(1e4, 300.0)
    assert at_home == pytest.approx(0.5 * 1e4 / (1e4 + 300), rel=0.02) and elsewhere < 1e-6
    # From γ of about 15 on the law is in both: the barrier costs nothing, being outside of it.
    assert toy_losses.two_minima_law(1e4, 10.0)[1] > 0.2
