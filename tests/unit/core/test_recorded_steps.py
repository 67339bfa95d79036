"""Recorded steps: from 0 to the end, ascending, each once, dense early."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from workflow_scripts.ticketlab.core.recorded_steps import log_spaced_steps


@given(st.integers(1, 100_000), st.integers(3, 60))
def test_steps_rise_from_0_to_the_last_each_once(last, count):
    steps = log_spaced_steps(last, count)
    assert steps[0] == 0 and steps[-1] == last and len(steps) <= count
    assert steps == sorted(set(steps)) and all(isinstance(step, int) for step in steps)


@given(st.integers(1, 100_000), st.integers(3, 60), st.data())
def test_a_run_that_starts_later_is_recorded_at_the_same_steps(last, count, data):
    first = data.draw(st.integers(0, last))
    later = log_spaced_steps(last, count, first)
    assert later[0] == first and later[-1] == last
    assert set(later) - {first} <= set(log_spaced_steps(last, count))


def test_known_steps():
    assert log_spaced_steps(1000, 5) == [0, 1, 10, 100, 1000]
    gaps = np.diff(np.log(log_spaced_steps(10**6, 13)[3:]))  # behind 4 and 12, where rounding to whole steps shows
    np.testing.assert_allclose(gaps, np.log(10**6) / 11, rtol=0.02)
