"""What stands beside λ̂, against losses whose Hessian and whose law are known."""

import numpy as np
import pandas as pd
import pytest
import torch
from scipy import stats

from workflow_scripts.ticketlab import models
from workflow_scripts.ticketlab.instruments import llc, llc_controls
from workflow_scripts.ticketlab.instruments.llc_controls import Controls, Descent, Spectrum
from workflow_scripts.ticketlab.settings.llc import LLCSettings
from workflow_scripts.ticketlab.tasks import images
from workflow_scripts.ticketlab.training import stack
from workflow_scripts.ticketlab.training.study import Study
from workflow_scripts.ticketlab.training.train import initial_weights

torch.set_num_threads(1)

CURVATURES = torch.stack([torch.linspace(0.1, 3, 12), torch.linspace(-0.5, 2, 12)])
SETTINGS = LLCSettings(hessian_steps=12, probes=2, noise_draws=400)


def turned(curvatures):
    """½ wᵀHw with these eigenvalues (N, d) in directions of its own for each network."""
    size = curvatures.shape[1]
    random = torch.Generator().manual_seed(0)
    turns = [torch.linalg.qr(torch.randn(size, size, generator=random))[0] for _ in curvatures]
    hessians = torch.stack([turn @ torch.diag(own) @ turn.T for turn, own in zip(turns, curvatures, strict=True)])
    return lambda weights, batch: 0.5 * torch.einsum("ni,nij,nj->n", weights["w"], hessians, weights["w"])


def no_batch(number):
    return None


def test_as_many_lanczos_steps_as_weights_find_the_effective_dimension_of_every_network():
    found = llc_controls.spectrum(turned(CURVATURES), {"w": torch.zeros(2, 12)}, no_batch, SETTINGS, [1, 2])
    nodes = found.nodes.min((1, 2)), found.largest()
    np.testing.assert_allclose(nodes, [CURVATURES.min(1).values, CURVATURES.max(1).values], atol=1e-4)
    np.testing.assert_allclose(found.shares.sum(2), 1, rtol=1e-5)
    for nbeta, pull in ((30.0, 300.0), (300.0, 100.0)):
        truth = (nbeta * CURVATURES / (nbeta * CURVATURES.abs() + pull)).sum(1).numpy() / 2
        dimension, error = found.dimension(nbeta, pull)
        assert (abs(dimension - truth) < np.maximum(5 * error, 0.15 * truth)).all()
    assert found.negative(300.0, 100.0)[0] == pytest.approx(0, abs=1e-4) and found.negative(300.0, 100.0)[1] > 0.1


def test_weights_that_never_move_are_no_directions():
    free = {"w": torch.tensor([[1.0] * 5 + [0.0] * 7])}
    loss = lambda weights, batch: 0.5 * 2 * weights["w"].square().sum(1)  # noqa: E731
    found = llc_controls.spectrum(
        loss, {"w": torch.zeros(1, 12)}, no_batch, SETTINGS.model_copy(update={"hessian_steps": 3}), [1], free
    )
    assert found.dimension(100.0, 100.0)[0] == pytest.approx([5 / 2 * 2 / 3])
    rises = llc_controls.noise_rise(loss, {"w": torch.zeros(1, 12)}, no_batch, 2000, [1], 10.0, free)
    assert rises.mean() == pytest.approx(5 / 10, rel=0.1)


def test_the_rise_under_noise_is_that_of_the_trace():
    rises = llc_controls.noise_rise(turned(CURVATURES), {"w": torch.zeros(2, 12)}, no_batch, 4000, [1, 2], 50.0)
    np.testing.assert_allclose(rises.mean(1), CURVATURES.sum(1) / 2 / 50, rtol=0.05)


def rows(value, se=0.1):
    return pd.DataFrame({"llc": [value], "se": [se], "flag": [""]})


def controls(rise, curvature, parameters=100, slope=0.0):
    """slope: along one direction, the same on each held-out batch up to a little noise."""
    rises = rise + np.tile([-1e-6, 1e-6], 8)[None]
    spectrum = Spectrum(np.full((1, 2, 1), curvature), np.ones((1, 2, 1)), np.array([parameters]))
    held_out = slope + np.tile([-1e-6, 1e-6], 4)[None, :, None]
    return Controls(rises, spectrum, Descent(np.full((1, 1), curvature), np.full((1, 1), slope), held_out))


@pytest.mark.parametrize(
    ("value", "flag"),
    [(25.0, ""), (48.0, "prior_dominated"), (10.0, "below_hessian"), (float("nan"), "")],
)
def test_estimates_that_the_localisation_decides_or_that_lie_below_half_the_rank_are_flagged(value, flag):
    """Noise gives 50; 100 directions of nβh = γ count ½ · 100 · ½ = 25."""
    settings = LLCSettings(nbeta=100.0, localization=100.0)
    found = llc_controls.checked(rows(value), controls(0.5, 1.0), settings)
    assert found.flag.tolist() == [flag]
    assert (found.gaussian[0], found.hessian[0]) == pytest.approx((50, 25))


def test_a_flag_is_added_to_those_of_the_chains():
    settings = LLCSettings(nbeta=100.0, localization=100.0)
    estimates = rows(48.0).assign(flag="ess,drift")
    assert llc_controls.checked(estimates, controls(0.5, 1.0), settings).flag[0] == "ess,drift,prior_dominated"


@pytest.mark.parametrize(
    ("value", "slope", "flag"),
    [(25.0, 0.2, ""), (25.0, 0.5, "not_a_minimum"), (-5.0, 0.2, "below_hessian,not_a_minimum"), (25.0, 0.0, "")],
)
def test_a_slope_that_lowers_the_estimate_by_its_share_is_flagged(value, slope, flag):
    """nβh = γ = 100: a slope s lowers λ̂ by nβ(s²/2 − s²/8) = 37.5 s², which is 1.5 and 9.4."""
    settings = LLCSettings(nbeta=100.0, localization=100.0)
    found = llc_controls.checked(rows(value), controls(0.5, 1.0, slope=slope), settings)
    assert found.flag.tolist() == [flag]
    assert found.descent[0] == pytest.approx(37.5 * slope**2, abs=1e-4)


def test_the_flag_of_the_chains_is_not_raised_twice():
    settings = LLCSettings(nbeta=100.0, localization=100.0)
    estimates = rows(25.0).assign(flag="not_a_minimum")
    assert llc_controls.checked(estimates, controls(0.5, 1.0, slope=0.5), settings).flag[0] == "not_a_minimum"


def test_the_slope_lowers_an_estimate_by_what_the_quadratic_law_says():
    """Starts at distance .3 along every weight: λ̂ less that at the minimum is −Σ g²nβ²(A + γ)/(2A²), A = nβ|h| + γ."""
    nbeta, pull = 300.0, 100.0
    loss, start = turned(CURVATURES[:1]), {"w": torch.full((1, 12), 0.3)}
    found = llc_controls.descent(loss, start, no_batch, SETTINGS)
    expected, se, t = found.expected(nbeta, pull)
    weights = start["w"].clone().requires_grad_(True)
    (gradient,) = torch.autograd.grad(loss({"w": weights}, None).sum(), weights)
    random = torch.Generator().manual_seed(0)
    turn = torch.linalg.qr(torch.randn(12, 12, generator=random))[0]
    along, scaled = (gradient @ turn)[0].double(), nbeta * CURVATURES[0].double() + pull
    law = ((nbeta * along) ** 2 * (scaled + pull) / (2 * scaled**2)).sum().item()
    assert expected[0] == pytest.approx(law, rel=1e-4)
    assert se[0] == pytest.approx(0, abs=1e-3) and t[0] > 1e3


def test_noise_of_the_sample_is_a_slope_no_more_often_than_the_level_says():
    """At the minimum each batch has a gradient of its own; a step that it chooses gains nothing on other batches."""
    count, level = 2000, 0.05
    random = torch.Generator().manual_seed(0)

    def loss(weights, batch):
        return (0.5 * weights["w"] ** 2 + batch * weights["w"]).sum(1)

    settings = LLCSettings(hessian_steps=2)
    drawn = torch.randn(2 * settings.slope_batches, count, 5, generator=random)
    found = llc_controls.descent(loss, {"w": torch.zeros(count, 5)}, lambda number: drawn[number], settings)
    expected, _, t = found.expected(settings.nbeta, settings.localization)
    alarms = (t > stats.t.isf(level, settings.slope_batches - 1)).mean()
    assert abs(alarms - level) < 4 * (level * (1 - level) / count) ** 0.5
    assert expected.mean() < 0  # the noisy step goes up on the other half


def test_weights_that_never_move_have_no_slope():
    free = {"w": torch.tensor([[1.0] * 5 + [0.0] * 7])}
    found = llc_controls.descent(turned(CURVATURES[:1]), {"w": torch.ones(1, 12)}, no_batch, SETTINGS, free)
    nothing = llc_controls.descent(
        turned(CURVATURES[:1]), {"w": torch.ones(1, 12)}, no_batch, SETTINGS, {"w": torch.zeros(1, 12)}
    )
    everything = llc_controls.descent(turned(CURVATURES[:1]), {"w": torch.ones(1, 12)}, no_batch, SETTINGS)
    sizes = [np.linalg.norm(of.slopes) for of in (nothing, found, everything)]
    assert sizes[0] == 0 and sizes[0] < sizes[1] < sizes[2]
    assert nothing.expected(300.0, 100.0)[0] == pytest.approx([0])


def test_a_network_that_diverged_has_no_controls_and_leaves_its_neighbour_alone():
    loss = lambda weights, batch: weights["w"].pow(4).sum(1)  # noqa: E731
    start = {"w": torch.tensor([[1.0] * 3, [float("nan")] * 3])}
    found = llc_controls.spectrum(loss, start, no_batch, SETTINGS.model_copy(update={"hessian_steps": 1}), [1, 2])
    assert found.dimension(100.0, 1200.0)[0] == pytest.approx([3 / 2 / 2, np.nan], nan_ok=True)
    slopes = llc_controls.descent(loss, start, no_batch, SETTINGS.model_copy(update={"hessian_steps": 1}))
    # Gradient 4 and curvature 12 along each weight: f = 1/24.
    assert slopes.expected(100.0, 1200.0)[0] == pytest.approx(
        [100 * 3 * (16 / 24 - 6 * (4 / 24) ** 2), np.nan], nan_ok=True
    )


def test_another_scale_keeps_the_localisation_and_the_time_of_the_burn_in():
    settings = LLCSettings()
    there = llc_controls.at_scale(settings, 4 * settings.nbeta)
    assert (there.nbeta, there.localization) == (4 * settings.nbeta, settings.localization)
    assert there.learning_rate * there.burn_in == pytest.approx(settings.learning_rate * settings.burn_in)
    assert llc_controls.at_scale(settings, 30.0).learning_rate == settings.learning_rate


def test_a_random_initialisation_is_flagged_and_a_network_has_the_same_controls_in_any_stack():
    settings = images.Settings(kind="images")
    problem = images.load(*images.prepare(settings, "digits"), settings)
    study = Study("digits", problem, models.build({"kind": "mlp", "hidden": [16]}, problem.inputs, problem.outputs, 1))
    members, weights = stack.dense_members(range(2)), initial_weights(study, range(2))
    chosen = LLCSettings(chains=2, members_together=2)
    together = llc_controls.beside(study, members, weights, 0, chosen)
    alone = llc_controls.beside(study, members[1:], stack.take(weights, [1]), 0, chosen)
    np.testing.assert_allclose(alone.rises[0], together.rises[1], rtol=1e-4, atol=1e-6)
    np.testing.assert_allclose(alone.spectrum.nodes[0], together.spectrum.nodes[1], rtol=1e-2, atol=1e-3)
    estimates = llc.estimate(llc.measure(study, members, weights, 0, chosen), chosen)
    found = llc_controls.checked(estimates, together, chosen)
    assert found.flag.str.contains("not_a_minimum").all()
    # The slope alone says so, however well the chains look.
    estimates = estimates.assign(llc=found.descent, flag="")
    assert llc_controls.checked(estimates, together, chosen).flag.str.contains("not_a_minimum").all()


def test_batches_of_the_slope_share_no_example_and_are_drawn_by_chance(monkeypatch):
    settings = images.Settings(kind="images")
    problem = images.load(*images.prepare(settings, "digits"), settings)
    study = Study("digits", problem, models.build({"kind": "mlp", "hidden": [4]}, problem.inputs, problem.outputs, 1))
    seen = []
    real = llc_controls.descent
    monkeypatch.setattr(
        llc_controls, "descent", lambda *of: seen.extend(of[2](number)[0][0] for number in range(16)) or real(*of)
    )
    chosen = LLCSettings(hessian_examples=10**6, noise_draws=2, hessian_steps=2)
    llc_controls.beside(study, stack.dense_members([0]), initial_weights(study, [0]), 0, chosen)
    rows = torch.cat(seen)
    train = torch.from_numpy(
        problem.extras["train"][0] if "train" in problem.extras else problem.evaluation["train"][0]
    )
    assert len(rows.unique(dim=0)) == len(rows) > 0.9 * len(train)
    assert not torch.equal(rows[: len(rows) // 2], train[: len(rows) // 2])
