"""Effective dimension: known answers of searches, of tickets, and of relations over networks."""

import numpy as np
import pandas as pd
import pytest

from tests.unit import linear_zero_sets
from workflow_scripts.ticketlab.core.random_streams import generator
from workflow_scripts.ticketlab.core.statistics import mean_interval
from workflow_scripts.ticketlab.experiments.dimension import deep_linear, subspace_search, summary
from workflow_scripts.ticketlab.experiments.dimension import predictions as dimension
from workflow_scripts.ticketlab.experiments.dimension.measure import measure, tickets
from workflow_scripts.ticketlab.report.figures import dimension as dimension_figure
from workflow_scripts.ticketlab.settings.deep_linear import NetworkSettings
from workflow_scripts.ticketlab.settings.dimension import DimensionSettings
from workflow_scripts.ticketlab.tables import files
from workflow_scripts.ticketlab.tables.schemas.dimension import (
    DIMENSION,
    EXACT,
    FROZEN,
    LINEAR,
    RANDOM,
    ROUGHLY,
    SIZES,
    TURNED,
    WEIGHTS,
    ZEROED,
)


def settings(**changes):
    networks = [NetworkSettings(widths=[2, width], rank=1) for width in (2, 3, 4)]
    return DimensionSettings(networks=networks, **changes)


@pytest.mark.parametrize("widths", [[3, 2], [2, 2, 2], [3, 2, 4, 2]])
def test_many_networks_have_the_residuals_and_derivatives_of_each(widths):
    count = deep_linear.parameters(widths)
    theta = generator("test", "theta").normal(size=(4, count))
    goal = deep_linear.target(widths, 1)
    goals = np.stack([goal] * 4)
    for index, one in enumerate(theta):
        alone = linear_zero_sets.residuals(one, widths, goal)
        assert subspace_search.residuals(theta, widths, goals)[index] == pytest.approx(alone)
        assert subspace_search.jacobian(theta, widths)[index] == pytest.approx(linear_zero_sets.jacobian(one, widths))


def test_a_linear_model_of_full_rank_needs_as_many_dimensions_as_equations():
    """Widths 3-2: six weights, six equations, one solution: D* = d in every kind of subspace."""
    _, sizes = measure(NetworkSettings(widths=[3, 2], rank=1), settings(seeds=3))
    frame = pd.DataFrame(sizes)
    for kind in (EXACT, RANDOM, FROZEN, WEIGHTS):
        assert set(frame.loc[frame["quantity"] == kind, "size"]) == {6.0}
    # The target has one entry that is not 0, in these coordinates; a generic one has none that is.
    assert set(frame.loc[frame["quantity"] == ZEROED, "size"]) == {1.0}
    assert set(frame.loc[frame["quantity"] == ZEROED + TURNED, "size"]) == {6.0}


def test_deep_linear_networks_have_no_zero_below_twice_the_learning_coefficient_and_one_near_it():
    searches, sizes = measure(NetworkSettings(widths=[5, 5, 5], rank=2), settings(seeds=6))
    found = pd.DataFrame(searches)
    below = found[found["kind"].isin([RANDOM, FROZEN]) & found["size"].lt(23)]
    assert len(below) >= 12 and (below["value"] > below["bound"]).all()
    table = pd.DataFrame(sizes).pivot(index="init_seed", columns="quantity", values="size")
    assert (table[RANDOM] >= 23).all() and table[RANDOM].max() <= 25  # of 50 weights and 25 equations
    assert (table[RANDOM + ROUGHLY] <= table[RANDOM]).all()
    assert (table[ZEROED] >= 4).all() and (table[ZEROED] < 23).all()  # rank 2 through two layers
    assert (table[ZEROED + TURNED] > 23).all()


def test_pruning_a_zero_map_leaves_nothing():
    origin = generator("test", "zero map").normal(size=(3, 8))
    assert tickets(origin, [2, 2, 2], np.zeros((3, 2, 2)), 0.8).tolist() == [0, 0, 0]


@pytest.mark.parametrize("guess", [0, 7, 30])
def test_the_smallest_dimension_is_found_from_any_guess(guess):
    truth = np.array([0, 1, 7, 8, 29, 30])
    asked = []

    def reaches(families, sizes):
        asked.extend(sizes.tolist())
        return sizes >= truth[families]

    assert subspace_search.smallest_dimension(reaches, len(truth), guess, 30).tolist() == truth.tolist()
    assert min(asked) >= 0 and max(asked) <= 30


def sizes_of(exponent, noise=0.05, seeds=6):
    """Networks whose 2λ doubles, with a size that goes as a power of it."""
    random = generator("test", "sizes", LINEAR)
    rows = []
    for cell in range(4):
        for seed in range(seeds):
            truth = 10.0 * 2**cell
            size = 3 * truth**exponent * np.exp(noise * random.normal())
            for quantity, value in ((EXACT, truth), (RANDOM, size), (WEIGHTS, 100.0)):
                rows.append((f"cell{cell}", quantity, seed, value))
    return pd.DataFrame(rows, columns=["cell", "quantity", "init_seed", "size"])


def searches_of(found=0):
    rows = [
        ("cell0", kind, 9, seed, 0.0 if seed < found else 1.0, 1e-16) for kind in (RANDOM, FROZEN) for seed in range(8)
    ]
    return pd.DataFrame(rows, columns=["cell", "kind", "size", "init_seed", "value", "bound"])


def summarised(frame, found=0, alpha=0.05):
    rows = pd.DataFrame(summary.summary(frame, searches_of(found), alpha))
    return rows.set_index(["cell", "quantity", "contrast"])


@pytest.mark.parametrize("exponent", [1.0, 0.5, -0.4])
def test_a_relation_that_was_put_in_is_found(exponent, tmp_path):
    files.write(tmp_path / "sizes.parquet", SIZES, sizes_of(exponent), {})
    found = summarised(files.read(tmp_path / "sizes.parquet", SIZES), alpha=0.001)  # the truth lies outside as rarely
    files.write(tmp_path / "dimension.parquet", DIMENSION, found.reset_index(), {})
    slope = found.loc["", RANDOM, "slope"]
    assert slope["ci_low"] < exponent < slope["ci_high"] and slope["ci_high"] - slope["ci_low"] < 0.3
    assert found.loc["", RANDOM, "rank correlation"]["estimate"] == pytest.approx(np.sign(exponent), abs=0.1)
    assert found.loc["", WEIGHTS, "slope"]["estimate"] == pytest.approx(0)
    scatter = found.loc["", RANDOM, "scatter of log size / 2λ"]["estimate"]
    spread = abs(exponent - 1) * np.log(2) * np.std(range(4), ddof=1)
    assert scatter == pytest.approx(np.hypot(spread, 0.05), rel=0.25)
    assert found.loc["cell1", EXACT, "size"]["estimate"] == pytest.approx(20)


def test_intervals_are_student_t_of_the_seeds_own_relations():
    frame = sizes_of(0.7)
    of = {
        name: rows.pivot(index="cell", columns="init_seed", values="size") for name, rows in frame.groupby("quantity")
    }
    x, logs = np.log(of[EXACT][0]), np.log(of[RANDOM])
    expected = mean_interval(np.polynomial.polynomial.polyfit(x, logs, 1)[1], 0.05)
    ratios = np.exp((logs - x.to_numpy()[:, None]).mean())
    row = summarised(frame).sort_index().loc["", RANDOM]
    ends = ["estimate", "ci_low", "ci_high"]
    assert row.loc["slope", ends].tolist() == pytest.approx([expected.estimate, expected.ci_low, expected.ci_high])
    assert row.loc["size / 2λ", ends].tolist() == pytest.approx(summary.geometric(ratios.to_numpy(), 0.05)[:3])


def test_relations_are_left_out_where_two_cells_are_left():
    frame = sizes_of(1.0)
    frame.loc[frame["cell"].isin(["cell2", "cell3"]) & frame["quantity"].eq(RANDOM), "size"] = 0
    found = summarised(frame)
    assert ("", RANDOM, "slope") not in found.index and ("", WEIGHTS, "slope") in found.index


def predicted(rows):
    return {row["quantity"]: row for _, row in dimension.predictions(rows.reset_index(), settings(seeds=2))}


def reasons(rows):
    return {quantity: row["reason"] for quantity, row in predicted(rows).items()}


SLOPE = f"slope of log size on log 2λ: {RANDOM}"


def test_the_prediction_says_how_many_cells_are_left_out():
    """A ticket of no weights has no logarithm."""
    frame = sizes_of(1.0)
    assert "left out" not in reasons(summarised(frame))[SLOPE]
    frame.loc[frame["cell"].eq("cell3") & frame["init_seed"].eq(2) & frame["quantity"].eq(RANDOM), "size"] = 0.0
    assert "; 1 of 4 cells left out" in reasons(summarised(frame))[SLOPE]


def test_sizes_over_2λ_are_among_the_predictions():
    found = summarised(sizes_of(1.0))
    rows = predicted(found)
    row = rows[f"size over 2λ: {RANDOM}"]
    assert row["dose"] == found.loc["", RANDOM, "size / 2λ"]["estimate"] == pytest.approx(3, rel=0.1)
    assert row["reason"].startswith("above 2λ") and "statement 6" in row["reason"]
    assert f"size over 2λ: {WEIGHTS}" not in rows
    small = sizes_of(1.0).replace({"quantity": {RANDOM: ZEROED}})
    small.loc[small["quantity"] == ZEROED, "size"] /= 6
    reason = reasons(summarised(small))[f"size over 2λ: {ZEROED}"]
    assert reason.startswith("below 2λ") and "statement 6" not in reason


def test_the_prediction_says_what_the_slope_and_the_zeros_say():
    one, half = summarised(sizes_of(1.0)), summarised(sizes_of(0.5), found=1)
    zeros = f"share of subspaces below 2λ with a loss of 0: {RANDOM}"
    assert reasons(one)[SLOPE].startswith("slope 1") and reasons(one)[zeros].startswith("none")
    assert reasons(half)[SLOPE].startswith("not slope 1") and "refuted" in reasons(half)[zeros]
    assert "2λ spans a factor of 8 " in reasons(one)[SLOPE]
    # The number of weights is the reference, not a size that is judged.
    assert "number of weights is" in reasons(one)[SLOPE]
    assert not any(quantity.endswith(WEIGHTS) for quantity in reasons(one))
    # No zero in eight searches leaves room for a share of 1 − 0.025^(1/8).
    share = one.loc["", RANDOM, "zeros below 2λ"]
    assert share["ci_high"] == pytest.approx(1 - 0.025 ** (1 / 8)) and share["n"] == 8


def test_the_figure_draws_every_size_with_its_slope():
    (axes,) = dimension_figure.figure(summarised(sizes_of(1.0)).reset_index()).axes
    labels = axes.get_legend_handles_labels()[1]
    assert len(labels) == len(dimension_figure.SIZES) + 1  # and the line of slope 1
    assert any("slope 1.0" in label or "slope 0.9" in label for label in labels)
