"""Dose of noise: mask agreement at its ends, and that the curve finds a dose–response that was put in."""

import numpy as np
import pandas as pd
import pytest
import torch
from matplotlib.figure import Figure

from workflow_scripts.ticketlab.core.random_streams import generator
from workflow_scripts.ticketlab.experiments.mask_agreement import mask_agreement
from workflow_scripts.ticketlab.experiments.noise import summary
from workflow_scripts.ticketlab.instruments import role_agreement
from workflow_scripts.ticketlab.report.figures import noise
from workflow_scripts.ticketlab.tables import files
from workflow_scripts.ticketlab.tables.schemas.noise import NOISE
from workflow_scripts.ticketlab.training import stack

INITS, UNITS, SCORES = 6, 40, 5


def networks(orders=1):
    dense = stack.dense_members(range(INITS))
    return [*dense, *stack.spawned_members(dense, 0, orders)]


def role_rows(members, shared):
    """Role vectors of which the initialisation makes up the share `shared`, as rows of `roles`, without probe noise."""
    parts = []
    for member in members:
        own = generator("test", "init", member.init_seed).normal(size=(UNITS, SCORES))
        order = generator("test", "order", member.init_seed, member.data_seed).normal(size=(UNITS, SCORES))
        values = np.sqrt(shared) * own + np.sqrt(1 - shared) * order
        for probe in (0, 1):
            frame = pd.DataFrame(values, columns=[f"score{i}" for i in range(SCORES)]).rename_axis("component")
            long = frame.reset_index().melt("component", var_name="score")
            parts.append(long.assign(study="test", **member.keys(), step=10, probe=probe, layer=0, kind="unit"))
    return pd.concat(parts)


def random_masks(members, of_init):
    """Masks of density 0.3: all of one init alike, or each network's own; and |θ₀| that says nothing of them."""
    masks, initial = [], []
    for member in members:
        order = 0 if of_init else 1 + member.data_seed
        draw = generator("test", "mask", member.init_seed, order).random((20, 30))
        masks.append(torch.from_numpy((draw < 0.3).astype(np.float32)))
        initial.append(torch.from_numpy(generator("test", "start", member.init_seed).normal(size=(20, 30))))
    return {"weight": torch.stack(masks)}, {"weight": torch.stack(initial)}


def metric_rows(members, error):
    rows = [{**m.keys(), "split": "test", "metric": "error", "value": error + 0.001 * m.init_seed} for m in members]
    return pd.DataFrame(rows)


def at_doses(shares, of_init=True):
    """By batch size 2, 4, 8 …: agreement and metrics tables of networks that share so much."""
    members = networks()
    agreements, metrics = {}, {}
    for index, share in enumerate(shares):
        masks = mask_agreement("test", members, *random_masks(members, of_init))
        agreements[2 ** (index + 1)] = pd.concat([role_agreement.compare(role_rows(members, share), 20), masks])
        metrics[2 ** (index + 1)] = metric_rows(members, 0.1)
    return agreements, metrics


def test_children_are_the_replicate_at_step_0_and_other_orders():
    dense = stack.dense_members([3, 4])
    assert [child.data_seed for child in stack.spawned_members(dense, 0, 2)] == [3, 1003, 2003, 4, 1004, 2004]
    assert [child.data_seed for child in stack.spawned_members(dense, 7, 1)] == [1003, 1004]
    assert {child.rewind_step for child in stack.spawned_members(dense, 7, 1)} == {7}


@pytest.mark.parametrize("of_init", [True, False])
def test_masks_agree_fully_or_at_chance(of_init):
    members = networks(orders=2)
    frame = mask_agreement("test", members, *random_masks(members, of_init))
    means = frame[frame["score"] == "all"].groupby("pair")["agreement"].mean()
    assert means["replicate"] == pytest.approx(1) and means["measurement"] == pytest.approx(1)
    assert means["same_init"] == pytest.approx(1 if of_init else 0, abs=0.03)
    assert means["other_init"] == pytest.approx(0, abs=0.03)
    assert set(frame["matching"]) == {"mask"} and set(frame["score"]) == {"weight", "all"}


def test_masks_that_keep_the_weights_that_began_large_agree_on_nothing():
    members = networks()
    initial = random_masks(members, True)[1]
    masks = {name: (tensor.abs() > 1).float() for name, tensor in initial.items()}
    other = {name: tensor.clone() for name, tensor in masks.items()}
    for index, member in enumerate(members):  # some of them at random, for each data order others
        keep = generator("test", "thin", member.init_seed, member.data_seed).random((20, 30)) < 0.5
        other["weight"][index] *= torch.from_numpy(keep)
    frame = mask_agreement("test", members, other, initial)
    rows = frame[frame["score"].eq("all") & frame["pair"].eq("same_init")]
    assert rows["agreement"].mean() == pytest.approx(0, abs=0.07)


def test_the_curve_is_the_share_that_the_initialisation_has(tmp_path):
    shares = [0.1, 0.4, 0.7]
    frame = pd.DataFrame(summary.curve(*at_doses(shares), 0.05)).assign(study="test")
    files.write(tmp_path / "noise.parquet", NOISE, frame, {})
    found = files.read(tmp_path / "noise.parquet", NOISE).set_index(["quantity", "contrast", "batch_size"])
    for size, share in zip((2, 4, 8), shares, strict=True):
        row = found.loc["determinacy, identity", "same_init", size]
        assert row["ci_low"] < share < row["ci_high"] and row["ci_high"] - row["ci_low"] < 0.3
        other = found.loc["determinacy, identity", "other_init", size]
        assert other["ci_low"] < 0 < other["ci_high"]
        assert found.loc["determinacy, mask", "same_init", size]["estimate"] == pytest.approx(1)
        assert found.loc["test error", "dense", size]["estimate"] == pytest.approx(0.1025)
    slope = found.loc["determinacy, identity", "slope", 0]
    assert slope["ci_low"] < 0.3 < slope["ci_high"] and slope["p"] < 0.01
    assert found.loc["determinacy, mask", "slope", 0]["estimate"] == pytest.approx(0, abs=1e-9)


def test_without_an_effect_of_dose_the_slopes_interval_holds_zero():
    frame = pd.DataFrame(summary.curve(*at_doses([0.5, 0.5]), 0.05)).set_index(["quantity", "contrast"])
    slope = frame.loc[("determinacy, identity", "slope")]
    assert slope["ci_low"] <= 0 <= slope["ci_high"]


def test_a_dose_at_which_replicates_do_not_agree_takes_no_part_in_the_slope():
    agreements, metrics = at_doses([0.3, 0.6, 0.9])
    broken = agreements[4]
    broken.loc[broken["pair"] == "replicate", "agreement"] = 0.0
    frame = pd.DataFrame(summary.curve(agreements, metrics, 0.05)).set_index(["quantity", "contrast", "batch_size"])
    assert np.isnan(frame.loc["determinacy, identity", "same_init", 4]["estimate"])
    slope = frame.loc["determinacy, identity", "slope", 0]
    assert slope["ci_low"] < 0.3 < slope["ci_high"]
    agreements[8].loc[agreements[8]["pair"] == "replicate", "agreement"] = 0.0
    left = pd.DataFrame(summary.curve(agreements, metrics, 0.05))
    assert "slope" not in set(left["contrast"])


def test_the_figure_draws_every_dose_of_every_study():
    frame = pd.DataFrame(summary.curve(*at_doses([0.1, 0.5, 0.8]), 0.05))
    both = pd.concat([frame.assign(study="one"), frame.assign(study="two")])
    drawn: Figure = noise.figure(both, {"one": 4, "two": 8})
    determinacy = [axes for axes in drawn.axes if "determinacy" in axes.get_title(loc="left")]
    assert len(drawn.axes) == 4 and len(determinacy) == 2
    same = determinacy[0].lines[0]
    expected = frame[frame["quantity"].eq("determinacy, identity") & frame["contrast"].eq("same_init")]
    assert same.get_xdata().tolist() == [2, 4, 8] and same.get_ydata().tolist() == expected["estimate"].tolist()
    assert any("per doubling" in text.get_text() for text in determinacy[0].texts)


def test_one_initialisation_alone_has_a_reason_in_place_of_a_curve():
    agreements, metrics = at_doses([0.5])
    (frame,) = agreements.values()
    alone = {2: frame[frame["init_seed"].eq(0) & frame["other_init_seed"].eq(0)]}
    found = pd.DataFrame(summary.curve(alone, metrics, 0.05))
    assert found.loc[found["quantity"].str.startswith("determinacy"), "estimate"].isna().all()
