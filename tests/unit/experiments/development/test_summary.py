"""Transients: scripted tickets that pass through one, skip it, keep it or fail get the verdict of the table."""

import numpy as np
import pandas as pd
import pytest
import torch

from tests.unit.example_results import calibration_of, example, figure_settings, judged, judging
from workflow_scripts.ticketlab.core.errors import TicketlabError
from workflow_scripts.ticketlab.core.readings import NO_SIDE
from workflow_scripts.ticketlab.experiments.development import masks as development_masks
from workflow_scripts.ticketlab.experiments.development import predictions as development
from workflow_scripts.ticketlab.experiments.development import summary
from workflow_scripts.ticketlab.instruments import reference_distances
from workflow_scripts.ticketlab.pruning import controls
from workflow_scripts.ticketlab.pruning import masks as pruning
from workflow_scripts.ticketlab.report.figures import development as development_figure
from workflow_scripts.ticketlab.settings.judging import JudgingSettings
from workflow_scripts.ticketlab.tables import files
from workflow_scripts.ticketlab.tables.schemas.development import DEVELOPMENT
from workflow_scripts.ticketlab.tables.schemas.structure import STRUCTURE
from workflow_scripts.ticketlab.training.stack import as_variant, dense_members
from workflow_scripts.ticketlab.verdicts import predictions

SEEDS, LAST = range(8), 300
STEPS = [0, 3, 10, 30, 100, LAST]
SETTINGS = JudgingSettings(metric="loss", margin=0.02)
END, PEAK = "end", "peak_unigram"
CONTROL = "end_shuffled"
# Distances to the transient's predictor at STEPS, by what becomes of it.
THROUGH = [1.0, 0.6, 0.1, 0.3, 0.5, 0.6]
SKIPPED = [1.0, 0.9, 0.8, 0.9, 0.9, 0.9]
NEAR = [0.3, 0.25, 0.2, 0.25, 0.3, 0.3]  # the mask alone came so near; it goes on a third of the way
KEPT = [1.0, 0.6, 0.2, 0.2, 0.2, 0.2]
# λ̂ at STEPS: a rise and a fall, and only one of these.
TWO, RISE = [1.0, 2.0, 5.0, 9.0, 5.0, 2.0], [1.0, 2.0, 5.0, 9.0, 9.0, 9.0]
LOSSES = [4.0, 3.0, 2.0, 1.0, 0.5, 0.2]


def scripted(courses=None, losses=None, coefficients=None, noise=0.003):
    """Tables `structure`, `metrics` and `llc` of dense networks and tickets, as these are told to behave.

    courses: distances at STEPS; losses: test loss at the end; coefficients: λ̂ at STEPS; each by network.
    """
    random = np.random.default_rng(0)
    usual = {"dense": THROUGH, END: THROUGH, CONTROL: THROUGH, PEAK: THROUGH, f"{PEAK}_shuffled": THROUGH}
    courses = usual | (courses or {})
    losses = dict.fromkeys(courses, 1.0) | (losses or {})
    keys = [(network, seed) for network in courses for seed in SEEDS]
    distances = [
        (network, seed, step, "unigram", distance * (1 + noise * random.standard_normal()))
        for network, seed in keys
        for step, distance in zip(STEPS, courses[network], strict=True)
    ]
    metrics = [
        (network, seed, LAST, "test", "loss", 1.0 if network == "dense" else 0.3, losses[network] + shift)
        for network, seed in keys
        for shift in [noise * random.standard_normal()]
    ]
    metrics += [("dense", seed, 0, "test", "loss", 1.0, 2.0) for seed in SEEDS]
    estimates = [
        (network, seed, step, value + 0.1 * random.standard_normal(), loss, "")
        for network, course in (coefficients or {}).items()
        for seed in SEEDS
        for step, value, loss in zip(STEPS, course, LOSSES, strict=True)
    ]
    return (
        pd.DataFrame(distances, columns=["variant", "init_seed", "step", "structure", "distance"]),
        pd.DataFrame(metrics, columns=["variant", "init_seed", "step", "split", "metric", "density", "value"]),
        pd.DataFrame(estimates, columns=["variant", "init_seed", "step", "llc", "init_loss", "flag"]),
    )


def fates_of(*frames):
    return pd.DataFrame(summary.table(*frames, SETTINGS)).assign(study="example")


def predicted(*frames, winning=(0.3,)):
    """The rows of predictions, by prediction and quantity; winning: densities of the tickets that T1 counts."""
    rows = [row for _, row in development.predictions(fates_of(*frames), {"example": SETTINGS}, {"example": winning})]
    return pd.DataFrame(rows).set_index(["prediction", "quantity"])


def verdict(words, *frames, **winning):
    """Verdict and reason of the one row whose quantity contains `words`."""
    found = predicted(*frames, **winning)
    found = found[[words in quantity for _, quantity in found.index]]
    assert len(found) == 1
    return found.iloc[0]["verdict"], found.iloc[0]["reason"]


# Dense goes from a loss of 2 to 1: a control that ends at 1.6 has learned 40 % of that, one at 1.3 70 %.
P4 = [
    ("goes through it", {}, {}, "built", "a winning ticket goes through"),
    ("skips it", {END: SKIPPED}, {}, "latent", "a winning ticket skips"),
    ("skips it, its control is worse", {END: SKIPPED}, {CONTROL: 1.3}, "latent", "a winning ticket skips"),
    ("as its control does", {END: SKIPPED, CONTROL: SKIPPED}, {}, "inconclusive", "sparsity is enough"),
    ("its control does not learn", {END: SKIPPED}, {CONTROL: 1.6}, "inconclusive", "does not learn"),
    ("its control is unclear", {END: SKIPPED, CONTROL: NEAR}, {}, "inconclusive", "is unclear (unclear)"),
    ("keeps it", {END: KEPT}, {}, "inconclusive", "acquired and kept"),
    ("starts near it", {END: NEAR}, {}, "inconclusive", "unclear"),
    ("nothing to skip", {"dense": KEPT, END: SKIPPED}, {}, "inconclusive", "no transient here (acquired and kept)"),
    ("never acquired", {"dense": SKIPPED, END: SKIPPED}, {}, "inconclusive", "no transient here (skipped)"),
]


@pytest.mark.parametrize(
    ("courses", "losses", "expected", "words"), [row[1:] for row in P4], ids=[row[0] for row in P4]
)
def test_a_tickets_fate_is_judged_by_the_table(courses, losses, expected, words):
    found, reason = verdict("mask of the end", *scripted(courses, losses))
    assert found == expected
    assert words in reason


@pytest.mark.parametrize("course", [THROUGH, SKIPPED])
def test_a_ticket_that_t1_does_not_count_as_winning_decides_nothing(course):
    found, reason = verdict("mask of the end", *scripted({END: course}), winning=(0.5, 0.2))
    assert found == "inconclusive" and reason.startswith("T1 does not count this ticket as winning: ")


def test_a_diverged_ticket_decides_nothing():
    distances, metrics, estimates = scripted({END: SKIPPED})
    distances.loc[distances["variant"].eq(END) & distances["init_seed"].eq(3), "distance"] = np.nan
    assert verdict("mask of the end", distances, metrics, estimates)[0] == "inconclusive"
    distances, metrics, estimates = scripted({END: SKIPPED})
    metrics.loc[metrics["variant"].eq(CONTROL) & metrics["init_seed"].eq(3), "value"] = np.nan
    assert verdict("mask of the end", distances, metrics, estimates)[0] == "inconclusive"


@pytest.mark.parametrize("course", [THROUGH, SKIPPED, KEPT])
def test_the_peaks_mask_decides_nothing_whatever_it_does(course):
    assert verdict("mask of its peak", *scripted({PEAK: course}))[0] == NO_SIDE


def test_the_dose_is_what_was_acquired_and_differences_are_paired_by_seed():
    frames = scripted({END: SKIPPED}, {END: 1.3})
    found = predicted(*frames).loc[("P4", "unigram acquired (A) by the ticket at 30.0% kept, mask of the end")]
    assert found["dose"] == pytest.approx(0.2, abs=0.01) and found["n"] == len(SEEDS)
    table = fates_of(*frames).set_index(["network", "quantity", "contrast"])
    assert table.loc[(END, "acquired", "less dense"), "estimate"] == pytest.approx(0.2 - 0.9, abs=0.01)
    assert table.loc[(END, "acquired", "on dense's scale"), "estimate"] == pytest.approx(0.2, abs=0.01)
    near = fates_of(*scripted({END: NEAR})).set_index(["network", "quantity", "contrast"])["estimate"]
    assert near[END, "acquired", "own"] == pytest.approx(1 / 3, abs=0.01)
    assert near[END, "acquired", "on dense's scale"] == pytest.approx(0.8, abs=0.01)
    assert table.loc[(END, "forgotten", "less dense"), "estimate"] == pytest.approx(0.5 - 5 / 9, abs=0.05)
    assert table.loc[(END, "loss", "less dense"), "estimate"] == pytest.approx(0.3, abs=0.01)


@pytest.mark.parametrize("ticket", [TWO, RISE])
def test_stages_of_the_learning_coefficient_are_reported_without_a_side(ticket):
    """A shuffled mask that does not learn has dense's stages: they do not tell learning from its absence."""
    frames = scripted({}, {CONTROL: 1.9}, {"dense": TWO, END: ticket, CONTROL: TWO})
    found, reason = verdict("stages", *frames)
    assert found == NO_SIDE
    own = "rise, fall" if ticket is TWO else "rise"
    assert reason.endswith(f"(dense: rise, fall; ticket: {own}; shuffled: rise, fall)")


def test_noise_makes_no_stage():
    flat = [3.0] * len(STEPS)
    false = 0
    for seed in range(40):
        frames = scripted({}, {}, {"dense": flat, END: flat})
        frames[2]["llc"] = np.random.default_rng(seed).normal(3.0, 1.0, len(frames[2]))
        false += bool(development.stages(fates_of(*frames), "dense", SETTINGS))
    assert false / 40 <= 0.15  # α is 0.05, for all changes of a network together


def test_stages_are_looked_for_at_the_steps_that_tickets_have():
    distances, metrics, estimates = scripted({}, {}, {"dense": TWO, END: TWO})
    fewer = estimates[estimates["variant"].eq("dense") | estimates["step"].isin([0, LAST])]
    table = fates_of(distances, metrics, fewer)
    assert development.stages(table, "dense", SETTINGS) == development.stages(table, END, SETTINGS) == ["rise"]


def test_without_coefficients_of_tickets_nothing_is_said_of_stages():
    assert set(predicted(*scripted()).index.get_level_values(0)) == {"P4"}


def curve(losses, value):
    return pd.DataFrame({"init_loss": losses, "llc": [value(np.log(loss)) for loss in losses]})


def test_coefficients_are_compared_at_equal_loss_whatever_the_steps():
    """λ̂ is a straight line in log loss, half as high in the ticket, which is seen at other losses."""
    dense = curve([4.0, 1.0, 0.3, 0.1], lambda x: 10 - 2 * x)
    ticket = curve([3.0, 2.5, 0.2, 0.01], lambda x: 5 - x)
    assert summary.at_equal_loss(ticket, dense) == pytest.approx(0.5)
    assert summary.at_equal_loss(dense, dense.sample(frac=1, random_state=0)) == pytest.approx(1)
    assert np.isnan(summary.at_equal_loss(curve([9.0, 8.0], abs), dense))
    assert np.isnan(summary.at_equal_loss(curve([3.0, 0.2], lambda x: -1.0), dense))


def test_the_ratio_at_equal_loss_has_an_interval_and_ignores_flagged_estimates():
    frames = scripted({}, {}, {"dense": TWO, END: [value / 2 for value in TWO], CONTROL: TWO})
    estimates = frames[2]
    broken = estimates["variant"].eq(END) & estimates["step"].eq(10)
    estimates.loc[broken, ["llc", "flag"]] = [1e6, "diverged"]
    estimates.loc[estimates["variant"].eq(END) & estimates["step"].eq(3), "flag"] = "not_a_minimum"
    found = predicted(*frames)
    ticket = found.loc[("P5", "λ̂ of the ticket at 30.0% kept / dense, at equal training loss")]
    control = found.loc[("P5", "λ̂ of the shuffled control at 30.0% kept / dense, at equal training loss")]
    assert ticket["ci_low"] < ticket["dose"] < ticket["ci_high"] < 0.6
    assert ticket["dose"] == pytest.approx(0.5, abs=0.05)
    assert control["ci_low"] < 1 < control["ci_high"] and control["verdict"] == NO_SIDE


def test_the_table_keeps_its_contract_and_the_predictions_take_its_rows(tmp_path):
    frame = fates_of(*scripted({END: SKIPPED}, {}, {"dense": TWO, END: TWO, CONTROL: TWO}))
    files.write(tmp_path / "development.parquet", DEVELOPMENT, frame, {})
    further = list(
        development.predictions(
            files.read(tmp_path / "development.parquet", DEVELOPMENT), {"example": SETTINGS}, {"example": [0.3]}
        )
    )
    section = judging()
    comparisons = example(section=section)
    found = predictions.predict(
        comparisons, judged(comparisons, example=section), figure_settings(example=section), calibration_of(), further
    )
    mine = found[found["prediction"].isin(["P4", "P5"])]
    assert set(mine.loc[mine["prediction"] == "P4", "verdict"]) == {"latent", NO_SIDE}
    assert set(mine.loc[mine["prediction"] == "P5", "verdict"]) == {NO_SIDE}
    assert not found.duplicated(["study", "prediction", "quantity"]).any()


def test_the_figure_has_a_panel_for_each_structure_and_one_for_coefficients():
    both = {"dense": TWO, END: TWO, CONTROL: TWO}
    frame = pd.concat(
        [fates_of(*scripted({}, {}, both)).assign(study="one"), fates_of(*scripted()).assign(study="two")]
    )
    spec = {"structures": ["unigram"], "judging": judging(), "last_step": LAST}
    drawn = development_figure.figure(frame, {"one": spec, "two": spec})
    titles = [axes.get_title(loc="left") for axes in drawn.axes]
    assert [title.split(":")[0] for title in titles] == ["one", "one", "two", ""]
    assert [len(axes.lines) for axes in drawn.axes] == [5, 3, 5, 0]
    dense = drawn.axes[0].lines[0]
    assert dense.get_xdata().tolist() == STEPS and dense.get_ydata() == pytest.approx(THROUGH, abs=0.01)


def test_the_peak_is_where_dense_networks_are_nearest_on_average():
    distances, _, _ = scripted()
    dense = distances[distances["variant"] == "dense"]
    assert development_masks.nearest_step(dense, "unigram") == 10
    with pytest.raises(TicketlabError, match=r"no structure 'bigram' .* there are unigram"):
        development_masks.nearest_step(dense, "bigram")


@pytest.fixture
def developed(tokens):
    """Masks for three initialisations at half density: of random weights, some standing for trained ones."""
    dense = dense_members([0, 1, 2])
    generator = torch.Generator().manual_seed(0)
    template = {name: dict(tokens.model.named_parameters())[name].shape for name in tokens.model.prunable}
    at_step = {
        step: {name: torch.randn(3, *shape, generator=generator) for name, shape in template.items()}
        for step in (7, 40)
    }
    count = sum(shape.numel() for shape in template.values()) // 2
    imp = pruning.keep_top(pruning.magnitude(at_step[40]), count)
    found = development_masks.masks("tokens", dense, 2, count, imp, 40, {"unigram": 7}, at_step.__getitem__)
    return dense, count, imp, at_step, {masked.members[0].variant: masked for masked in found}


def test_masks_of_the_end_and_of_the_peak_keep_the_same_number_of_weights(developed):
    _, count, imp, at_step, found = developed
    assert list(found) == [END, CONTROL, PEAK, f"{PEAK}_shuffled"]
    for masked in found.values():
        assert (sum(mask.flatten(1).sum(1) for mask in masked.mask.values()) == count).all()
        assert {(member.level, member.rewind_step) for member in masked.members} == {(2, 0)}
    assert all(found[END].mask[name] is imp[name] for name in imp) and found[END].taken_at == 40
    smallest_kept, largest_cut = (
        torch.cat(
            [
                torch.where(mask == kept, at_step[7][name].abs(), fill).flatten(1)
                for name, mask in found[PEAK].mask.items()
            ],
            1,
        )
        for kept, fill in ((1, torch.inf), (0, -torch.inf))
    )
    assert (smallest_kept.min(1).values > largest_cut.max(1).values).all() and found[PEAK].taken_at == 7


def test_shuffled_masks_keep_the_layers_densities_and_are_those_of_t1(developed):
    dense, count, imp, _, found = developed
    for variant in (END, PEAK):
        for name, mask in found[variant].mask.items():
            shuffled = found[variant + "_shuffled"].mask[name]
            assert (shuffled.flatten(1).sum(1) == mask.flatten(1).sum(1)).all()
            assert (shuffled != mask).flatten(1).any(1).all()
    tickets = as_variant(dense, variant="ticket", level=2)
    sources = controls.Sources("tokens", tickets, count, dict, None, dict, 40, 80)
    of_t1 = controls.shuffled(controls.Ticket(imp, None, 40), sources).mask
    assert all(torch.equal(of_t1[name], mask) for name, mask in found[CONTROL].mask.items())


def test_distances_of_a_step_are_rows_of_the_table_structure(tokens, adamw, tmp_path):
    members, weights = tokens.members(), tokens.start(adamw).weights
    inputs, _ = tokens.problem.evaluation["validation"]
    uniform = torch.full((*inputs.shape, 7), -np.log(7), dtype=torch.float32)
    references = reference_distances.References(torch.from_numpy(inputs), {"uniform": uniform}, {"uniform": np.log(7)})
    rows = reference_distances.rows(tokens.called("tokens"), members, 4, weights, references, None)
    files.write(tmp_path / "structure.parquet", STRUCTURE, rows, {})
    assert (
        rows["distance"].tolist()
        == reference_distances.distances(tokens.called(tokens.study), weights, references)["uniform"].tolist()
    )
    assert rows["step"].eq(4).all() and rows["reference_floor"].eq(np.log(7)).all()
