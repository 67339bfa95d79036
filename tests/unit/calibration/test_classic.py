"""The classic signature: found where it is, and never where masks are random or tickets are like dense networks."""

import numpy as np
import pandas as pd
import pytest

from workflow_scripts.ticketlab.calibration import classic as module
from workflow_scripts.ticketlab.calibration import ticket_studies
from workflow_scripts.ticketlab.calibration.classic import BETTER, EARLIER, STEP, early_stopping, signature
from workflow_scripts.ticketlab.core import statistics
from workflow_scripts.ticketlab.models.mlp import MLP
from workflow_scripts.ticketlab.pruning import imp
from workflow_scripts.ticketlab.pruning import masks as pruning
from workflow_scripts.ticketlab.settings.calibration.pruning import ClassicSettings
from workflow_scripts.ticketlab.settings.training import TrainingSettings
from workflow_scripts.ticketlab.tasks import images
from workflow_scripts.ticketlab.training.study import Study

SETTINGS = ClassicSettings(levels=[1, 2])
STEPS = range(0, 1001, 20)
DENSE, EARLY, LATE = 400, 300, 800  # early-stopping steps


def curves(stops, errors, spread=20, seed=0):
    """`metrics` whose networks (variant, level) have their least validation loss at `stops` ± spread."""
    random = np.random.default_rng(seed)
    rows = []
    for (variant, level), stop in stops.items():
        for init_seed in range(SETTINGS.seeds):
            best = stop + random.choice([-spread, 0, spread])
            error = errors.get((variant, level), 0.05) + random.choice([-0.002, 0, 0.002])
            for step in STEPS:
                for split, metric, value in (
                    ("validation", "loss", abs(step - best) / 1000),
                    ("test", "error", error + abs(step - best) / 1000),
                ):
                    keys = {"variant": variant, "level": level, "init_seed": init_seed, "step": step}
                    rows.append(keys | {"density": 0.5**level, "split": split, "metric": metric, "value": value})
    return pd.DataFrame(rows)


def stops(ticket, reinitialised):
    dense = {("dense", 0): DENSE}
    return dense | {
        (name, level): step
        for level in (1, 2)
        for name, step in zip(("ticket", "reinitialised"), (ticket, reinitialised), strict=True)
    }


WORSE = {("reinitialised", level): 0.08 for level in (1, 2)}


def failures(metrics):
    found = pd.DataFrame(signature(metrics, SETTINGS))
    return set(found.loc[found["required"] & ~found["passed"], "quantity"])


def test_the_signature_is_found_where_it_is():
    metrics = curves(stops(EARLY, LATE), WORSE)
    assert failures(metrics) == set()
    found = pd.DataFrame(signature(metrics, SETTINGS))
    steps = found[found["quantity"] == STEP].groupby("case")["estimate"].mean()
    assert steps["ticket"] == pytest.approx(EARLY - DENSE, abs=25)
    assert steps["reinitialised"] == pytest.approx(LATE - DENSE, abs=25)
    better = found[found["quantity"] == BETTER].iloc[0]
    assert better["ci_low"] < 0.03 < better["ci_high"] and better["x"] == 0.25, "at the sparsest density"


@pytest.mark.parametrize(
    ("steps", "errors", "missing"),
    [
        (stops(LATE, LATE), {("ticket", 2): 0.08} | WORSE, {EARLIER, BETTER}),  # random masks are like their controls
        (stops(DENSE, LATE), WORSE, {EARLIER}),
        (stops(EARLY, DENSE), WORSE, {STEP}),
        (stops(EARLY, LATE), {}, {BETTER}),
    ],
)
def test_each_part_of_the_signature_is_required(steps, errors, missing):
    assert failures(curves(steps, errors)) == missing


def test_tickets_are_judged_on_the_mean_over_rounds_and_controls_at_the_sparsest():
    mixed = stops(EARLY, LATE) | {("ticket", 2): DENSE, ("reinitialised", 1): DENSE}
    metrics = curves(mixed, {("reinitialised", 2): 0.08})
    assert failures(metrics) == set()
    found = pd.DataFrame(signature(metrics, SETTINGS)).set_index("quantity")
    assert found.loc[EARLIER, "estimate"] == pytest.approx(found.loc[STEP].query("case == 'ticket'")["estimate"].mean())
    mixed = stops(EARLY, LATE) | {("ticket", 2): 2 * DENSE - EARLY}
    assert failures(curves(mixed, WORSE)) == {EARLIER}


def test_a_network_that_diverged_is_no_signature():
    metrics = curves(stops(EARLY, LATE), WORSE)
    metrics.loc[metrics["variant"].eq("ticket") & metrics["init_seed"].eq(0), "value"] = np.nan
    assert failures(metrics) == {EARLIER, BETTER}


def test_tickets_that_train_like_dense_networks_are_called_early_in_few_runs():
    alike = (curves(stops(DENSE, LATE), WORSE, spread=60, seed=seed) for seed in range(60))
    hits = sum(EARLIER not in failures(metrics) for metrics in alike)
    assert statistics.at_least(hits, 60, SETTINGS.alpha) > 0.01


def test_early_stopping_is_at_the_least_validation_loss_and_the_error_is_the_test_splits_there():
    metrics = curves({("dense", 0): 200}, {("dense", 0): 0.1}, spread=0)
    stop, error = early_stopping(metrics)
    assert (stop == 200).all() and np.allclose(error, 0.1, atol=0.0021)


def test_random_masks_on_a_network_that_trains_do_not_show_it(monkeypatch):
    """The null: the same code, but a mask that knows nothing of the training."""

    def small(study, task, hidden):
        digits = ticket_studies.on_images(study, images.Settings(kind="images"), hidden)
        return Study(study, digits.problem, MLP(digits.problem.inputs, hidden, digits.problem.outputs))

    def random_scores(weights, mask=None):
        scores = pruning.random_scores(weights, "null", members)
        return {name: scores[name] - (mask[name] == 0).float() for name in scores}

    settings = SETTINGS.model_copy(
        update={
            "hidden": [30],
            "training": TrainingSettings(learning_rate=0.005, schedule="constant", batch_size=60, steps=200),
            "schedule": SETTINGS.schedule.model_copy(update={"keep": 0.4, "keep_by_tensor": {}}),
        }
    )
    members = ticket_studies.dense_members(range(settings.first_seed, settings.first_seed + settings.seeds))
    monkeypatch.setattr(module, "on_images", small)
    monkeypatch.setattr(imp.masks, "magnitude", random_scores)
    found = pd.DataFrame(module.classic(settings))
    failed = found[found["required"] & ~found["passed"]]
    assert len(found) and EARLIER in set(failed["quantity"])
