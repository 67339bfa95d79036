"""Streams: a draw is a function of its name, and no two names share a stream."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workflow_scripts.ticketlab.core.random_streams import ORDER_STRIDE, data_seed, digest, generator, torch_seed

INIT_SEEDS = st.integers(0, ORDER_STRIDE - 1)
NAMES = st.tuples(st.text(max_size=5), st.text(max_size=5), st.integers(0, 10**6), st.integers(0, 10**6))


def test_no_two_of_many_seeds_and_steps_share_a_key():
    """128 bits of BLAKE2: not by chance (birthday bound 1e-28), so only by a slip such as seed + step."""
    seeds = [data_seed(init, order) for init in range(12) for order in range(4)]
    pairs = [(seed, step) for seed in seeds for step in range(3000)]
    assert len({digest("text", "batch", *pair)[:16] for pair in pairs}) == len(pairs)


@given(NAMES, NAMES)
def test_different_names_have_different_streams_and_equal_names_equal_ones(first, second):
    draws = [generator(*name).integers(2**63, size=4).tolist() for name in (first, second)]
    assert (draws[0] == draws[1]) == (first == second)
    assert (torch_seed(*first) == torch_seed(*second)) == (first == second)


@pytest.mark.parametrize(
    ("first", "second"), [(("a", 1), ("a", "1")), (("ab", "c"), ("a", "bc")), (("a", 1, 12), ("a", 11, 2))]
)
def test_names_that_look_alike_when_joined_are_different_streams(first, second):
    assert digest(*first) != digest(*second)


def test_a_stream_is_always_at_its_beginning():
    first = generator("s", "p", 0, 0)
    first.random(100)
    assert generator("s", "p", 0, 0).random() == generator("s", "p", 0, 0).random() != first.random()


@given(st.tuples(INIT_SEEDS, st.integers(0, 10**5)), st.tuples(INIT_SEEDS, st.integers(0, 10**5)))
def test_data_orders_of_different_initialisations_have_different_seeds(first, second):
    assert (data_seed(*first) == data_seed(*second)) == (first == second)


@pytest.mark.parametrize(("init", "order"), [(ORDER_STRIDE, 0), (-1, 0), (0, -1)])
def test_seeds_that_could_collide_are_refused(init, order):
    with pytest.raises(ValueError, match="init_seed must lie in"):
        data_seed(init, order)


@given(NAMES)
def test_torch_seeds_fit_torch(name):
    assert 0 <= torch_seed(*name) < 2**63
