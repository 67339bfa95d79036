"""Calibration of the role scores: sound as they are, and red whenever they are broken on purpose."""

import numpy as np
import pandas as pd
import pytest
import torch

from workflow_scripts.ticketlab.calibration import checks, roles
from workflow_scripts.ticketlab.instruments import determinacy, role_agreement, role_scores
from workflow_scripts.ticketlab.report.figures.calibration import roles as roles_figure
from workflow_scripts.ticketlab.report.figures.style import RED, save
from workflow_scripts.ticketlab.settings.calibration.roles import RolesCalibrationSettings
from workflow_scripts.ticketlab.tables import files
from workflow_scripts.ticketlab.tables.schemas.calibration import CALIBRATION
from workflow_scripts.ticketlab.training import stack

QUICK = RolesCalibrationSettings(training_steps=20, simulations=15)


def failed(rows):
    return [f"{row['family']}, {row['case']}: {row['quantity']}" for row in rows if not row["passed"]]


@pytest.fixture(scope="module")
def networks():
    torch.set_num_threads(1)
    return roles.trained_networks(QUICK)


@pytest.fixture(scope="module")
def seen(networks):
    return roles.role_rows(*networks, QUICK)


@pytest.fixture(scope="module")
def frame():
    torch.set_num_threads(1)
    return roles.calibrate(QUICK)


def test_the_instrument_is_in_calibration_and_its_table_keeps_its_contract(tmp_path, frame):
    assert failed(frame[frame["required"]].to_dict("records")) == []
    assert (frame["flag"] == "").all()
    files.write(tmp_path / "roles.parquet", CALIBRATION, frame, {})
    assert files.read(tmp_path / "roles.parquet", CALIBRATION)["passed"].tolist() == frame["passed"].tolist()


def test_the_same_settings_give_the_same_rows(frame, seen):
    again = [*roles.set_by_hand(QUICK), *roles.trained(seen, QUICK)]
    pd.testing.assert_frame_equal(checks.table(again), frame.iloc[: len(again)])


def test_a_network_computes_the_same_with_its_heads_in_another_order(networks):
    study, weights = networks
    few = stack.take(weights, [0, 1])
    orders = [[np.array([3, 0, 1, 2, 7, 6, 5, 4]), np.arange(8)], [np.arange(8)[::-1].copy(), np.roll(np.arange(8), 1)]]
    permuted = roles.permute_heads(few, QUICK.heads, orders)
    tokens = torch.from_numpy(roles.repeating().evaluation["validation"][0][:5]).expand(2, 5, -1)
    with torch.no_grad():
        logits, patterns = stack.forward(study.model)(few, tokens)
        again, patterns_again = stack.forward(study.model)(permuted, tokens)
    assert torch.allclose(logits, again, atol=1e-4)
    for network in range(2):
        for layer in range(2):
            expected = patterns[layer][network][:, orders[network][layer]]
            assert torch.allclose(patterns_again[layer][network], expected, atol=1e-4)
    assert not torch.allclose(patterns[0], patterns_again[0], atol=1e-2)


attention_scores, repetition_scores = role_scores.attention_scores, role_scores.repetition_scores


def test_a_transposed_attention_pattern_is_out_of_calibration(monkeypatch):
    monkeypatch.setattr(role_scores, "attention_scores", lambda patterns: attention_scores([a.mT for a in patterns]))
    monkeypatch.setattr(role_scores, "repetition_scores", lambda patterns: repetition_scores([a.mT for a in patterns]))
    red = failed(roles.set_by_hand(QUICK))
    for name in ("previous_token", "induction"):
        assert f"set by hand, {name} head: {name}, at least" in red


def test_an_induction_score_off_by_one_position_is_out_of_calibration(monkeypatch):
    def swapped(patterns):
        scores = repetition_scores(patterns)
        return {"induction": scores["duplicate_token"], "duplicate_token": scores["induction"]}

    monkeypatch.setattr(role_scores, "repetition_scores", swapped)
    red = failed(roles.set_by_hand(QUICK))
    assert "set by hand, induction head: induction, at least" in red
    assert "set by hand, all heads: duplicate_token, at most" in red


def test_heads_taken_for_one_another_are_out_of_calibration(monkeypatch):
    def flipped(patterns):
        return attention_scores([a.flip(2) for a in patterns])

    monkeypatch.setattr(role_scores, "attention_scores", flipped)
    red = failed(roles.set_by_hand(QUICK))
    assert "set by hand, other heads: previous_token, at most" in red


def test_ablation_with_the_wrong_sign_or_at_the_wrong_head_is_out_of_calibration(monkeypatch):
    effects = role_scores.ablation_effects
    for broken in (lambda found: -found, lambda found: found.roll(1, -1)):
        monkeypatch.setattr(
            role_scores,
            "ablation_effects",
            lambda *arguments, broken=broken: {name: broken(found) for name, found in effects(*arguments).items()},
        )
        red = failed(roles.set_by_hand(QUICK))
        assert "set by hand, previous_token head: ablation:repeat, at least" in red


standardise = role_agreement.standardise


def test_components_that_are_not_exchangeable_are_out_of_calibration(monkeypatch, seen):
    """Sorted by score, components of any two networks agree."""
    monkeypatch.setattr(role_agreement, "standardise", lambda found: np.sort(standardise(found), axis=2))
    red = failed(roles.trained(seen, QUICK))
    assert "trained, other initialisations: determinacy" in red
    assert "trained, permuted copy: agreement, identity" in red


def test_scores_that_are_not_centred_are_out_of_calibration(monkeypatch, seen):
    def uncentred(found):
        return found.values / np.sqrt((found.values**2).sum(axis=2, keepdims=True))

    monkeypatch.setattr(role_agreement, "standardise", uncentred)
    red = failed(roles.trained(seen, QUICK))
    assert "trained, permuted indices: agreement, permuted" in red
    assert "trained, other initialisations: determinacy" in red


def test_a_matching_that_does_not_match_is_out_of_calibration(monkeypatch, seen):
    def in_order(cost, maximize):
        return np.arange(len(cost)), np.arange(len(cost))

    monkeypatch.setattr(role_agreement, "linear_sum_assignment", in_order)
    assert failed(roles.trained(seen, QUICK)) == ["trained, permuted copy, one probe: agreement, hungarian"]


def test_a_replicate_that_is_another_network_is_out_of_calibration(seen):
    replicate = (seen["variant"] == "spawned") & (seen["data_seed"] == seen["init_seed"])
    next_init = (seen["init_seed"] + replicate) % QUICK.seeds
    wrong = seen.assign(init_seed=next_init, data_seed=seen["data_seed"].where(~replicate, next_init))
    red = failed(roles.trained(wrong, QUICK))
    assert "trained, exact replicate: agreement" in red


def test_intervals_that_are_too_short_are_out_of_calibration(monkeypatch):
    monkeypatch.setattr(determinacy, "CONFIDENCE", 0.4)
    red = failed(roles.simulated(QUICK))
    assert [name for name in red if "coverage" in name]


def test_networks_seen_twice_through_one_probe_are_out_of_calibration(monkeypatch):
    """The error of the probe then counts as role, and networks agree with themselves at 1."""

    def through_one(agree, left, right, pairs):
        a, b = pairs["a"].to_numpy(), pairs["b"].to_numpy()
        return np.mean([agree(left[a, probe], right[b, probe]) for probe in (0, 1)], axis=0)

    monkeypatch.setattr(role_agreement, "_through_both_probes", through_one)
    assert "simulated, itself: agreement, identity" in failed(roles.simulated(QUICK))


def test_simulated_roles_have_the_share_and_the_reliability_that_they_are_made_with():
    settings = RolesCalibrationSettings(seeds=200, noise=0.5)
    frame = roles.simulated_roles(0.3, 0, settings)
    keys = ["init_seed", "layer", "component", "score"]
    other_order = frame["data_seed"] != frame["init_seed"]
    dense, other = (
        frame[chosen].pivot(index=keys, columns="probe", values="value")
        for chosen in (frame["variant"] == "dense", other_order)
    )
    assert dense[0].corr(dense[1]) == pytest.approx(0.8, abs=0.02)
    assert dense[0].corr(other[1]) == pytest.approx(0.3 * 0.8, abs=0.03)


def test_checks_of_chance_widen_the_interval_of_determinacy_to_their_own_level(seen):
    (row,) = [row for row in roles.trained(seen, QUICK) if row["case"] == "other initialisations"]
    found = determinacy.determinacy(role_agreement.compare(seen, 1), "other_init", permutations=1)
    found = found[found["score"] == "all"].iloc[0]
    assert row["estimate"] == pytest.approx(found["estimate"])
    # Student's t with 7 degrees of freedom: 3.499 at 99 %, 2.365 at 95 %.
    assert checks.CONFIDENCE == 0.99
    wide, narrow = (result["ci_high"] - result["ci_low"] for result in (row, found))
    assert wide / narrow == pytest.approx(3.4995 / 2.3646, rel=1e-3)


def test_the_figure_shows_a_failed_check_in_red_and_is_the_same_each_time(tmp_path, frame):
    broken = frame.assign(passed=frame["passed"] & (frame.index > 0))

    def red_lines(rows):
        axes = roles_figure.figure(rows).axes[0]
        return [line for line in axes.lines if line.get_color() == RED and len(line.get_xdata())]

    assert not red_lines(frame)
    assert red_lines(broken)
    for file in ("a.png", "b.png"):
        save(roles_figure.figure(frame), [tmp_path / file])
    assert (tmp_path / "a.png").read_bytes() == (tmp_path / "b.png").read_bytes()
