"""The clock: half-way steps that are known, intervals that cover, an order that is claimed only where it is known."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from tests.unit.example_results import LAST, clock_of, judging
from workflow_scripts.ticketlab.core.random_streams import generator
from workflow_scripts.ticketlab.settings.judging import JudgingSettings
from workflow_scripts.ticketlab.tables import files
from workflow_scripts.ticketlab.tables.schemas.clock import CLOCK
from workflow_scripts.ticketlab.verdicts import clock

NAN = float("nan")
STEPS = np.array([0, 1, 3, 7, 15, 31, 63])  # even in log2(step + 1)
SETTINGS = JudgingSettings(margin=0.1)


def course(values, part=lambda curve: slice(None), steps=STEPS):
    return clock.Course("llc", "dense", pd.DataFrame(np.atleast_2d(values), columns=steps), part)


@pytest.mark.parametrize("sign", [1, -1])
def test_a_straight_line_is_half_way_in_the_middle_of_the_logarithm(sign):
    assert clock.half_way(STEPS, sign * np.log2(STEPS + 1)) == pytest.approx(7)
    assert clock.half_way(STEPS, sign * np.array([0, 0, 0, 0, 1, 1, 1.0])) == pytest.approx(np.sqrt(8 * 16) - 1)


def test_what_comes_and_goes_is_determined_when_it_comes_for_good():
    assert 31 < clock.half_way(STEPS, np.array([0, 0, 9, 9, 0, 0, 10.0])) < 63
    assert 1 < clock.half_way(STEPS, np.array([0, 0, 30, 40, 30, 12, 10.0])) < 3


@settings(deadline=None)
@given(
    st.lists(st.floats(-10, 10), min_size=7, max_size=7), st.floats(0.1, 10) | st.floats(-10, -0.1), st.floats(-5, 5)
)
def test_units_do_not_matter_and_the_step_lies_within(values, factor, shift):
    curve = np.round(np.array(values), 3)
    # A value that is half-way itself may come to lie on either side by rounding.
    assume(curve[0] == curve[-1] or np.abs(curve - (curve[0] + curve[-1]) / 2).min() > 1e-4)
    found = clock.half_way(STEPS, curve)
    if curve[0] == curve[-1]:
        assert np.isnan(found)
    else:
        assert STEPS[0] <= found <= STEPS[-1]
        assert clock.half_way(STEPS, curve * factor + shift) == pytest.approx(found, rel=1e-4, abs=1e-4)


def test_a_curve_that_is_not_finite_has_no_step():
    assert np.isnan(clock.half_way(STEPS, np.array([0, 1, 2, np.nan, 4, 5, 6])))
    assert np.isnan(clock.half_way(STEPS[:1], np.array([1.0])))


def simulated(random, seeds, noise):
    """A sigmoid in log(step + 1) for each seed, with a midpoint, a height and noise of its own."""
    place = np.log1p(STEPS)
    middle = 2.2 + 0.2 * random.normal(size=(seeds, 1))
    height = 1 + 0.1 * random.normal(size=(seeds, 1))
    return height / (1 + np.exp(-(place - middle) / 0.5)) + noise * random.normal(size=(seeds, len(STEPS)))


@pytest.mark.parametrize("noise", [0.02, 0.1])
def test_intervals_cover_the_half_way_step_of_the_population(noise):
    random = generator("test", "clock", noise)
    truth = clock.half_way(STEPS, simulated(random, 200_000, noise).mean(axis=0))
    runs, intervals = 300, []
    with pytest.MonkeyPatch.context() as patch:  # before they are widened to recorded steps
        patch.setattr(clock, "bracket", lambda steps, *ends: intervals.append(ends) or (NAN, NAN))
        for _ in range(runs):
            clock.determined(course(simulated(random, 8, noise)), 0.05)
    covered = sum(low <= truth <= high for low, high in intervals)
    # 95 % within three standard errors of 300 runs, and one percent for what a jackknife is off by.
    assert 0.95 - 0.048 <= covered / runs <= 0.99


def test_with_hardly_a_spread_the_interval_is_the_gap_that_holds_the_step():
    ends = 1 + 1e-9 * np.arange(8)[:, None]
    row = clock.determined(course(ends * [0, 0, 0, 0, 1, 1, 1.0]), 0.05)
    assert 7 < row["step"] < 15
    assert (row["ci_low"], row["ci_high"]) == (row["recorded_before"], row["recorded_after"]) == (7, 15)
    assert (row["first"], row["last"], row["n"], row["reason"]) == (0, pytest.approx(1), 8, "")


@pytest.mark.parametrize(
    ("ends", "expected"),
    [((8, 9), (7, 15)), ((6.9, 15.1), (3, 31)), ((7, 15), (7, 15)), ((-2, 99), (0, 63)), ((NAN, NAN), (NAN, NAN))],
)
def test_a_bracket_is_made_of_recorded_steps(ends, expected):
    assert clock.bracket(STEPS, *ends) == pytest.approx(expected, nan_ok=True)


def test_a_quantity_that_does_not_move_says_so():
    random = generator("test", "still")
    row = clock.determined(course(1 + 0.1 * random.normal(size=(8, len(STEPS)))), 0.05)
    assert np.isnan(row["step"]) and row["reason"].startswith("does not move: changes by ")


def test_two_recorded_steps_are_too_few():
    row = clock.determined(course(np.tile([0.0, 1.0], (8, 1)), steps=[0, 63]), 0.05)
    assert np.isnan(row["step"]) and row["reason"] == "too few steps: 0, 63"


def test_one_seed_or_none_is_not_measured():
    for values in (np.log2(STEPS + 1), np.full((8, len(STEPS)), np.nan)):
        row = clock.determined(course(values), 0.05)
        assert np.isnan(row["step"]) and row["reason"].startswith("not measured in two or more seeds")


def test_a_step_at_which_most_seeds_were_flagged_is_left_out():
    values = np.tile(np.log2(STEPS + 1), (8, 1))
    values[:5, 0] = np.nan
    values[0, 2] = np.nan
    row = clock.determined(course(values), 0.05)
    assert (row["first"], row["n"]) == (1, 7)


def test_a_seed_without_any_value_leaves_the_interval_as_it_is_without_that_seed():
    values = simulated(generator("test", "lost seed"), 5, 0.05)
    with_it = np.vstack([values, np.full(len(STEPS), np.nan)])
    assert clock.determined(course(with_it), 0.05) == clock.determined(course(values), 0.05)


def llc_rows(curves):
    """A `llc` table of dense networks, one curve per seed."""
    rows = [(seed, step, value) for seed, curve in enumerate(curves) for step, value in zip(STEPS, curve, strict=True)]
    return pd.DataFrame(rows, columns=["init_seed", "step", "llc"]).assign(variant="dense", flag="")


def rise_and_fall(curves):
    rise, fall = (clock.determined(found, 0.05) for found in clock.complexity(llc_rows(curves), 0.05))
    assert (rise["quantity"], fall["quantity"]) == (clock.LLC, clock.LLC)
    assert (rise["of"], fall["of"]) == (clock.RISES, clock.FALLS)
    return rise, fall


def around(curve, seeds=8, spread=0.05, name="llc"):
    return np.array(curve) + spread * generator("test", name).normal(size=(seeds, len(curve)))


def test_a_learning_coefficient_that_rises_and_falls_has_a_step_of_either():
    """Both ends are alike: half-way from the first value to the last would be nowhere."""
    rise, fall = rise_and_fall(around([1, 1, 5, 9, 8, 2, 1]))
    assert 1 < rise["step"] < 7 and 15 < fall["step"] < 31 and not rise["reason"] + fall["reason"]
    assert rise["last"] == fall["first"] == pytest.approx(9, abs=0.1)


@pytest.mark.parametrize("sign", [1, -1])
def test_a_learning_coefficient_that_only_rises_has_nothing_to_fall_and_the_other_way_round(sign):
    moves, stays = rise_and_fall(around(sign * np.log2(STEPS + 1)))[:: int(sign)]
    assert moves["step"] == pytest.approx(7, rel=0.1) and moves["reason"] == ""
    words = "fall" if sign > 0 else "rise"
    assert np.isnan(stays["step"]) and stays["reason"].startswith(f"nothing to {words}: changes by ")


def test_noise_on_a_plateau_is_no_fall():
    """The highest of several noisy values lies above the last: where it lies is not asked of the seeds that show it."""
    found = [rise_and_fall(around([0, 0, 0, 5, 5, 5, 5], spread=1, name=f"plateau {run}")) for run in range(100)]
    assert sum(fall["reason"] == "" for _, fall in found) <= 6
    assert all(3 < rise["step"] < 15 for rise, fall in found if fall["reason"])


def test_a_learning_coefficient_that_was_not_measured_says_so():
    rows = llc_rows(around([1.0] * 7)).assign(flag="rhat")
    reasons = {clock.determined(found, 0.05)["reason"] for found in clock.complexity(rows, 0.05)}
    assert reasons == {"not measured in two or more seeds at any step"}


def structure_rows(curve, seeds=8, spread=0.01):
    random = generator("test", "structure")
    return pd.DataFrame(
        [
            {"structure": "s", "init_seed": seed, "step": step, "distance": value + spread * random.normal()}
            for seed in range(seeds)
            for step, value in zip(STEPS, curve, strict=True)
        ]
    )


def test_a_transient_is_acquired_on_its_way_down_and_forgotten_on_its_way_up():
    acquired, forgotten = clock.structures(structure_rows([2, 2, 1, 0.2, 0.2, 1.2, 1.2]), SETTINGS)
    down, up = (clock.determined(found, 0.05) for found in (acquired, forgotten))
    assert 1 < down["step"] < 7 and 15 < up["step"] < 31 and not down["reason"] + up["reason"]
    assert down["last"] == up["first"] == pytest.approx(0.2, abs=0.02)


def test_what_was_not_acquired_cannot_be_forgotten_and_what_stays_is_not():
    away = [clock.determined(found, 0.05) for found in clock.structures(structure_rows([2] * 7), SETTINGS)]
    assert all(np.isnan(row["step"]) for row in away)
    assert away[0]["reason"].startswith("A = ") and away[1]["reason"].startswith("nothing to forget: A = ")
    curve = [2, 1.5, 1, 0.5, 0.4, 0.3, 0.2]
    acquired, forgotten = (clock.determined(found, 0.05) for found in clock.structures(structure_rows(curve), SETTINGS))
    assert acquired["reason"] == "" and forgotten["reason"].startswith("F = ")


def barrier_rows(by_split):
    random = generator("test", "barriers")
    return pd.DataFrame(
        [
            {
                "pair": "same_init",
                "metric": "loss",
                "split_step": step,
                "init_seed": seed,
                "barrier": height * (1 + 0.05 * random.random()),
            }
            for step, height in by_split.items()
            for seed in range(8)
        ]
    )


def test_a_barrier_ends_at_nothing_where_nothing_is_left_to_differ():
    found = clock.barrier(barrier_rows({0: 1.0, 7: 0.8}), SETTINGS, 63)
    row = clock.determined(found, 0.05)
    assert row["last"] == 0 and 7 < row["step"] < 63 and (row["recorded_before"], row["recorded_after"]) == (7, 63)


def test_barriers_that_a_study_leaves_out_are_said_to_be_not_measured():
    row = clock.determined(clock.barrier(barrier_rows({0: 1.0}).iloc[:0], SETTINGS, 63), 0.05)
    assert np.isnan(row["step"]) and row["reason"] == "not measured"


def test_networks_within_the_margin_are_connected_from_the_start():
    row = clock.determined(clock.barrier(barrier_rows({0: 0.05, 7: 0.04}), SETTINGS, 63), 0.05)
    assert np.isnan(row["step"]) and row["reason"].startswith("connected from step 0 on: 0.05")


def ticket_of(lost, spread=0.002):
    """Its row of the clock, with what tickets lose against dense by the step of their mask (None: not tried)."""
    random = generator("test", "tickets")
    names = {STEPS[0]: "initial_magnitude", STEPS[-1]: "one_shot"}
    rows = [("dense", 0, seed, 1.0) for seed in range(8)]
    rows += [
        (names.get(step, f"mask_at_step_{step}"), 2, seed, 1 + value + spread * random.normal())
        for step, value in zip(STEPS, lost, strict=True)
        if value is not None
        for seed in range(8)
    ]
    frame = pd.DataFrame(rows, columns=["variant", "level", "init_seed", "value"])
    frame = frame.assign(split="test", metric="loss", step=STEPS[-1], rewind_step=0)
    return clock.determined(clock.tickets(frame, SETTINGS, STEPS[-1], 2, 0), 0.05)


def test_a_mask_that_comes_to_match_has_a_half_way_step():
    row = ticket_of([0.5, 0.5, 0.5, 0.5, 0.02, 0.02, 0.02])
    assert 7 < row["step"] < 15 and row["reason"] == ""


def test_masks_that_match_from_the_start_were_not_determined_while_training():
    """δ is 0.1: that they move within it is no matter."""
    row = ticket_of([0.05, 0.05, 0.04, 0.03, 0.02, 0.01, 0.01])
    assert np.isnan(row["step"]) and row["reason"].startswith("matches from step 0 on: 0.05")
    assert row["reason"].endswith("is within δ = 0.1") and row["first"] == pytest.approx(0.05, abs=0.01)


@pytest.mark.parametrize("first", [0.9, 0.02])
def test_masks_that_do_not_match_in_the_end_are_not_half_way_to_anything(first):
    row = ticket_of([first, 0.9, 0.8, 0.7, 0.6, 0.5, 0.4])
    assert np.isnan(row["step"]) and row["reason"].startswith("never matches for good (0.")
    assert row["reason"].endswith("against δ = 0.1)")


def test_masks_are_judged_at_the_first_and_last_step_that_the_study_tried():
    """Without the controls that represent step 0 and the end."""
    row = ticket_of([None, 0.9, 0.8, 0.7, 0.6, 0.5, None])
    assert np.isnan(row["step"]) and row["reason"].startswith("never matches for good (0.5")
    row = ticket_of([None, 0.05, 0.04, 0.03, 0.02, 0.01, None])
    assert np.isnan(row["step"]) and row["reason"].startswith(f"matches from step {STEPS[1]} on: 0.05")


def test_an_order_is_claimed_only_where_brackets_do_not_meet():
    rows = pd.DataFrame(
        [
            {"step": 40.0, "ci_low": 30, "ci_high": 50},
            {"step": NAN, "ci_low": NAN, "ci_high": NAN},
            {"step": 5.0, "ci_low": 3, "ci_high": 7},
            {"step": 60.0, "ci_low": 50, "ci_high": 70},
            {"step": 80.0, "ci_low": NAN, "ci_high": NAN},
        ]
    )
    ordered = clock.in_order(rows)
    assert ordered["step"].fillna(-1).tolist() == [5, 40, 60, 80, -1]
    assert ordered["rank"].tolist() == [1, 2, 3, 4, 0]
    assert ordered["before_next"].tolist() == [True, False, False, False, False]


def test_a_study_has_every_quantity_with_a_step_or_a_reason(tmp_path):
    found = clock_of(example=judging(), images=judging("error", 0.02))
    files.write(tmp_path / "clock.parquet", CLOCK, found, {})
    frame = files.read(tmp_path / "clock.parquet", CLOCK)
    for _, mine in frame.groupby("study"):
        assert set(mine["quantity"]) == set(clock.QUANTITIES)
        assert (mine["step"].notna() ^ mine["reason"].ne("")).all()
        has = mine[mine["step"].notna()]
        assert has["rank"].tolist() == list(range(1, len(has) + 1)) and has["step"].is_monotonic_increasing
        assert has["step"].between(has["recorded_before"], has["recorded_after"]).all()
        assert has["step"].between(has["ci_low"], has["ci_high"]).all() and has["ci_high"].le(LAST).all()
    roles = frame[frame["quantity"].eq("roles") & frame["study"].eq("example")].iloc[0]
    assert roles["first"] == pytest.approx(0.5 / 0.8, abs=0.05) and roles["last"] == pytest.approx(1, abs=0.05)


def test_three_recorded_steps_are_enough():
    row = clock.determined(course(around([0.0, 1.0, 1.0], spread=0.01), steps=[0, 7, 63]), 0.05)
    assert row["reason"] == "" and 0 < row["step"] < 7


def test_a_rise_begins_at_the_first_recorded_step():
    rise, fall = rise_and_fall(around([0, 1, 5, 9, 8, 2, 1], spread=0.01))
    assert rise["first"] == pytest.approx(0, abs=0.02) and fall["last"] == pytest.approx(1, abs=0.02)
    assert rise["step"] == pytest.approx(2**1.875 - 1, rel=0.02)  # 4.5 is seven eighths of the way from 1 to 5


def test_a_step_that_one_half_of_the_seeds_lacks_is_not_their_highest():
    values = pd.DataFrame(np.tile([0.0, 2.0, 9.0, 3.0, 1.0], (4, 1)), columns=[0, 1, 3, 7, 15])
    values.loc[[0, 2], 3] = NAN
    rise, fall = clock._around_the_highest(values)
    # Seeds 1 and 3 are located on 0 and 2, which lack step 3: at step 7. Seeds 0 and 2 have nothing at step 3.
    np.testing.assert_allclose(rise, [NAN, 3, NAN, 3])
    np.testing.assert_allclose(fall, [NAN, -2, NAN, -2])


def test_masks_of_states_and_of_splits_each_have_their_reference():
    """What they overlap with is told apart, and siblings that split at the end are the same network."""
    rows = [
        (variant, reference, seed, split, step, value)
        for seed in (0, 1, 2)
        for variant, reference, split, step, value in (
            ("dense", "final_magnitude", 0, 7, 0.4),
            ("dense", "imp", 0, 7, 0.2),
            ("spawned", "dense_final", 7, 63, 0.6),
            ("spawned", "dense_final_other_init", 7, 63, 0.1),
        )
    ]
    frame = pd.DataFrame(rows, columns=["variant", "reference", "init_seed", "rewind_step", "step", "value"])
    frame = frame.assign(beyond_initial=frame["value"], update_correlation=frame["value"] + 0.01)
    found = {one.of: one.values for one in clock.masks(frame, SETTINGS, 63)}
    assert {of: values.iloc[0].to_dict() for of, values in found.items()} == {
        "final_magnitude": {7: 0.4},
        "imp": {7: 0.2},
        "dense_final": {7: pytest.approx(0.61), 63: 1.0},
    }
