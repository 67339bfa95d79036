"""Effective dimension: known answers of searches, of training in subspaces, of crossings, relations and rotations."""

import numpy as np
import pandas as pd
import pytest
import torch
from matplotlib.figure import Figure

from tests.unit import linear_zero_sets
from workflow_scripts.ticketlab.core.random_streams import generator
from workflow_scripts.ticketlab.core.statistics import mean_interval
from workflow_scripts.ticketlab.experiments.dimension import deep_linear, subspace_search, subspaces, summary
from workflow_scripts.ticketlab.experiments.dimension import predictions as dimension
from workflow_scripts.ticketlab.experiments.dimension.of_deep_linear import measure, tickets
from workflow_scripts.ticketlab.experiments.dimension.threshold import AT_THE_EDGE, NOT_REACHED, crossing
from workflow_scripts.ticketlab.report.figures import dimension as dimension_figure
from workflow_scripts.ticketlab.settings.deep_linear import NetworkSettings
from workflow_scripts.ticketlab.settings.dimension import DimensionSettings, LinearDimensionSettings
from workflow_scripts.ticketlab.settings.training import TrainingSettings
from workflow_scripts.ticketlab.tables import files
from workflow_scripts.ticketlab.tables.schemas.dimension import (
    COMPLEXITY,
    DIMENSION,
    ESTIMATED,
    EXACT,
    FROZEN,
    LINEAR,
    MATCHED,
    NONE,
    OF_TICKET,
    PRINCIPAL,
    PRUNED,
    RANDOM,
    RANDOM_ROTATION,
    ROUGHLY,
    SIZES,
    TURNED,
    WEIGHTS,
    ZEROED,
)
from workflow_scripts.ticketlab.training.stack import dense_members
from workflow_scripts.ticketlab.training.train import initial_state, train


def settings(**changes):
    network = NetworkSettings(widths=[2, 2], rank=1)
    return LinearDimensionSettings(networks=[network, NetworkSettings(widths=[3, 2], rank=1)], **changes)


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


@pytest.mark.parametrize("count", [6, 7, 64, 97])
def test_the_hartley_transform_is_orthonormal_symmetric_and_its_own_inverse(count):
    matrix = subspaces.hartley(torch.eye(count, dtype=torch.float64))
    assert torch.allclose(matrix, matrix.T) and torch.allclose(matrix @ matrix, torch.eye(count, dtype=torch.float64))


def start(count=3):
    random = generator("test", "start")
    draw = {"a": (4, 3), "b": (5,)}
    return {
        name: torch.from_numpy(random.normal(size=(count, *shape)).astype(np.float32)) for name, shape in draw.items()
    }


@pytest.mark.parametrize("kind", [RANDOM, FROZEN])
def test_subspaces_have_their_dimension_pass_through_the_start_and_are_nested(kind):
    origin, sizes = start(), [2, 5, 17]
    family = subspaces.nested(kind, "test", dense_members(range(3)), origin, sizes)
    free = family.free["z"]
    assert free.sum(1).tolist() == [2] * 3 + [5] * 3 + [17] * 3
    assert (free[:3] <= free[3:6]).all() and (free[3:6] <= free[6:]).all()
    at_origin = family.weights({"z": torch.zeros(9, 17)})
    assert torch.equal(subspaces.flatten(at_origin), subspaces.flatten(origin).repeat(3, 1))
    columns = []
    for index in range(17):
        z = torch.zeros(9, 17)
        z[:, index] = 1
        columns.append(subspaces.flatten(family.weights({"z": z})) - subspaces.flatten(at_origin))
    spans = torch.stack(columns, dim=2)
    scale = torch.tensor(sizes).repeat_interleave(3)[:, None, None] / 17
    assert torch.allclose(spans.transpose(1, 2) @ spans * scale, torch.eye(17).expand(9, 17, 17), atol=1e-5)
    assert (torch.count_nonzero(spans.abs() > 1e-6, dim=1) == 1).all() == (kind == FROZEN)


def test_another_seed_has_another_subspace():
    both = subspaces.nested(FROZEN, "test", dense_members(range(3)), start(), [5]).free["z"]
    assert not torch.equal(both[0], both[1])


@pytest.fixture(scope="module")
def digits():
    from workflow_scripts.ticketlab import models
    from workflow_scripts.ticketlab.tasks import images
    from workflow_scripts.ticketlab.training.study import Study

    section = images.Settings(kind="images")
    frame, facts = images.prepare(section, "test")
    problem = images.load(frame, facts, section)
    model = models.build({"kind": "mlp", "hidden": [6]}, problem.inputs, problem.outputs, 1)
    return Study("test", problem, model, torch.device("cpu"))


def test_all_weights_free_train_as_dense_does_and_frozen_ones_stay(digits):
    from workflow_scripts.ticketlab.experiments.dimension.of_networks import train_in
    from workflow_scripts.ticketlab.training.train import initial_weights

    recipe = TrainingSettings(learning_rate=0.01, batch_size=16, steps=20, schedule="constant")
    origin = initial_weights(digits, range(2))
    count = subspaces.flatten(origin).shape[1]
    trained = train_in(digits, FROZEN, origin, [10, count], recipe)
    members = dense_members(range(2))
    *_, end = train(digits, members, initial_state(origin, recipe), recipe, [20])
    dense = subspaces.flatten(end.weights)
    assert torch.allclose(subspaces.flatten(trained)[2:], dense, atol=1e-5)
    moved = (subspaces.flatten(trained)[:2] != subspaces.flatten(origin)).sum(1)
    assert (moved > 0).all() and (moved <= 10).all()


def test_gradient_descent_in_a_random_subspace_of_full_dimension_is_gradient_descent(digits):
    from workflow_scripts.ticketlab.experiments.dimension.of_networks import train_in
    from workflow_scripts.ticketlab.training.train import initial_weights

    recipe = TrainingSettings(optimiser="sgd", learning_rate=0.05, batch_size=16, steps=20, schedule="constant")
    origin = initial_weights(digits, range(2))
    count = subspaces.flatten(origin).shape[1]
    trained = subspaces.flatten(train_in(digits, RANDOM, origin, [count], recipe))
    members = dense_members(range(2))
    *_, end = train(digits, members, initial_state(origin, recipe), recipe, [20])
    assert torch.allclose(trained, subspaces.flatten(end.weights), atol=1e-4)


def test_networks_are_taken_where_their_training_loss_first_falls_to_the_matched_one(digits):
    from workflow_scripts.ticketlab.experiments.dimension.of_networks import until_loss
    from workflow_scripts.ticketlab.training.evaluation import evaluate
    from workflow_scripts.ticketlab.training.train import initial_weights

    recipe = TrainingSettings(learning_rate=0.01, batch_size=16, steps=60, schedule="constant")
    members, origin = dense_members(range(3)), initial_state(initial_weights(digits, range(3)), recipe)

    def course():
        return train(digits, members, origin, recipe, range(0, 61, 5))

    losses = np.stack([evaluate(digits, s.weights, ["train"])["train", "loss"] for s in course()])
    bound = float(np.sort(losses.min(axis=0))[1])  # the second best network reaches it at last, the worst one does not
    end, reached, early = until_loss(digits, course(), bound)
    assert reached == np.flatnonzero((losses <= bound).any(axis=0)).tolist() and len(reached) == 2
    found = evaluate(digits, early, ["train"])["train", "loss"]
    first = [losses[np.flatnonzero(losses[:, index] <= bound)[0], index] for index in reached]
    assert found == pytest.approx(first, rel=1e-5)
    last = evaluate(digits, end, ["train"])["train", "loss"]
    assert last == pytest.approx(losses[-1], rel=1e-5)


def test_a_crossing_is_interpolated_in_the_logarithm():
    sizes = np.array([10, 100, 1000])
    assert crossing(sizes, np.array([0.9, 0.5, 0.1]), 0.3)[0] == pytest.approx(10**2.5)
    # One seed's noise upwards is pooled with its neighbour.
    pooled = crossing(np.array([1, 10, 100, 1000]), np.array([0.9, 0.2, 0.38, 0.1]), 0.3)
    assert pooled == (pytest.approx(10 ** (0.6 / 0.61)), "")
    assert crossing(sizes, np.array([0.9, 0.5, 0.4]), 0.3)[1] == NOT_REACHED
    assert crossing(sizes, np.array([0.2, 0.2, 0.1]), 0.3) == (10.0, AT_THE_EDGE)
    assert np.isnan(crossing(sizes, np.array([0.2, np.nan, 0.1]), 0.3)[0])


def sizes_of(study, by, exponent, noise=0.05, seeds=6):
    """Cells whose 2λ doubles, with a size that goes as a power of it."""
    random = generator("test", "sizes", study)
    rows = []
    for cell in range(4):
        for seed in range(seeds):
            truth = 10.0 * 2**cell
            size = 3 * truth**exponent * np.exp(noise * random.normal())
            for quantity, value in ((by, truth), (RANDOM, size), (WEIGHTS, 100.0)):
                rows.append((study, f"cell{cell}", quantity, seed, value, ""))
    return pd.DataFrame(rows, columns=["study", "cell", "quantity", "init_seed", "size", "flag"])


def searches_of(found=0):
    rows = [
        (LINEAR, "cell0", kind, 9, seed, "loss", 0.0 if seed < found else 1.0, 1e-16)
        for kind in (RANDOM, FROZEN)
        for seed in range(8)
    ]
    return pd.DataFrame(rows, columns=["study", "cell", "kind", "size", "init_seed", "metric", "value", "bound"])


def summarised(frame, found=0, alpha=0.05):
    rows = pd.DataFrame(summary.summary(frame, searches_of(found), alpha))
    return rows.set_index(["study", "cell", "quantity", "contrast"])


@pytest.mark.parametrize("exponent", [1.0, 0.5, -0.4])
def test_a_relation_that_was_put_in_is_found(exponent, tmp_path):
    frame = pd.concat([sizes_of(LINEAR, EXACT, exponent), sizes_of("other", MATCHED, exponent)])
    files.write(tmp_path / "sizes.parquet", SIZES, frame, {})
    found = summarised(files.read(tmp_path / "sizes.parquet", SIZES), alpha=0.001)  # the truth lies outside as rarely
    files.write(tmp_path / "dimension.parquet", DIMENSION, found.reset_index(), {})
    for study in (LINEAR, "other"):
        slope = found.loc[study, "", RANDOM, "slope"]
        assert slope["ci_low"] < exponent < slope["ci_high"] and slope["ci_high"] - slope["ci_low"] < 0.3
        rank = found.loc[study, "", RANDOM, "rank correlation"]["estimate"]
        assert rank == pytest.approx(np.sign(exponent), abs=0.1)
        assert found.loc[study, "", WEIGHTS, "slope"]["estimate"] == pytest.approx(0)
        scatter = found.loc[study, "", RANDOM, "scatter of log size / 2λ"]["estimate"]
        spread = abs(exponent - 1) * np.log(2) * np.std(range(4), ddof=1)
        assert scatter == pytest.approx(np.hypot(spread, 0.05), rel=0.25)
    assert found.loc[LINEAR, "cell1", EXACT, "size"]["estimate"] == pytest.approx(20)


def test_a_cell_in_which_a_seed_has_no_size_is_left_out_of_the_relation():
    frame = sizes_of("other", MATCHED, 1.0)
    lost = frame["cell"].eq("cell3") & frame["init_seed"].eq(2) & frame["quantity"].eq(RANDOM)
    frame.loc[lost, ["size", "flag"]] = [np.nan, NOT_REACHED]
    flagged = frame["cell"].eq("cell0") & frame["init_seed"].eq(1) & frame["quantity"].eq(MATCHED)
    frame.loc[flagged, ["size", "flag"]] = [9999.0, "rhat"]
    found = summarised(pd.concat([sizes_of(LINEAR, EXACT, 1.0), frame]))
    assert np.isnan(found.loc["other", "cell3", RANDOM, "size"]["estimate"])
    assert found.loc["other", "", RANDOM, "slope"]["missing"] == 1
    estimated = found.loc["other", "cell0", MATCHED, "size"]
    assert estimated["estimate"] == pytest.approx(10) and estimated["missing"] == 1


def test_sizes_are_held_against_complexity_at_matched_loss_and_tickets_against_dense_at_the_end():
    """At the end 2λ̂ falls with the size here, as it does where wider networks reach a lower loss."""
    frame = sizes_of("other", MATCHED, 1.0)
    falls = frame[frame["quantity"] == MATCHED].assign(quantity=ESTIMATED, size=lambda rows: 1e4 / rows["size"])
    ticket = falls.assign(quantity=OF_TICKET, size=lambda rows: rows["size"] / 2)
    early = frame["quantity"].eq(MATCHED) & frame["init_seed"].eq(0)
    frame.loc[early, "flag"] = "not_a_minimum"  # which no network in the middle of its training is at
    found = summarised(pd.concat([sizes_of(LINEAR, EXACT, 1.0), frame, falls, ticket]))
    assert found.loc["other", "", RANDOM, "slope"]["estimate"] == pytest.approx(1, abs=0.1)
    assert found.loc["other", "cell0", MATCHED, "size"]["n"] == 6
    assert found.loc["other", "", OF_TICKET, "slope"]["estimate"] == pytest.approx(1)
    assert found.loc["other", "", OF_TICKET, "size / 2λ"]["estimate"] == pytest.approx(0.5)


def noisy(frame, quantity, noise, name="noise"):
    """`frame` with a quantity times a factor of its own for each cell and seed."""
    changed, chosen = frame.copy(), frame["quantity"] == quantity
    changed.loc[chosen, "size"] *= np.exp(noise * generator("test", name).normal(size=chosen.sum()))
    return changed


def test_the_noise_of_the_learning_coefficient_is_in_the_interval_of_a_slope():
    """The number of weights is known, so all that its slope varies by is 2λ̂."""
    frame = sizes_of("other", MATCHED, 1.0)
    frame.loc[frame["quantity"] == WEIGHTS, "size"] = 100 * 2.0 ** frame["cell"].str[-1].astype(int)
    exact = summarised(pd.concat([sizes_of(LINEAR, EXACT, 1.0), frame]))
    measured = summarised(pd.concat([sizes_of(LINEAR, EXACT, 1.0), noisy(frame, MATCHED, 0.3)]))
    for contrast in ("slope", "size / 2λ"):
        widths = []
        for found, quantity in ((exact, WEIGHTS), (exact, RANDOM), (measured, WEIGHTS), (measured, RANDOM)):
            row = found.loc["other", "", quantity, contrast]
            widths.append(row["ci_high"] - row["ci_low"])
            assert row["n"] == 6
        assert widths[0] == pytest.approx(0, abs=1e-9) and widths[2] > widths[1] and widths[3] > 2 * widths[1]


def test_where_2λ_is_exact_the_interval_is_student_t_of_the_slopes_of_the_seeds():
    frame = sizes_of(LINEAR, EXACT, 0.7)
    tables_of = {
        quantity: rows.pivot(index="cell", columns="init_seed", values="size")
        for quantity, rows in frame.groupby("quantity")
    }
    x, logs = np.log(tables_of[EXACT][0]), np.log(tables_of[RANDOM])
    slopes = np.polynomial.polynomial.polyfit(x, logs, 1)[1]
    ratios = np.exp((logs - x.to_numpy()[:, None]).mean())
    expected = mean_interval(slopes, 0.05)
    row = summarised(frame).sort_index().loc[LINEAR, "", RANDOM]
    ends = ["estimate", "ci_low", "ci_high"]
    assert row.loc["slope", ends].tolist() == pytest.approx([expected.estimate, expected.ci_low, expected.ci_high])
    assert row.loc["size / 2λ", ends].tolist() == pytest.approx(summary.geometric(ratios.to_numpy(), 0.05)[:3])


def test_the_interval_of_a_slope_covers_it_where_both_axes_are_noisy():
    truth, runs, covered = np.log(10 * 2.0 ** np.arange(4)), 400, 0
    for run in range(runs):
        random = generator("test", "slope", run)
        x, y = (pd.DataFrame(truth[:, None] + noise * random.normal(size=(4, 8))) for noise in (0.2, 0.1))
        _, low, high, _ = summary.jackknife(summary.slope, y, x, 0.05)
        covered += low <= 1 <= high
    assert 0.92 < covered / runs < 0.98  # 0.95 ± 3 × 0.011


def test_a_cell_whose_only_learning_coefficient_is_one_seeds_leaves_no_interval():
    frame = sizes_of("other", MATCHED, 1.0)
    lost = frame["cell"].eq("cell2") & frame["init_seed"].gt(0) & frame["quantity"].eq(MATCHED)
    frame.loc[lost, "flag"] = "rhat"
    row = summarised(pd.concat([sizes_of(LINEAR, EXACT, 1.0), frame])).loc["other", "", RANDOM, "slope"]
    assert row["estimate"] == pytest.approx(1, abs=0.1) and np.isnan(row["ci_low"])


def verdicts_of(rows, study=None):
    found = dimension.predictions(rows.reset_index(), settings(seeds=2))
    return [row for name, row in found if study in (None, name)]


def reason_of(rows, study, quantity):
    return {row["quantity"]: row["reason"] for row in verdicts_of(rows, study)}[quantity]


@pytest.mark.parametrize(("size", "flag"), [(0.0, ""), (np.nan, NOT_REACHED)])
def test_the_prediction_says_how_many_cells_are_left_out(size, flag):
    """A ticket of no weights has no logarithm."""
    frame = sizes_of("other", MATCHED, 1.0)
    lost = frame["cell"].eq("cell3") & frame["init_seed"].eq(2) & frame["quantity"].eq(RANDOM)
    frame.loc[lost, ["size", "flag"]] = [size, flag]
    found = summarised(pd.concat([sizes_of(LINEAR, EXACT, 1.0), frame]))
    words = f"slope of log size on log 2λ: {RANDOM}"
    assert "; 1 of 4 cells left out" in reason_of(found, "other", words)
    assert "left out" not in reason_of(found, LINEAR, words)


def test_a_cell_without_a_learning_coefficient_counts_as_left_out():
    frame = sizes_of("other", MATCHED, 1.0)
    frame.loc[frame["cell"].eq("cell0") & frame["quantity"].eq(MATCHED), "flag"] = "rhat"
    found = summarised(pd.concat([sizes_of(LINEAR, EXACT, 1.0), frame]))
    assert found.loc["other", "", RANDOM, "slope"]["missing"] == 1


def test_a_study_whose_weights_have_no_slope_has_its_predictions_all_the_same():
    """Too few of its cells reach the loss at which the number of weights is compared with 2λ̂."""
    frame = sizes_of("other", ESTIMATED, 1.0)
    ticket = frame[frame["quantity"] == ESTIMATED].assign(quantity=OF_TICKET)
    found = summarised(pd.concat([sizes_of(LINEAR, EXACT, 1.0), frame, ticket]))
    assert ("other", "", WEIGHTS, "slope") not in found.index
    reason = reason_of(found, "other", f"slope of log size on log 2λ: {OF_TICKET}")
    assert "that of the number of weights is unknown" in reason


def test_sizes_over_2λ_of_deep_linear_networks_are_among_the_predictions():
    found = summarised(pd.concat([sizes_of(LINEAR, EXACT, 1.0), sizes_of("other", MATCHED, 1.0)]))
    rows = {row["quantity"]: row for row in verdicts_of(found, LINEAR)}
    row = rows[f"size over 2λ: {RANDOM}"]
    assert row["dose"] == found.loc[LINEAR, "", RANDOM, "size / 2λ"]["estimate"] == pytest.approx(3, rel=0.1)
    assert row["reason"].startswith("above 2λ") and "statement 6" in row["reason"]
    assert f"size over 2λ: {WEIGHTS}" not in rows
    assert not any(row["quantity"].startswith("size over") for row in verdicts_of(found, "other"))
    small = sizes_of(LINEAR, EXACT, 1.0).replace({"quantity": {RANDOM: ZEROED}})
    small.loc[small["quantity"] == ZEROED, "size"] /= 6
    reason = reason_of(summarised(small), LINEAR, f"size over 2λ: {ZEROED}")
    assert reason.startswith("below 2λ") and "statement 6" not in reason


def test_the_prediction_says_what_the_slope_and_the_zeros_say():
    one = summarised(sizes_of(LINEAR, EXACT, 1.0))
    half = summarised(sizes_of(LINEAR, EXACT, 0.5), found=1)
    reasons = [
        {row["quantity"]: row["reason"] for row in verdicts_of(found)}[words]
        for found in (one, half)
        for words in (
            f"slope of log size on log 2λ: {RANDOM}",
            f"share of subspaces below 2λ with a loss of 0: {RANDOM}",
        )
    ]
    assert reasons[0].startswith("slope 1") and reasons[1].startswith("none")
    assert reasons[2].startswith("not slope 1") and "refuted" in reasons[3]
    assert "2λ spans a factor of 8 " in reasons[0]
    # The number of weights is the reference, not a size that is judged.
    assert "number of weights is" in reasons[0] and not any(
        row["quantity"].endswith(WEIGHTS) for row in verdicts_of(one)
    )
    # No zero in eight searches leaves room for a share of 1 − 0.025^(1/8).
    share = one.loc[LINEAR, "", RANDOM, "zeros below 2λ"]
    assert share["ci_high"] == pytest.approx(1 - 0.025 ** (1 / 8)) and share["n"] == 8


def rotation_rows(llc_factor, shift, seeds=8):
    """λ̂ times a factor, and a loss that rises in steps of density, moved by a rotation to `shift` times the density."""
    random, rows = generator("test", "rotations"), []
    for seed in range(seeds):
        for rotation, index in ((NONE, 0), (RANDOM_ROTATION, 0), (RANDOM_ROTATION, 1), (PRINCIPAL, 0)):
            turned = rotation != NONE
            level = (5 + random.normal()) if rotation == NONE else level  # noqa: F821
            value = level * (llc_factor if turned else 1) * (1 + 0.01 * random.normal())
            rows.append((seed, rotation, index, COMPLEXITY, 1.0, value, ""))
            for density in (1.0, 0.8, 0.4, 0.2, 0.1):
                loss = 1 + 0.1 * np.log(max(0.8 / density * (shift if turned else 1), 1)) * (density < 1)
                rows.append((seed, rotation, index, PRUNED, density, loss, ""))
    columns = ["init_seed", "rotation", "index", "quantity", "density", "value", "flag"]
    return pd.DataFrame(rows, columns=columns).assign(study="turned")


def test_a_rotation_that_moves_ticket_size_and_not_complexity_is_told_apart():
    rows = pd.DataFrame(summary.of_rotations(rotation_rows(1.0, 1.5), 0.07, 0.05))
    found = rows.set_index(["cell", "quantity", "contrast"])
    for rotation in (RANDOM_ROTATION, PRINCIPAL):
        assert found.loc[rotation, COMPLEXITY, "change"]["estimate"] == pytest.approx(0, abs=0.02)
        assert found.loc[rotation, summary.TICKET, "change"]["estimate"] == pytest.approx(0.5, abs=0.05)
    words = {row["quantity"]: row["reason"] for row in verdicts_of(rows)}
    assert [reason.split(":")[0] for reason in words.values()].count("unchanged") == 2
    assert sum(reason.startswith("changed") for reason in words.values()) in (0, 2)


def test_the_figure_draws_every_size_and_both_rotations():
    frame = pd.concat([sizes_of(LINEAR, EXACT, 1.0), sizes_of("other", MATCHED, 1.0)])
    rows = [
        *summary.summary(frame, searches_of(), 0.05),
        *summary.of_rotations(rotation_rows(1.0, 1.5), 0.07, 0.05),
    ]
    drawn: Figure = dimension_figure.figure(pd.DataFrame(rows), {"turned": {"metric": "loss", "margin": 0.07}}, 0.1)
    titles = [axes.get_title(loc="left") for axes in drawn.axes]
    assert len(titles) == 4 and "deep linear" in titles[0] and "other" in titles[1] and "turned" in titles[2]
    labels = drawn.axes[0].get_legend_handles_labels()[1]
    assert any("slope 1.0" in label or "slope 0.9" in label for label in labels)


def test_a_cell_is_named_by_what_it_changes():
    cells = [{"hidden": [25, 12]}, {"width": 8, "hidden": 3}]
    found = DimensionSettings(cells=cells, matched_loss=0.5).by_name()
    assert list(found) == ["hidden25_12", "width8_hidden3"]
    with pytest.raises(ValueError, match="repeats"):
        DimensionSettings(cells=[{"width": 8}, {"width": 8}], matched_loss=0.5)
