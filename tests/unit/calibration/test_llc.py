"""The sampler passes its calibration, and each way of breaking it turns a required check red."""

import numpy as np
import pandas as pd
import pytest
import torch
from pydantic import ValidationError

from workflow_scripts.ticketlab.calibration import devinterp_llc, llc_networks, llc_runs, llc_strata
from workflow_scripts.ticketlab.calibration import llc as llc_calibration
from workflow_scripts.ticketlab.calibration.llc_runs import Calls
from workflow_scripts.ticketlab.instruments import llc
from workflow_scripts.ticketlab.settings.calibration.llc import LLCCalibrationSettings, ParitySettings
from workflow_scripts.ticketlab.tables import files
from workflow_scripts.ticketlab.tables.schemas.calibration import CALIBRATION
from workflow_scripts.ticketlab.training import stack

torch.set_num_threads(1)

NETWORK = {"widths": [6, 3, 2], "rank": 1}
GENERIC = {"widths": [5, 5, 5], "rank": 2}
SMALL = LLCCalibrationSettings(
    networks=[NETWORK],
    hard_networks=[],
    nbeta=1000.0,
    step_sizes=[2e-4],
    draws=600,
    burn_in=600,
    chains=32,
    calls=6,
    false_alarms=0.2,
    exact={
        "crossings": [],
        "two_hidden": [[2, 2]],
        "regular_step_sizes": [4e-4],
        "draws": 500,
        "burn_in": 500,
        "chains": 32,
        "calls": 12,
    },
)


def exact_checks(settings=SMALL):
    return llc_calibration.exact_rows(llc_runs.exact_models(settings), settings)


def network_checks(settings=SMALL):
    network = settings.networks[0]
    calls = llc_runs.deep_linear_calls(network, settings)
    return llc_calibration.network_rows("deep_linear", network, calls, settings)


def flag_checks(settings=SMALL):
    healthy = [llc_runs.deep_linear_calls(settings.networks[0], settings)]
    return llc_calibration.flag_rows(healthy, settings)


def failed(rows):
    return [(row["family"], row["case"], row["quantity"]) for row in rows if row["required"] and not row["passed"]]


@pytest.mark.parametrize("checks", [exact_checks, network_checks, flag_checks])
def test_the_sampler_is_calibrated(checks):
    assert failed(checks()) == []


def wrong_nbeta_in_the_chains(monkeypatch):
    real = llc.langevin
    monkeypatch.setattr(
        llc, "langevin", lambda *v: real(*v[:4], v[4].model_copy(update={"nbeta": 2 * v[4].nbeta}), v[5])
    )


def wrong_nbeta_in_the_estimate(monkeypatch):
    real = llc.estimate
    monkeypatch.setattr(llc, "estimate", lambda t, s: real(t, s.model_copy(update={"nbeta": s.nbeta * 0.8})))


def too_little_noise(monkeypatch):
    real = llc.langevin
    monkeypatch.setattr(llc, "langevin", lambda *v: real(*v[:3], 0.9 * v[3], *v[4:]))


def the_mean_loss_of_all_chains(monkeypatch):
    """The gradient of each chain is divided by their number: the trap of backpropagating a mean."""
    real = torch.autograd.grad
    monkeypatch.setattr(torch.autograd, "grad", lambda loss, *others, **how: real(loss / 32, *others, **how))


def no_burn_in(monkeypatch):
    """The burn-in counts as draws."""
    real = llc.estimate
    monkeypatch.setattr(llc, "estimate", lambda t, s: real(t, s.model_copy(update={"burn_in": 0})))


BROKEN = [wrong_nbeta_in_the_chains, wrong_nbeta_in_the_estimate, too_little_noise, the_mean_loss_of_all_chains]


@pytest.mark.parametrize("breaks", [*BROKEN, no_burn_in])
def test_a_broken_sampler_fails_where_the_law_is_exact(breaks, monkeypatch):
    breaks(monkeypatch)
    assert failed(exact_checks())


@pytest.mark.parametrize("breaks", BROKEN)
def test_a_broken_sampler_misses_the_closed_form(breaks, monkeypatch):
    breaks(monkeypatch)
    assert failed(network_checks())


def test_a_generic_network_with_the_same_map_measures_more(monkeypatch):
    """[5, 5, 5] of rank 2 has 11.5 at the balanced point and 12.5 at a generic one, at the same settings."""
    settings = SMALL.model_copy(update={"networks": LLCCalibrationSettings(networks=[GENERIC]).networks})
    balanced = network_checks(settings)[0]
    real = llc_runs.toy_losses.balanced_point

    def generic(widths, rank):
        return {"layers.0": torch.eye(widths[1])[None], "layers.1": real(widths, rank)["layers.1"]}

    monkeypatch.setattr(llc_runs.toy_losses, "balanced_point", generic)
    assert network_checks(settings)[0]["ci_low"] > balanced["ci_high"]


def blind(monkeypatch):
    """No gain is large enough for the flag not_a_minimum."""
    real = llc_runs.sampling
    monkeypatch.setattr(
        llc_runs, "sampling", lambda *of, **how: real(*of, **how).model_copy(update={"minimum_share": 1e9})
    )


def jumpy(monkeypatch):
    monkeypatch.setattr(llc, "NOISE_LIMIT", -1.0)


@pytest.mark.parametrize(("breaks", "case"), [(blind, "start beside a minimum"), (jumpy, "deep linear, healthy")])
def test_a_blind_or_jumpy_flag_turns_its_check_red(breaks, case, monkeypatch):
    breaks(monkeypatch)
    assert case in [failure[1] for failure in failed(flag_checks())]


def test_an_estimate_below_half_the_rank_fails_and_one_above_does_not():
    network = SMALL.networks[0]
    half_rank = (1 * (6 + 2) - 1) / 2  # of the maps of rank 1: what the balanced point's loss sees
    scale = SMALL.nbeta / (SMALL.nbeta + SMALL.localization)
    for factor, passes in ((1.02, True), (0.9, False)):
        values = factor * scale * half_rank * np.array([0.999, 1.0, 1.001])
        calls = Calls({1e-5: pd.DataFrame({"llc": values, "flag": ""})})
        (row,) = llc_strata.rank_rows([(network, calls)], SMALL)
        assert row["truth"] == pytest.approx(scale * half_rank)
        assert row["passed"] == passes


def test_chains_at_a_stratum_measure_its_own_coefficient():
    """[8, 4, 8] of rank 0 has 14 at its most singular points, 14.5 and 16 at others: the tolerance tells 16 apart."""
    few = {"draws": 500, "burn_in": 500, "chains": 8, "calls": 3, "points": [[4, 0]], "step_sizes": [1e-4]}
    settings = LLCCalibrationSettings(strata=few)
    (row,) = llc_strata.stratum_rows(settings)
    assert row["passed"] and row["truth"] == 16
    assert row["estimate"] - row["tolerance"] > 14.5


def test_localisation_holds_the_chains_at_the_minimum_of_larger_coefficient():
    few = {"localizations": [100.0, 10.0], "draws": 1500, "burn_in": 300, "chains": 8, "calls": 4}
    found = llc_strata.two_minima_rows(LLCCalibrationSettings(two_minima=few))
    rows = {(row["x"], row["quantity"]): row for row in found}
    assert rows[100.0, "llc"]["passed"] and rows[100.0, "llc"]["required"]
    assert not rows[10.0, "llc"]["required"]
    assert not rows[10.0, "share of the law elsewhere, at most"]["passed"]


def estimates(values):
    return pd.DataFrame({"llc": np.array(values), "se": 0.1, "flag": ""})


def test_a_symmetry_that_moves_the_estimate_fails_and_scaled_pairs_only_inform():
    own, other = [50.0, 50.5, 49.5, 50.2], [58.0, 58.4, 57.7, 58.1]
    found = {"none": estimates(own), "turned heads": estimates(own[::-1]), "permuted units": estimates(other)}
    found |= {"scaled pairs": estimates(other)}
    rows = {row["case"]: row for row in llc_networks.invariance_rows(found, SMALL)}
    assert rows["turned heads"]["passed"] and not rows["permuted units"]["passed"]
    assert rows["permuted units"]["required"] and not rows["scaled pairs"]["required"]


@pytest.fixture(scope="module")
def language():
    """Untrained is enough: symmetries are those of the architecture."""
    return devinterp_llc.language_model(ParitySettings(training_steps=2))


@pytest.mark.parametrize("name", [name for name in llc_networks.MOVES if name != "none"])
def test_a_move_changes_the_weights_and_not_what_they_compute(name, language):
    heads = ParitySettings().heads
    moved = llc_networks.MOVES[name](language.weights, heads)
    network = stack.forward(language.study.model)
    tokens = torch.from_numpy(language.sequences[None, :4, :-1])
    torch.testing.assert_close(network(moved, tokens)[0], network(language.weights, tokens)[0], rtol=1e-4, atol=1e-4)
    assert any(not torch.equal(moved[key], tensor) for key, tensor in language.weights.items())
    # Distances between moved networks are those between the networks, so that localisation sees the same.
    others = {key: tensor + 0.1 * torch.randn(tensor.shape) for key, tensor in language.weights.items()}
    before = sum((others[key] - tensor).square().sum() for key, tensor in language.weights.items())
    there = llc_networks.MOVES[name](others, heads)
    after = sum((there[key] - tensor).square().sum() for key, tensor in moved.items())
    assert (abs(after / before - 1) < 1e-3) == (name != "scaled pairs")


def test_a_network_that_is_its_own_teacher_is_at_a_minimum(language):
    """Its targets are so often each symbol as it predicts."""
    settings = LLCCalibrationSettings(minima={"sequences": 2048})
    study = llc_networks.own_teacher(language, settings, 0)
    inputs, targets = study.problem.epochs.take(0, np.arange(2048))
    with torch.no_grad():
        logits = stack.forward(study.model)(language.weights, torch.from_numpy(inputs)[None])[0][0]
    expected = logits.softmax(-1).mean((0, 1)).numpy()
    shares = np.bincount(targets.ravel(), minlength=len(expected)) / targets.size
    np.testing.assert_allclose(shares, expected, atol=5 * (expected.max() / targets.size) ** 0.5)


def test_a_flagged_call_is_counted_and_not_averaged():
    calls = llc_runs.deep_linear_calls(SMALL.networks[0], SMALL)
    ((step, frame),) = calls.by_step.items()
    spoilt = frame.copy()
    spoilt.loc[1, ["llc", "flag"]] = [1e6, "drift,ess"]
    (row,) = llc_calibration.network_rows("deep_linear", SMALL.networks[0], Calls({step: spoilt}), SMALL)
    assert row["n"] == SMALL.calls - 1
    assert row["flag"] == f"drift 1/{SMALL.calls}, ess 1/{SMALL.calls}"
    assert row["estimate"] == pytest.approx(np.delete(frame.llc, 1).mean())
    spoilt["flag"] = "drift"
    (row,) = llc_calibration.network_rows("deep_linear", SMALL.networks[0], Calls({step: spoilt}), SMALL)
    assert np.isnan(row["estimate"]) and not row["passed"]


def noisy_checks(settings=SMALL):
    return llc_calibration.noisy_rows(llc_runs.noisy_models(settings), settings)


def test_the_batches_noise_is_accounted_for():
    rows = noisy_checks(SMALL)
    assert failed(rows) == []
    assert {row["quantity"] for row in rows} == {"llc", "noise_share"}
    # Without the noise of the batches the law is another one, which the interval tells apart.
    linear = next(row for row in rows if row["case"] == "4-4" and row["quantity"] == "llc")
    noisy = SMALL.noisy
    assert linear["ci_low"] > 16 / 2 * noisy.nbeta / (noisy.nbeta + noisy.localization)


@pytest.fixture(scope="module")
def tiny():
    """Every check once, far too short to pass."""
    return LLCCalibrationSettings(
        networks=[NETWORK],
        hard_networks=[GENERIC],
        draws=20,
        burn_in=10,
        chains=2,
        calls=3,
        exact={"draws": 20, "burn_in": 10, "chains": 2, "calls": 3},
        parity={"sequences": 32, "training_steps": 5, "chains": 2, "calls": 2, "draws": 16, "burn_in": 2},
        noisy={"draws": 20, "burn_in": 10, "chains": 2, "calls": 3},
        sweep={"networks": [NETWORK, GENERIC], "chains": 2, "draws": 16, "burn_in": 4},
        strata={"points": [[4, 0]], "draws": 16, "burn_in": 4, "chains": 2, "calls": 3},
        two_minima={"localizations": [100.0, 10.0], "draws": 16, "burn_in": 4, "chains": 2, "calls": 3},
        minima={
            "sequences": 64,
            "draws_of_targets": 2,
            "early_step": 1,
            "starts": 2,
            "draws": 16,
            "burn_in": 2,
            "calls": 3,
        },
    )


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_the_table_is_whole_and_repeats_itself(tiny, tmp_path):
    frame = llc_calibration.calibrate(tiny)
    files.write(tmp_path / "llc.parquet", CALIBRATION, frame, {})
    assert len(files.read(tmp_path / "llc.parquet", CALIBRATION)) == len(frame)
    again = llc_calibration.calibrate(tiny)
    assert frame.equals(again)
    families = {
        "regular",
        "sampler",
        "normal_crossing",
        "zero_map",
        "deep_linear",
        "noisy_batches",
        "spread",
        "coverage",
        "flags",
    }
    families |= {"half_rank", "stratum", "two_minima", "parity", "invariance", "minimum"}
    assert families <= set(frame.family)
    assert not frame.loc[frame.family.str.startswith("sweep"), "required"].any()
    assert not frame.loc[frame.required, "passed"].all()


@pytest.mark.parametrize(
    "wrong",
    [
        {"networks": [{"widths": [3, 2], "rank": 3}]},
        {"networks": [NETWORK, NETWORK]},
        {"step_sizes": []},
        {"step_sizes": [1e-4, 1e-4]},
        {"tolerance": 0.0},
        {"strata": {"points": [[2, 2], [2, 2]]}},
        {"strata": {"points": [[4, 1]]}},
        {"minima": {"early_step": 300}},
        {"two_minima": {"localizations": [100.0, 1.0]}},
    ],
)
def test_settings_that_calibrate_nothing_are_refused(wrong):
    with pytest.raises(ValidationError):
        LLCCalibrationSettings(**wrong)
