"""Intervals and tests: known answers, coverage by simulation, and inputs that decide nothing stay undecided."""

import math
import warnings

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from scipy import stats

from workflow_scripts.ticketlab.core.statistics import (
    at_least,
    better,
    detectable_effect,
    detectable_share,
    deviation,
    exceeds,
    holm,
    in_words,
    jackknife_margin,
    mean_interval,
    not_worse,
    power,
    share,
)

# Student's sleep data (1908, additional hours under drug 2 less drug 1), in every textbook: t = 4.0621, p = 0.002833.
SLEEP = [1.2, 2.4, 1.3, 1.3, 0.0, 1.0, 1.8, 0.8, 4.6, 1.4]


def test_students_own_example():
    result = mean_interval(SLEEP, 0.05)
    assert result.estimate == pytest.approx(1.58) and result.n == 10
    assert (result.ci_low, result.ci_high) == pytest.approx((0.7001142, 2.4598858))
    assert result.p == pytest.approx(0.002833, abs=5e-7)


@given(
    st.lists(st.floats(-100, 100), min_size=2, max_size=12).filter(lambda values: np.std(values) > 1e-3),
    st.floats(-100, 100),
)
def test_all_tests_and_intervals_are_those_of_scipys_t_test(values, null):
    for function, alternative in ((not_worse, "less"), (exceeds, "greater")):
        result, known = function(values, null, 0.1), stats.ttest_1samp(values, null, alternative=alternative)
        assert result.p == pytest.approx(known.pvalue, rel=1e-6, abs=1e-300)
    result, known = mean_interval(values, 0.1), stats.ttest_1samp(values, 0.0)
    assert result.p == pytest.approx(known.pvalue, rel=1e-6, abs=1e-300)
    assert (result.ci_low, result.ci_high) == pytest.approx(tuple(known.confidence_interval(0.9)))


@given(st.lists(st.floats(-100, 100), min_size=2, max_size=12))
def test_the_jackknife_of_a_mean_is_its_t_interval(values):
    assume(np.ptp(values) > 1e-6)
    without = [np.delete(values, place).mean() for place in range(len(values))]
    result = mean_interval(values, 0.05)
    assert jackknife_margin(without, 0.05) == pytest.approx(result.ci_high - result.estimate, abs=1e-6)


def test_one_sided_tests_look_at_their_own_side():
    assert better([-x for x in SLEEP], 0.05).p == pytest.approx(0.002833 / 2, abs=5e-7)
    assert better(SLEEP, 0.05).p == pytest.approx(1 - 0.002833 / 2, abs=5e-7)
    assert exceeds(SLEEP, 0.0, 0.05).p == pytest.approx(0.002833 / 2, abs=5e-7)
    assert exceeds(SLEEP, 1.58, 0.05).p == pytest.approx(0.5)
    assert not_worse(SLEEP, 1.58, 0.05).p == pytest.approx(0.5)
    assert not_worse(SLEEP, 3.16, 0.05).p == pytest.approx(0.002833 / 2, abs=5e-7)
    assert not_worse(SLEEP, 3.16, 0.05).estimate == pytest.approx(1.58)


def test_the_interval_agrees_with_the_test():
    """The two-sided interval at 2α lies below the margin exactly when the one-sided test at α rejects."""
    random = np.random.default_rng(0)
    for _ in range(50):
        values = random.normal(0.0, 1.0, 6)
        margin = random.normal()
        assert (not_worse(values, margin, 0.1).ci_high < margin) == (not_worse(values, margin, 0.1).p < 0.05)


@pytest.mark.parametrize(("n", "alpha"), [(4, 0.05), (8, 0.05), (8, 0.2)])
def test_intervals_cover_as_often_as_they_say(n, alpha):
    random = np.random.default_rng(1)
    trials = 3000
    results = [mean_interval(values, alpha) for values in random.normal(2.0, 3.0, (trials, n))]
    covered = np.mean([result.ci_low <= 2.0 <= result.ci_high for result in results])
    assert abs(covered - (1 - alpha)) < 4 * math.sqrt(alpha * (1 - alpha) / trials)


def test_the_non_inferiority_test_errs_as_often_as_it_says():
    random = np.random.default_rng(2)
    trials = 3000
    p = np.array([not_worse(values, 0.5, 0.05).p for values in random.normal(0.5, 1.0, (trials, 8))])
    assert abs((p < 0.05).mean() - 0.05) < 4 * math.sqrt(0.05 * 0.95 / trials)


def test_holms_example():
    """Holm (1979) as worked in R's documentation of p.adjust's method."""
    assert holm([0.01, 0.02, 0.03, 0.04]) == pytest.approx([0.04, 0.06, 0.06, 0.06])
    assert holm([0.04, 0.01, 0.03]) == pytest.approx([0.06, 0.03, 0.06])
    assert holm([0.6, 0.9]) == [1.0, 1.0]
    assert holm([0.03]) == [0.03] and holm([]) == []


@given(st.lists(st.floats(0, 1), min_size=1, max_size=8))
def test_holm_lies_between_no_adjustment_and_bonferroni_and_keeps_the_order(p):
    adjusted = np.array(holm(p))
    assert (adjusted >= np.array(p) - 1e-12).all()
    assert (adjusted <= np.minimum(np.array(p) * len(p), 1.0) + 1e-12).all()
    assert adjusted.min() == pytest.approx(min(1.0, min(p) * len(p)))
    assert (np.diff(adjusted[np.argsort(p)]) >= -1e-12).all()


def test_holm_counts_an_undecided_member_of_the_family_and_leaves_it_undecided():
    adjusted = holm([0.01, float("nan"), 0.02])
    assert adjusted[0] == pytest.approx(0.03) and adjusted[2] == pytest.approx(0.04) and math.isnan(adjusted[1])


FUNCTIONS = {
    "mean_interval": lambda values: mean_interval(values, 0.05),
    "better": lambda values: better(values, 0.05),
    "not_worse": lambda values: not_worse(values, 0.1, 0.05),
    "exceeds": lambda values: exceeds(values, 0.1, 0.05),
}


@pytest.mark.parametrize("function", FUNCTIONS.values(), ids=FUNCTIONS)
def test_one_value_has_a_mean_and_nothing_else(function):
    result = function([0.3])
    assert result.estimate == 0.3 and result.n == 1
    assert math.isnan(result.ci_low) and math.isnan(result.ci_high) and math.isnan(result.p)


@pytest.mark.parametrize("function", FUNCTIONS.values(), ids=FUNCTIONS)
@pytest.mark.parametrize("values", [[0.1, math.nan, 0.2], [math.nan] * 3], ids=["one", "all"])
def test_a_network_that_diverged_is_not_dropped(function, values):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        result = function(values)
    assert result.n == 3
    assert all(math.isnan(number) for number in (result.estimate, result.ci_low, result.ci_high, result.p))


@pytest.mark.parametrize("function", FUNCTIONS.values(), ids=FUNCTIONS)
def test_an_infinite_loss_decides_nothing(function):
    with np.errstate(invalid="ignore"):
        result = function([0.1, math.inf, 0.2])
    assert math.isnan(result.ci_low) and math.isnan(result.p)


@pytest.mark.parametrize("function", FUNCTIONS.values(), ids=FUNCTIONS)
@pytest.mark.parametrize("values", [[0.0] * 4, [-1.0] * 4, [0.0256 - 0.0278, 0.0345 - 0.0367, 0.0123 - 0.0145]])
def test_values_without_spread_have_no_interval_and_decide_nothing(function, values):
    """Also where the same difference of two errors is rounded in several ways."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        result = function(values)
    assert result.estimate == pytest.approx(values[0]) and result.n == len(values)
    assert all(math.isnan(number) for number in (result.ci_low, result.ci_high, result.p))
    assert math.isnan(deviation(result.ci_low, result.ci_high, result.n, 0.05))


def test_power_of_the_t_test_is_known():
    """Cohen's tables (1988, one-sided .05) and the limit in which the deviation is known."""
    assert power(0.0, 8, 0.05) == pytest.approx(0.05)
    assert power(0.5, 27, 0.05) == pytest.approx(0.81, abs=0.01)
    assert power(0.1, 4000, 0.05) == pytest.approx(stats.norm.sf(1.645 - 0.1 * np.sqrt(4000)), abs=1e-3)


@pytest.mark.parametrize("n", [2, 8, 100])
def test_a_detectable_effect_is_found_with_the_power_asked_for(n):
    assert power(detectable_effect(n, 0.05, 0.8), n, 0.05) == pytest.approx(0.8, abs=1e-3)


def test_one_value_can_show_nothing():
    assert detectable_effect(1, 0.05, 0.8) == math.inf
    assert math.isnan(deviation(0.0, 1.0, 1, 0.05))


def test_the_deviation_behind_an_interval_is_that_of_its_values():
    values = np.random.default_rng(0).normal(size=8)
    result = mean_interval(values, 0.05)
    assert deviation(result.ci_low, result.ci_high, result.n, 0.05) == pytest.approx(values.std(ddof=1))


def test_an_estimate_without_an_interval_stands_alone():
    assert in_words(0.5, 0.25, 0.75) == "0.50 [0.25, 0.75]"
    assert in_words(0.5, float("nan"), float("nan"), ".3g") == "0.5"


def crossed(seeds, examples, rest, n=5, m=128, draw=0):
    random = np.random.default_rng(draw)
    return (
        seeds * random.standard_normal((n, 1))
        + examples * random.standard_normal((1, m))
        + rest * random.standard_normal((n, m))
    )


def test_the_variance_over_seeds_and_examples_is_that_of_the_analysis_of_variance():
    # By hand: 2 seeds × 3 examples; means by seed 2 and 4, by example 2, 2 and 5, of all 3.
    values = np.array([[0.0, 2.0, 4.0], [4.0, 2.0, 6.0]])
    # Mean squares: seeds 3·2 = 6; examples 2·3 = 6; rest, of ±(−1, 1, 0): 4/2 = 2. So seeds 6, examples 6 − 2.
    error, freedom = math.sqrt((6 + 4) / 6), (6 + 4) ** 2 / (6**2 / 1 + 4**2 / 2)
    result = mean_interval(values, 0.05)
    half = stats.t.ppf(0.975, freedom) * error
    assert (result.estimate, result.n) == (3.0, 2)
    assert (result.ci_low, result.ci_high) == pytest.approx((3 - half, 3 + half))
    assert result.p == pytest.approx(2 * stats.t.sf(3 / error, freedom))


def test_without_differences_between_examples_the_interval_is_that_over_seeds():
    by_seed = np.array(SLEEP)
    values = np.repeat(by_seed[:, None], 50, axis=1)
    for function in (mean_interval, better):
        many, one = function(values, 0.05), function(by_seed, 0.05)
        assert vars(many) == pytest.approx(vars(one), rel=1e-9)


def test_more_seeds_on_the_same_examples_do_not_make_up_for_few_examples():
    values = crossed(0.01, 1.0, 0.01, n=400, m=30)
    result, over_seeds = mean_interval(values, 0.05), mean_interval(values.mean(1), 0.05)
    deviation_of_examples = values.mean(0).std(ddof=1)
    half = stats.t.ppf(0.975, 29) * deviation_of_examples / math.sqrt(30)
    assert result.ci_high - result.estimate == pytest.approx(half, rel=0.01)
    assert over_seeds.ci_high - over_seeds.estimate < half / 50


def test_seeds_that_happen_to_agree_vary_at_least_as_the_rest_lets_them():
    values = crossed(0.0, 0.0, 1.0, n=4, m=200)
    values -= values.mean(axis=1, keepdims=True)
    values -= values.mean(axis=0)
    result = mean_interval(values, 0.05)
    half = stats.t.ppf(0.975, 3) * math.sqrt(values.var() * 200 / 199 * 4 / 3 / 800)
    assert result.ci_high == pytest.approx(half, rel=0.01)


@pytest.mark.parametrize("shape", [(4, 1), (1, 30)])
def test_one_seed_or_one_example_has_no_interval(shape):
    assert math.isnan(mean_interval(np.random.default_rng(0).normal(size=shape), 0.05).ci_low)


def test_the_same_in_all_seeds_and_examples_has_a_mean_alone_and_nan_stays_nan():
    result = not_worse(np.full((5, 40), 0.1) + 1e-17, 0.1, 0.05)
    assert result.estimate == pytest.approx(0.1) and math.isnan(result.p) and math.isnan(result.ci_low)
    values = crossed(1.0, 1.0, 1.0)
    values[2] = np.nan
    assert all(math.isnan(x) for x in (mean_interval(values, 0.05).estimate, mean_interval(values, 0.05).ci_high))


def test_the_interval_of_a_share_is_clopper_and_pearsons():
    """Their equations at 3 of 10, and at the ends, where one bound is exact: 1 − (α/2)^(1/n)."""
    assert share(3, 10, 0.05) == pytest.approx((0.0667395, 0.6524529), abs=1e-6)
    assert share(0, 10, 0.05) == pytest.approx((0.0, 1 - 0.025**0.1))
    assert share(10, 10, 0.05) == pytest.approx((0.025**0.1, 1.0))
    assert share(1, 2, 0.2) == pytest.approx((1 - 0.9**0.5, 0.9**0.5))


def test_so_many_hits_or_more_have_the_probability_of_the_binomial_law():
    assert at_least(2, 3, 0.5) == pytest.approx(0.5) and at_least(3, 3, 0.1) == pytest.approx(0.001)
    assert at_least(1, 4, 0.05) == pytest.approx(1 - 0.95**4) and at_least(0, 4, 0.05) == 1.0


def test_a_share_is_detectable_if_enough_hits_come_with_the_power_wanted():
    """Of 5 at chance 5 %, one hit or more has .2262 and two have .0226: two are needed."""
    found = detectable_share(5, 0.05, 0.05, 0.8)
    assert at_least(2, 5, 0.05) == pytest.approx(0.0226, abs=1e-4) and at_least(1, 5, 0.05) > 0.05
    assert at_least(2, 5, found) == pytest.approx(0.8)
    assert math.isnan(detectable_share(2, 0.5, 0.05, 0.8))  # two of two have a quarter


def test_two_examples_are_enough_for_an_interval_over_them():
    """Means by seed 1, 3 and 5, by example 8/3 and 10/3: mean squares 8 and 2/3, and 8/3 of the rest."""
    result = mean_interval(np.array([[0.0, 2.0], [4.0, 2.0], [4.0, 6.0]]), 0.05)
    rest = ((np.array([[0, 2], [4, 2], [4, 6]]) - [[1], [3], [5]] - np.array([8, 10]) / 3 + 3) ** 2).sum() / 2
    seeds, examples = 8.0, max(3 * (1 / 3) ** 2 * 2 - rest, 0.0)
    half = stats.t.ppf(0.975, (seeds + examples) ** 2 / (seeds**2 / 2 + examples**2)) * math.sqrt(
        (seeds + examples) / 6
    )
    assert (result.ci_low, result.ci_high) == pytest.approx((3 - half, 3 + half))


def test_how_much_spread_is_none_is_told_by_the_size_of_the_values():
    for values in (np.array([[1.0, 2.0], [2.0, 2.0]]), np.array([1.0, 2.0])):
        for unit in (1e-9, 1e9):
            assert mean_interval(unit * values, 0.05).ci_low == pytest.approx(unit * mean_interval(values, 0.05).ci_low)
        assert math.isnan(mean_interval(1e12 + values, 0.05).ci_low)
