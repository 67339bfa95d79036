"""Intervals and tests pass their calibration, and each way to break them that is tried here turns it red."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from workflow_scripts.ticketlab.calibration import statistics as statistics_calibration
from workflow_scripts.ticketlab.calibration import verdict_rules
from workflow_scripts.ticketlab.calibration.statistics import expected_correlation, simulated_agreements
from workflow_scripts.ticketlab.config.study import load
from workflow_scripts.ticketlab.core import instruments, readings, statistics
from workflow_scripts.ticketlab.instruments import determinacy
from workflow_scripts.ticketlab.report.figures.calibration import statistics as statistics_figure
from workflow_scripts.ticketlab.settings.calibration.statistics import (
    RolesSimulationSettings,
    StatisticsCalibrationSettings,
)
from workflow_scripts.ticketlab.tables import files
from workflow_scripts.ticketlab.tables.schemas.calibration import CALIBRATION
from workflow_scripts.ticketlab.tables.schemas.roles import AGREEMENT
from workflow_scripts.ticketlab.verdicts import transience
from workflow_scripts.ticketlab.verdicts.tickets import WINNING

ROOT = Path(__file__).parents[3]
DEFAULT = StatisticsCalibrationSettings()
SMALL = StatisticsCalibrationSettings(
    seeds=8,
    simulations=800,
    verdict_simulations=120,
    examples=[128],
    skews=[1.0],
    effects=[1.0],
    roles=RolesSimulationSettings(simulations=60, permutations=59),
)


def run(part):
    """The rows of one part of the calibration; those of statistics have an underscore before their name."""
    module = statistics_calibration if part.startswith("_") else verdict_rules
    return pd.DataFrame(getattr(module, part)(SMALL))


def failures(frame):
    """What is out of calibration: (family, case, quantity) of each required check that failed."""
    failed = frame[frame["required"] & ~frame["passed"]]
    return set(zip(failed["family"], failed["case"], failed["quantity"], strict=True))


def test_everything_passes_and_is_a_calibration_table(tmp_path):
    frame = statistics_calibration.calibrate(SMALL)
    assert failures(frame) == set()
    assert set(frame["instrument"]) == {"statistics"} <= set(instruments.INSTRUMENTS)
    files.write(tmp_path / "statistics.parquet", CALIBRATION, frame, {})
    written = files.read(tmp_path / "statistics.parquet", CALIBRATION)
    assert written["estimate"].tolist() == frame["estimate"].tolist()
    assert statistics_figure.figure(written).axes


def test_the_same_settings_give_the_same_rows():
    pd.testing.assert_frame_equal(run("families"), run("families"))


def test_the_defaults_are_those_of_the_default_config():
    """Seeds of all studies, comparisons with decisive controls of that with the most; roles of the language study."""
    config = load([ROOT / "config.yaml"], {})
    comparisons = []
    for study in config.studies.values():
        assert study.seeds == DEFAULT.seeds and study.judging.alpha == DEFAULT.alpha
        rewound = sum(step > 0 for step in study.pruning.rewind_steps)
        comparisons.append(2 * len(study.pruning.control_levels) * max(rewound, 1))
    assert max(comparisons) <= DEFAULT.comparisons
    assert config.studies["text"].spawning.orders + 1 == DEFAULT.roles.orders
    assert config.studies["text"].model.layers == DEFAULT.roles.layers
    assert config.studies["text"].model.heads == DEFAULT.roles.components


def test_detectable_effects_are_found_with_the_power_asked_for():
    settings = SMALL.model_copy(update={"verdict_simulations": 5, "simulations": 200})
    frame = pd.DataFrame(statistics_calibration._detectable(settings)).query("quantity == 'detectable_effect'")
    effects = frame.set_index("case")["estimate"]
    # One ticket must reach a twelfth of the level of a single comparison, twice.
    assert effects["T1, winning"] > effects["T3, forgotten"] > effects["T1, matching dense"]


@pytest.mark.parametrize(("rho", "n"), [(0.0, 8), (0.5, 8), (-0.9, 5), (0.9, 100)])
def test_the_expected_sample_correlation_is_hotellings(rho, n):
    random = np.random.default_rng(1)
    first, noise = random.normal(size=(2, 100_000, n))
    second = rho * first + np.sqrt(1 - rho**2) * noise
    first, second = (x - x.mean(1, keepdims=True) for x in (first, second))
    sample = (first * second).sum(1) / np.sqrt((first**2).sum(1) * (second**2).sum(1))
    error = sample.std() / np.sqrt(len(sample))
    assert abs(sample.mean() - expected_correlation(rho, n)) < 4 * error


def test_simulated_agreements_hold_each_pair_once_and_one_replicate_per_init():
    frame = simulated_agreements("s", 0.5, SMALL)
    inits, orders = SMALL.seeds, SMALL.roles.orders
    assert frame["pair"].value_counts().to_dict() == {
        "replicate": inits,
        "same_init": inits * orders * (orders - 1) // 2,
        "other_init": inits * (inits - 1) // 2 * orders**2,
    }
    assert not frame.duplicated(list(AGREEMENT.unique)).any()
    mean = frame.groupby("pair")["agreement"].mean()
    assert mean["replicate"] > mean["same_init"] > mean["other_init"] + 0.2


def test_skewed_values_are_reported_and_do_not_condemn_the_instrument():
    skewed = run("_intervals").query("case == 'log-normal'")
    assert not skewed["passed"].any() and not skewed["required"].any()


# Breaking the instrument on purpose.


@pytest.mark.parametrize(
    "quantile",
    [lambda q, n: stats.norm.ppf(q), lambda q, n: stats.t.ppf(2 * q - 1, n), lambda q, n: stats.t.ppf(q, 99 * n)],
)
def test_an_interval_with_the_wrong_quantile_is_red(monkeypatch, quantile):
    """The normal law's, the one-sided one, or too many degrees of freedom."""

    def wrong(values, alpha, p):
        half = stats.sem(values) * quantile(1 - alpha / 2, len(values) - 1)
        return statistics.Estimate(values.mean(), values.mean() - half, values.mean() + half, p, len(values))

    monkeypatch.setattr(statistics, "_estimate", wrong)
    assert ("interval", "normal", "coverage") in failures(run("_intervals"))


def test_too_wide_an_interval_is_red(monkeypatch):
    original = statistics._estimate
    monkeypatch.setattr(statistics, "_estimate", lambda values, alpha, p: original(values, alpha / 5, p))
    assert ("interval", "normal", "coverage") in failures(run("_intervals"))


@pytest.mark.parametrize("alternative", ["two-sided", "greater"])
def test_a_test_of_the_wrong_side_is_red(monkeypatch, alternative):
    original = statistics._p
    monkeypatch.setattr(statistics, "_p", lambda values, null, side: original(values, null, alternative))
    failed = failures(run("_single_tests"))
    assert ("non-inferiority", "normal", "power") in failed


def test_a_test_that_forgets_the_margin_is_red(monkeypatch):
    original = statistics._p
    monkeypatch.setattr(statistics, "_p", lambda values, null, side: original(values, 0.0, side))
    assert {("non-inferiority", "normal", "size"), ("threshold", "normal", "size")} & failures(run("_single_tests"))


def benjamini_hochberg(p):
    order = np.argsort(p)[::-1]
    adjusted = np.minimum.accumulate(len(p) / (len(p) - np.arange(len(p))) * np.asarray(p)[order])
    result = np.empty(len(p))
    result[order] = np.minimum(adjusted, 1)
    return result.tolist()


WRONG_HOLM = {
    "none": lambda p: list(p),
    "bonferroni": lambda p: np.minimum(np.asarray(p) * len(p), 1).tolist(),
    "benjamini_hochberg": benjamini_hochberg,
    "unsorted": lambda p: np.minimum((len(p) - np.arange(len(p))) * np.asarray(p), 1).tolist(),
}


@pytest.mark.parametrize("wrong", WRONG_HOLM.values(), ids=WRONG_HOLM)
def test_a_wrong_adjustment_is_red(monkeypatch, wrong):
    monkeypatch.setattr(statistics, "holm", wrong)
    settings = DEFAULT.model_copy(update={"verdict_simulations": 3})
    assert any(family == "Holm" for family, *_ in failures(pd.DataFrame(verdict_rules.families(settings))))


def test_a_verdict_without_adjustment_is_red(monkeypatch):
    monkeypatch.setattr(statistics, "holm", WRONG_HOLM["none"])
    assert ("verdict", "one control beaten", "false winning") in failures(run("families"))


def test_a_verdict_that_takes_any_ticket_instead_of_the_sequence_from_the_densest_is_red(monkeypatch):
    monkeypatch.setattr(verdict_rules, "winning_cells", lambda cells, *_: cells[cells["decision"].eq(WINNING)])
    settings = SMALL.model_copy(update={"verdict_simulations": 60, "comparisons": 16})
    won = [cells.any() for cells in verdict_rules.worse_tickets(settings)]
    assert np.mean(won) > 2 * SMALL.alpha


def test_a_verdict_that_forgets_the_margin_to_the_controls_is_red(monkeypatch):
    original = statistics.not_worse
    monkeypatch.setattr(statistics, "not_worse", lambda values, margin, alpha: original(values, max(margin, 0), alpha))
    assert ("verdict", "one control beaten", "false winning") in failures(run("families"))


def test_a_permutation_test_that_counts_too_few_is_red(monkeypatch):
    original = determinacy._label_permutation
    monkeypatch.setattr(determinacy, "_label_permutation", lambda *arguments: original(*arguments) / 4)
    assert ("roles", "label permutation", "size") in failures(run("_roles"))


def test_a_jackknife_without_its_factor_is_red(monkeypatch):
    """The spread of the leave-one-out values taken for the standard error: too small by n − 1."""
    original = determinacy._ratio

    def narrow(*arguments):
        result = original(*arguments)
        half = (result["ci_high"] - result["estimate"]) / (result["n"] - 1)
        return result | {"ci_low": result["estimate"] - half, "ci_high": result["estimate"] + half}

    monkeypatch.setattr(determinacy, "_ratio", narrow)
    assert ("roles", "determinacy, same init", "coverage") in failures(run("_roles"))


# The rules of the other verdicts.


def test_an_interval_over_seeds_alone_is_too_narrow_where_examples_vary(monkeypatch):
    frame = run("_crossed")
    assert failures(frame) == set()
    alone = frame[frame["family"].eq("seeds alone") & frame["case"].str.endswith("examples 1")]
    assert len(alone) == len(SMALL.examples) and not alone["passed"].any() and (alone["estimate"] < 0.9).all()
    monkeypatch.setattr(statistics, "_crossed", lambda values: statistics._error(values.mean(axis=1)))
    assert ("crossed", "seeds 0.05, examples 1", "coverage") in failures(run("_crossed"))


@pytest.mark.parametrize("p", [0.2, 0.5])
def test_existence_that_counts_too_few_chance_changes_is_red(monkeypatch, p):
    original = statistics.at_least
    monkeypatch.setattr(statistics, "at_least", lambda hits, n, chance: original(hits, n, chance) * p**3)
    assert ("T2, existence", "no role changes", "false: refutes LTH") in failures(run("rules"))


@pytest.mark.parametrize("part", ["beyond path", "retained"])
def test_a_loss_that_forgets_a_condition_is_red(monkeypatch, part):
    original = transience._greatest_p
    monkeypatch.setattr(
        transience,
        "_greatest_p",
        lambda parts: original(
            {name: row.to_dict() | ({"p": 0.0} if name == part else {}) for name, row in parts.items()}
        ),
    )
    assert ("T3, lost", f"{part} at its bound", "false loss") in failures(run("rules"))


def test_readings_that_look_at_the_estimate_alone_are_red(monkeypatch):
    original = readings.side
    monkeypatch.setattr(readings, "side", lambda dose, low, high: original((*dose[:1], *dose[:1] * 2, 5), low, high))
    failed = failures(run("rules"))
    assert {("reading", f"{side}, dose at its bound", "false reading") for side in ("latent", "built")} <= failed


def test_choosing_a_rate_errs_within_the_level_where_both_choose_and_most_where_luck_is_shared():
    frame = run("chosen_rates").set_index(["case", "quantity", "x"]).sort_index()
    assert failures(frame.reset_index()) == set() and frame.index.is_unique
    alone = frame.loc["the ticket alone gains by choosing", "estimate"]
    assert alone["false winning", 1.0] > alone["false winning", 0.5] > SMALL.alpha
    assert not frame.loc["the ticket alone gains by choosing", "required"].any()


def test_the_chosen_rate_has_the_least_validation_loss_and_keeps_its_seeds():
    """The least of three normal means lies .846 of their deviation below 0; where no luck is shared, at 0."""
    random = np.random.default_rng(0)
    for correlation, expected in ((1.0, -0.8463 / np.sqrt(SMALL.seeds)), (0.0, 0.0)):
        means = verdict_rules.at_chosen_rates(random, 3, correlation, SMALL).mean(axis=1)
        assert abs(means.mean() - expected) < 4 * means.std() / np.sqrt(len(means))


def test_a_rate_that_is_chosen_on_test_is_red(monkeypatch):
    """As good as shared luck where there is none."""
    original = verdict_rules.best_rates.best

    def on_test(networks):
        swapped = networks["split"].map({"test": "validation", "validation": "test"})
        found = original(networks.assign(split=swapped))
        return found.assign(split=found["split"].map({"test": "validation", "validation": "test"}))

    monkeypatch.setattr(verdict_rules.best_rates, "best", on_test)
    means = verdict_rules.at_chosen_rates(np.random.default_rng(0), 3, 0.0, SMALL).mean(axis=1)
    assert means.mean() < -0.5 * 0.8463 / np.sqrt(SMALL.seeds)


def test_as_many_rates_are_simulated_as_the_default_config_tries():
    config = load([ROOT / "config.yaml"], {})
    assert {len(study.pruning.rates) for study in config.studies.values() if study.pruning.other_rates()} == {
        verdict_rules.RATES
    }
