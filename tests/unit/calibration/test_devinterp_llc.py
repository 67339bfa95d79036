"""The comparison with devinterp's own estimator compares like with like."""

import numpy as np
import pytest
import torch
from pydantic import ValidationError

from workflow_scripts.ticketlab.calibration import devinterp_llc
from workflow_scripts.ticketlab.settings.calibration.llc import ParitySettings

torch.set_num_threads(1)

SMALL = ParitySettings(
    sequences=64, symbols=16, context=8, width=16, heads=2, training_steps=60, chains=2, draws=16, burn_in=8, calls=2
)


@pytest.fixture(scope="module")
def language():
    return devinterp_llc.language_model(SMALL)


def test_the_language_model_has_learnt_its_source(language):
    inputs = torch.from_numpy(language.sequences[:, :-1])
    with torch.no_grad():
        for name, parameter in language.study.model.named_parameters():
            parameter.copy_(language.weights[name][0])
        logits, _ = language.study.model(inputs)
    loss = language.study.problem.metrics["loss"](logits, torch.from_numpy(language.sequences[:, 1:])).mean()
    assert loss < 0.8 * np.log(SMALL.symbols)


def test_chains_that_do_not_move_have_a_coefficient_of_0_on_both_sides(language):
    """So both take L(w*) from just the data that the chains saw, and neither leaves anything else in the mean."""
    still = SMALL.model_copy(update={"learning_rate": 1e-16})
    assert devinterp_llc.ours(language, still, 2).llc.tolist() == pytest.approx([0, 0], abs=1e-3)
    assert devinterp_llc.devinterps(language, still, 2) == pytest.approx([0, 0], abs=1e-3)


def test_calls_are_independent_and_repeatable(language):
    ours, theirs = devinterp_llc.ours(language, SMALL, 2), devinterp_llc.devinterps(language, SMALL, 2)
    assert ours.llc[0] != ours.llc[1] and theirs[0] != theirs[1]
    state = torch.get_rng_state()
    np.testing.assert_array_equal(devinterp_llc.devinterps(language, SMALL, 1), theirs[:1])
    assert torch.equal(torch.get_rng_state(), state)
    np.testing.assert_array_equal(devinterp_llc.ours(language, SMALL, 1).llc, ours.llc[:1])


@pytest.mark.parametrize("wrong", [{"draws": 100}, {"burn_in": 50}, {"sequences": 100}, {"heads": 5}])
def test_settings_that_would_compare_unlike_things_are_refused(wrong):
    with pytest.raises(ValidationError, match="multiple"):
        ParitySettings(**wrong)
