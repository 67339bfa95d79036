"""Forecast of roles: known answers of the AUC, no network on both sides, chance where there is nothing to learn."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import roc_auc_score

from workflow_scripts.ticketlab import models
from workflow_scripts.ticketlab.core.random_streams import generator
from workflow_scripts.ticketlab.experiments.forecast import regression
from workflow_scripts.ticketlab.settings.forecast import ForecastSettings
from workflow_scripts.ticketlab.tables import files
from workflow_scripts.ticketlab.tables.schemas.forecast import FORECAST

INITS, UNITS = 8, 20
SETTINGS = ForecastSettings()
MODEL = models.build({"kind": "embedding_mlp", "width": 4, "hidden": UNITS}, 4, 4, 1)
WEIGHTS = {name: np.ones((INITS, UNITS, 4)) for name in ("hidden.weight",)} | {
    "output.weight": np.ones((INITS, 4, UNITS))
}


def draws(*name, size=(INITS, UNITS)):
    return generator("test", *name).normal(size=size)


def role_rows(values, step):
    """values by score, (inits, units): rows of `roles`, both probes alike."""
    parts = []
    for score, array in values.items():
        frame = pd.DataFrame(array).rename_axis("init_seed").reset_index().melt("init_seed", var_name="component")
        parts += [frame.assign(score=score, layer=0, step=step, probe=probe) for probe in (0, 1)]
    return pd.concat(parts)


def run(early, end, section=SETTINGS, weights=WEIGHTS):
    """Rows of `forecasts` from scores at step 0 and at the end, by contrast and score."""
    table = {0: (role_rows(early, 0), weights)}
    rows = regression.forecasts("test", MODEL, table, role_rows(end, 9), section, 0.05)
    return pd.DataFrame(rows).set_index(["contrast", "score"])


@settings(deadline=None)
@given(st.lists(st.tuples(st.integers(0, 5), st.booleans()), min_size=2, max_size=30))
def test_the_auc_is_the_known_one_with_ties(pairs):
    scores, roles = (np.array(column) for column in zip(*pairs, strict=True))
    if 0 < roles.sum() < len(roles):
        assert regression.auc(scores, roles.astype(float)) == pytest.approx(roc_auc_score(roles, scores))


def test_a_score_that_is_there_at_once_predicts_itself(tmp_path):
    end = {"a": draws("a"), "b": draws("b")}
    found = run(end, end)
    assert found.loc[("roles", "all"), "estimate"] > 0.99
    control = found.loc[("permuted", "all")]
    assert control["ci_low"] < 0.5 < control["ci_high"]
    files.write(tmp_path / "forecast.parquet", FORECAST, found.reset_index().assign(study="test"), {})


def test_the_size_of_its_weights_can_predict_a_role():
    strength = np.exp(draws("strength"))
    weights = {"hidden.weight": strength[:, :, None] * np.ones(4), "output.weight": np.ones((INITS, 4, UNITS))}
    found = run({"a": draws("nothing")}, {"a": strength}, weights=weights)
    assert found.loc[("roles", "a"), "estimate"] > 0.95


def test_noise_predicts_nothing_and_the_interval_says_so():
    """The AUCs of networks left out in turn err together, so Student's t alone would cover 0.5 too seldom."""
    few = SETTINGS.model_copy(update={"permutations": 5})
    rows = [run({"a": draws("early", i)}, {"a": draws("end", i)}, few).loc[("roles", "all")] for i in range(20)]
    found = pd.DataFrame(rows)
    assert ((found["ci_low"] < 0.5) & (found["ci_high"] > 0.5)).sum() >= 16  # binomial of 0.95: 15 or fewer in 0.3 %
    assert abs(found["estimate"].mean() - 0.5) < 3 * found["estimate"].std() / np.sqrt(20)


def test_the_network_that_is_forecast_is_not_among_those_learned_from():
    """A score predicts the role in half of the networks and its opposite in the others: of those left when one is
    out, most are of the other half, and teach the wrong. Had the network itself been learned from, it would be a draw.
    """
    early = draws("early")
    sign = np.where(np.arange(INITS) % 2, 1.0, -1.0)[:, None]
    found = run({"a": early}, {"a": sign * early})
    assert found.loc[("roles", "a"), "estimate"] < 0.1


def test_what_tells_networks_apart_tells_their_components_nothing():
    early = np.arange(INITS)[:, None] + 0 * draws("any")
    found = run({"a": early}, {"a": draws("end")})
    assert found.loc[("roles", "a"), "estimate"] == 0.5  # all components rank alike


def test_roles_are_the_highest_share_and_none_where_components_do_not_differ():
    scores = np.array([[[3.0, 1.0], [2.0, 1.0], [2.0, 1.0], [0.0, 1.0]]])
    roles = regression.roles_of(scores, 0.5)
    assert roles[0, :, 0].tolist() == [1, 1, 0, 0] and np.isnan(roles[0, :, 1]).all()
    assert regression.roles_of(scores, 0.01)[0, :, 0].tolist() == [1, 0, 0, 0]


def test_a_network_that_diverged_takes_no_part():
    end = {"a": draws("a")}
    broken = {"a": end["a"].copy()}
    broken["a"][3] = np.nan
    found = run(broken, broken)
    assert found.loc[("roles", "a"), "n"] == INITS - 1 and found.loc[("roles", "a"), "estimate"] > 0.99


def test_a_role_that_no_network_has_is_no_number():
    found = run({"a": draws("a"), "flat": draws("b")}, {"a": draws("a"), "flat": np.zeros((INITS, UNITS))})
    assert found.loc[("roles", "flat"), "n"] == 0 and np.isnan(found.loc[("roles", "flat"), "estimate"])
    assert found.loc[("roles", "all"), "estimate"] == found.loc[("roles", "a"), "estimate"]


def test_supermasks_that_keep_what_will_matter_correlate_with_it_and_with_no_other_network():
    effects = draws("effects")
    ranks = effects.argsort(axis=1).argsort(axis=1)
    mask = (np.arange(UNITS) < ranks[:, :, None]).astype(float)  # component i keeps as many weights as its rank
    masks = {"hidden.weight": mask, "output.weight": np.moveaxis(mask, 1, 2)}
    chosen = {"one": masks, "contrary": {name: 1 - values for name, values in masks.items()}}
    rows = regression.supermask_overlap(MODEL, chosen, role_rows({"ablation:all": effects}, 9), 0.05)
    found = pd.DataFrame(rows).set_index("contrast")
    assert found.loc["one", "estimate"] == pytest.approx(1) and found.loc["contrary", "estimate"] == pytest.approx(-1)
    assert found.loc["all", "estimate"] == pytest.approx(0, abs=1e-9)
    rows = regression.supermask_overlap(MODEL, {"one": masks}, role_rows({"ablation:all": effects}, 9), 0.05)
    assert abs(pd.DataFrame(rows).set_index("contrast").loc["all, other init", "estimate"]) < 0.3


def test_a_diverged_network_has_no_correlation_with_its_supermask_and_takes_none_from_the_others():
    effects = draws("effects")
    effects[1] = np.nan
    mask = np.ones((INITS, UNITS, 4)) * np.arange(UNITS)[:, None]
    masks = {"one": {"hidden.weight": mask, "output.weight": np.moveaxis(mask, 1, 2)}}
    rows = regression.supermask_overlap(MODEL, masks, role_rows({"ablation:all": effects}, 9), 0.05)
    assert np.isnan(pd.DataFrame(rows).set_index("contrast").loc["one", "estimate"])
