"""Closed-form learning coefficients against published values, each other, and what any learning coefficient obeys."""

from fractions import Fraction
from itertools import pairwise, product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workflow_scripts.ticketlab.instruments import exact_coefficients
from workflow_scripts.ticketlab.instruments.exact_coefficients import (
    deep_linear,
    normal_crossing,
    regular,
)


def reduced_rank(inputs, hidden, outputs, rank):
    """Reduced-rank regression y = BAx + noise with A (hidden, inputs), B (outputs, hidden) and true rank `rank`.

    Aoyagi & Watanabe, "Stochastic complexities of reduced rank regression in Bayesian estimation", Neural Networks 18
    (2005), main theorem, in its four cases.
    """
    m, h, n, r = inputs, hidden, outputs, rank
    if m + h < n + r:
        return Fraction(h * m - h * r + n * r, 2), 1
    if n + h < m + r:
        return Fraction(h * n - h * r + m * r, 2), 1
    if m + n < h + r:
        return Fraction(m * n, 2), 1
    odd = (m + h + n + r) % 2
    bracket = -((h + r) ** 2) - m**2 - n**2 + 2 * (h + r) * m + 2 * (h + r) * n + 2 * m * n
    return Fraction(bracket + odd, 8), 1 + odd


@st.composite
def networks(draw, least=2, most=6):
    widths = draw(st.lists(st.integers(1, 9), min_size=least, max_size=most))
    return widths, draw(st.integers(0, min(widths)))


@pytest.mark.parametrize(
    ("widths", "rank", "coefficient", "multiplicity"),
    [
        ([2, 2, 2], 0, 1.5, 1),
        ([2, 2, 2], 1, 2, 2),
        ([3, 3, 3], 1, 4, 1),
        ([5, 3, 5], 0, 6.5, 2),
        ([5, 5, 5], 2, 11.5, 2),
        ([6, 4, 6], 2, 13.5, 1),
        ([4, 3, 8], 0, 6, 1),
        ([6, 3, 2], 1, 4.5, 1),
        ([4, 6, 3, 5], 1, 7, 2),
        ([5, 5, 5, 5], 2, 11, 1),
        ([10, 10, 10, 10], 3, 42, 3),
        ([8, 8, 8, 8, 8], 2, 25.5, 5),
    ],
)
def test_known_values(widths, rank, coefficient, multiplicity):
    assert deep_linear(widths, rank) == (coefficient, multiplicity)
    if len(widths) == 3:
        assert reduced_rank(*widths, rank) == (coefficient, multiplicity)


def test_two_layers_are_reduced_rank_regression():
    """Two theorems, two formulas: every size up to 8 and every rank, all four cases of the older one among them."""
    compared = 0
    for widths in product(range(1, 9), repeat=3):
        for rank in range(min(widths) + 1):
            assert deep_linear(widths, rank) == reduced_rank(*widths, rank), (widths, rank)
            compared += 1
    assert compared == 1808


def test_one_layer_is_a_regular_model():
    for inputs, outputs in product(range(1, 7), repeat=2):
        for rank in range(min(inputs, outputs) + 1):
            assert deep_linear([inputs, outputs], rank) == regular(inputs * outputs)


@pytest.mark.parametrize("depth", range(1, 7))
def test_a_chain_of_single_units_is_a_normal_crossing(depth):
    """K = (w₁ ⋯ w_L)² at 0; with a true slope of 1 there is one constraint and nothing singular."""
    assert deep_linear([1] * (depth + 1), 0) == normal_crossing([1] * depth) == (Fraction(1, 2), depth)
    assert deep_linear([1] * (depth + 1), 1) == regular(1)


def test_a_normal_crossing_is_ruled_by_its_largest_exponents():
    assert normal_crossing([1, 2]) == (Fraction(1, 4), 1)
    assert normal_crossing([3, 1, 3, 2]) == (Fraction(1, 6), 2)


@given(networks(least=3), st.randoms())
def test_only_the_two_ends_of_a_network_matter_beside_its_set_of_widths(network, random):
    (first, *hidden, last), rank = network
    shuffled = random.sample(hidden, len(hidden))
    assert deep_linear([last, *shuffled, first], rank) == deep_linear([first, *hidden, last], rank)


@given(networks(), st.integers(0, 5))
def test_a_hidden_layer_too_wide_to_matter_changes_nothing(network, more):
    widths, rank = network
    wide = sum(widths) + more
    assert deep_linear([widths[0], wide, *widths[1:]], rank) == deep_linear(widths, rank)


@given(networks())
def test_a_coefficient_lies_between_0_and_half_the_parameters(network):
    widths, rank = network
    coefficient, multiplicity = deep_linear(widths, rank)
    parameters = sum(a * b for a, b in pairwise(widths))
    # Below: half the codimension of the maps of this rank, met by every network with that map.
    generic = Fraction(rank * (widths[0] + widths[-1] - rank), 2)
    assert generic <= coefficient <= Fraction(min(parameters, widths[0] * widths[-1]), 2)
    assert 1 <= multiplicity <= parameters


@given(networks())
def test_depth_makes_a_network_no_less_singular(network):
    """One more layer as wide as the widest can only lower λ: the identity there gives back the network without it."""
    widths, rank = network
    deeper = [widths[0], max(widths), *widths[1:]]
    assert deep_linear(deeper, rank)[0] <= deep_linear(widths, rank)[0]


def test_an_impossible_rank_is_refused():
    with pytest.raises(ValueError, match="ranks 0 to 3"):
        deep_linear([5, 3, 5], 4)
    with pytest.raises(ValueError, match="ranks 0 to 2"):
        deep_linear([2, 3, 4], -1)
    with pytest.raises(ValueError, match="two widths"):
        deep_linear([5], 1)


def strata(largest):
    """All (widths, (a, b), r) of two layers with widths up to `largest`."""
    for inputs, hidden, outputs in product(range(1, largest + 1), repeat=3):
        for rank in range(min(inputs, hidden, outputs) + 1):
            for first, last in product(range(rank, min(inputs, hidden) + 1), range(rank, min(hidden, outputs) + 1)):
                if first + last - rank <= hidden:
                    yield (inputs, hidden, outputs), (first, last), rank


def test_the_most_singular_stratum_is_aoyagis_and_every_other_is_regular_beside_such_a_one():
    same = 0
    for widths, ranks, rank in strata(6):
        (inputs, hidden, outputs), (first, last) = widths, ranks
        found = exact_coefficients.reduced_rank(widths, ranks, rank)
        rest = inputs - first, hidden - first - last + rank, outputs - last
        left, m = deep_linear(rest, 0) if min(rest) else (Fraction(0), 1)
        assert found == (Fraction(outputs * first + last * inputs - first * last, 2) + left, m)
        if first == last == rank:
            assert found == deep_linear(widths, rank)
            same += 1
    assert same == 657


def test_no_stratum_is_more_singular_than_the_most_singular_one():
    for widths, ranks, rank in strata(5):
        assert exact_coefficients.reduced_rank(widths, ranks, rank)[0] >= deep_linear(widths, rank)[0]


@pytest.mark.parametrize("ranks", [(0, 1), (1, 5), (4, 4), (4, 2)])
def test_ranks_without_such_a_point_are_refused(ranks):
    with pytest.raises(ValueError, match="allow no product"):
        exact_coefficients.reduced_rank((5, 4, 5), ranks, 1)
