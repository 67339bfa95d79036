"""The LLC sampler against laws known in closed form or by quadrature, and its flags against chains made to fail."""

from functools import partial

import numpy as np
import pandas as pd
import pytest
import torch
from devinterp.optim.sgmcmc import SGMCMC
from pydantic import ValidationError
from scipy.integrate import quad

from workflow_scripts.ticketlab import models
from workflow_scripts.ticketlab.core.errors import TicketlabError
from workflow_scripts.ticketlab.core.recorded_steps import choose_checkpoints
from workflow_scripts.ticketlab.instruments import llc, llc_controls
from workflow_scripts.ticketlab.settings.llc import LLCSettings
from workflow_scripts.ticketlab.tables import files
from workflow_scripts.ticketlab.tables.schemas.llc import LLC, LLC_DRAWS
from workflow_scripts.ticketlab.tasks import images
from workflow_scripts.ticketlab.training import stack
from workflow_scripts.ticketlab.training.study import Study
from workflow_scripts.ticketlab.training.train import initial_weights

torch.set_num_threads(1)


def quadratic(curvature):
    """K = ½ Σ h w², with the same or each slice's own h; the batch is ignored."""
    return lambda weights, batch: 0.5 * (curvature * weights["w"] ** 2).sum(1)


def no_batch(step):
    return None


def zeros(count, size):
    return {"w": torch.zeros(count, size)}


def expected_regular(h, settings):
    """E[nβK] of SGLD at its finite step: Σ ½nβh / (A(1 − εA/4)), A = nβh + γ."""
    a = settings.nbeta * h + settings.localization
    return (0.5 * settings.nbeta * h / (a * (1 - settings.learning_rate * a / 4))).sum()


REGULAR = LLCSettings(
    sampler="sgld", chains=4, draws=1500, burn_in=200, learning_rate=1e-3, nbeta=1000.0, localization=1.0
)

AT_ANY_STEP = REGULAR.model_copy(update={"learning_rate": 1e-12})


@pytest.fixture(scope="module")
def regular():
    """24 independent estimates of one regular model with 24 parameters."""
    h = torch.logspace(-1, 0, 24)
    return h, llc.estimate(llc.sample(quadratic(h), zeros(24, 24), no_batch, REGULAR, range(24)), REGULAR)


def test_a_regular_model_follows_the_law_of_the_finite_step(regular):
    h, found = regular
    se = np.sqrt((found.se**2).sum()) / len(found)
    assert se < 0.01 * found.llc.mean()
    assert abs(found.llc.mean() - expected_regular(h.numpy(), REGULAR)) < 4 * se


def test_the_default_sampler_is_exact_on_a_regular_model_at_a_step_where_sgld_is_a_tenth_too_large():
    h = torch.logspace(-1, 0, 24)
    assert expected_regular(h.numpy(), REGULAR) > 1.1 * expected_regular(h.numpy(), AT_ANY_STEP)
    settings = REGULAR.model_copy(update={"sampler": "leimkuhler_matthews", "draws": 3000})
    found = llc.estimate(llc.sample(quadratic(h), zeros(24, 24), no_batch, settings, range(24)), settings)
    se = found.llc.sem()
    assert se < 0.01 * found.llc.mean()
    assert abs(found.llc.mean() - expected_regular(h.numpy(), AT_ANY_STEP)) < 4 * se


def test_standard_errors_are_the_spread_between_repetitions(regular):
    _, found = regular
    # 24 repetitions know their own spread to about 15 %.
    assert found.se.mean() == pytest.approx(found.llc.std(), rel=0.5)


def test_a_smaller_step_brings_a_regular_model_to_half_its_parameters():
    h = torch.full((10,), 0.3)
    settings = REGULAR.model_copy(update={"learning_rate": 3e-4, "burn_in": 400})
    found = llc.estimate(llc.sample(quadratic(h), zeros(32, 10), no_batch, settings, range(32)), settings)
    assert found.llc.mean() == pytest.approx(10 / 2, rel=0.04)
    assert (found.parameters == 10).all()


def test_a_normal_crossing_agrees_with_quadrature_at_the_same_temperature():
    """K = ½(w₁w₂)² against E[nβK] at the same nβ and γ, without extrapolation."""
    settings = LLCSettings(draws=4000, burn_in=1000, learning_rate=5e-4, nbeta=4000.0, localization=20.0)
    loss = lambda w, _: 0.5 * (w["w"][:, 0] * w["w"][:, 1]) ** 2  # noqa: E731
    found = llc.estimate(llc.sample(loss, zeros(100, 2), no_batch, settings, range(100)), settings).llc

    def marginal(x):  # of w₁, after integrating the Gaussian in w₂
        return np.exp(-10 * x * x) / np.sqrt(4000 * x * x + 20)

    def rise(x):  # E[nβK | w₁ = x]
        return 0.5 * 4000 * x * x / (4000 * x * x + 20)

    truth = quad(lambda x: rise(x) * marginal(x), 0, 3)[0] / quad(marginal, 0, 3)[0]
    assert found.sem() < 0.02 * truth < 0.01  # so it cannot be taken for the 1 of a regular model with two parameters
    assert abs(found.mean() - truth) < 4 * found.sem()


def test_stacked_chains_are_separate_devinterp_optimisers(monkeypatch):
    """Given the same noise, slice i moves as a lone chain of devinterp does; also under a mask."""
    settings = LLCSettings(
        sampler="sgld", chains=2, draws=16, burn_in=4, learning_rate=1e-3, nbeta=50.0, localization=10.0
    )
    start = {"w": torch.randn(3, 5, generator=torch.Generator().manual_seed(0)), "v": torch.ones(3, 2, 2)}
    masks = {"w": (torch.arange(15).view(3, 5) % 3 != 0).float()}
    steps, random = settings.burn_in + settings.draws, torch.Generator().manual_seed(1)
    table = {shape: torch.randn(steps, 6, *shape, generator=random) for shape in ((5,), (2, 2))}

    def potential(w, v):
        return (w**4).sum(-1) + (v**2).sum((-1, -2)) * (1 + w[..., 0] ** 2)

    class FromTable:
        def __init__(self, *_, **__):
            self.step = -1

        def next(self):
            self.step += 1
            return stack.in_one_vector({"w": table[5,][self.step], "v": table[2, 2][self.step]})[0]

    with monkeypatch.context() as patch:
        patch.setattr(llc, "_Noise", FromTable)
        traces = llc.sample(lambda s, _: potential(s["w"], s["v"]), start, no_batch, settings, range(3), masks)

    for chain in range(6):
        w, v = (start[name][chain // 2].clone().requires_grad_() for name in ("w", "v"))
        alone = SGMCMC.sgld(
            [{"params": [w], "mask": [masks["w"][chain // 2]]}, {"params": [v]}], lr=1e-3, nbeta=50.0, localization=10.0
        )
        losses = []
        for step in range(steps):
            alone.zero_grad()
            loss = potential(w, v)
            loss.backward()
            losses.append(loss.item())
            with monkeypatch.context() as patch:
                noise = {shape: noises[step, chain] for shape, noises in table.items()}
                patch.setattr("devinterp.optim.sgmcmc.torch.normal", lambda *, size, now=noise, **_: now[tuple(size)])
                alone.step()
        np.testing.assert_allclose(traces.loss[chain // 2, chain % 2], losses, rtol=1e-5)


def test_masked_weights_never_move_and_do_not_count():
    seen = []

    def loss(weights, batch):
        seen.append(weights["w"].detach().clone())
        return (weights["w"] ** 2).sum(1) + weights["b"].sum(1) ** 2

    start = {"w": torch.tensor([[0.0, 1.0, 0.0, -2.0], [3.0, 0.0, 0.0, 0.0]]), "b": torch.zeros(2, 3)}
    masks = {"w": (start["w"] != 0).float()}
    settings = LLCSettings(chains=2, draws=16, burn_in=2)
    traces = llc.sample(loss, start, no_batch, settings, range(2), masks)
    outside = masks["w"].repeat_interleave(2, 0) == 0
    assert all((weights[outside] == 0).all() for weights in seen)
    assert (seen[settings.burn_in * 2][~outside] != start["w"].repeat_interleave(2, 0)[~outside]).all()
    assert traces.parameters.tolist() == [2 + 3, 1 + 3]


@pytest.fixture(scope="module")
def digits():
    settings = images.Settings(kind="images")
    problem = images.load(*images.prepare(settings, "digits"), settings)
    model = models.build({"kind": "mlp", "hidden": [16]}, problem.inputs, problem.outputs, 1)
    return model, problem, stack.dense_members(range(3)), initial_weights(Study("digits", problem, model), range(3))


SHORT = LLCSettings(chains=2, draws=20, burn_in=5)


@pytest.mark.parametrize("masked", [False, True])
@pytest.mark.parametrize("chains", [2, 3])
def test_a_chain_depends_neither_on_its_neighbours_nor_on_its_place_bit_for_bit(digits, masked, chains):
    model, problem, members, weights = digits
    masks = {name: (weights[name] > 0).float() for name in model.prunable} if masked else None
    settings = SHORT.model_copy(update={"chains": chains})

    def measured(places, together):
        chosen = None if masks is None else stack.take(masks, places)
        some = settings.model_copy(update={"members_together": together})
        start = stack.take(weights, places)
        start = start if chosen is None else start | {name: start[name] * chosen[name] for name in chosen}
        return llc.measure(
            Study("digits", problem, model), [members[place] for place in places], start, 0, some, chosen
        )

    alone = measured([1], 1)
    for places, together in (([0, 1, 2], 1), ([0, 1, 2], 2), ([0, 1, 2], 3), ([1, 2], 2), ([2, 0, 1], 3)):
        found = measured(places, together)
        for mine, theirs in zip(
            (alone.loss, alone.baseline, alone.gain), (found.loss, found.baseline, found.gain), strict=True
        ):
            np.testing.assert_array_equal(mine[0], theirs[places.index(1)])


def test_another_step_has_noise_of_its_own_on_the_same_batches(digits):
    model, problem, members, weights = digits
    measure = partial(llc.measure, Study("digits", problem, model), settings=SHORT)
    alone = measure(members[1:2], stack.take(weights, [1]), 7)
    other_step = measure(members[1:2], stack.take(weights, [1]), 8)
    np.testing.assert_array_equal(other_step.baseline, alone.baseline)
    assert (other_step.loss[:, :, 1:] != alone.loss[:, :, 1:]).all()


def test_the_examples_are_all_of_a_small_set_and_part_of_a_large_one_the_same_for_every_network(digits):
    model, problem, _, weights = digits
    study = Study("digits", problem, model)
    whole = llc.examples_of(study, 10**6)
    assert len(whole.inputs) == problem.epochs.size
    few = llc.examples_of(study, 50)
    assert len({image.numpy().tobytes() for image in few.inputs}) == 50
    assert all(torch.equal(*pair) for pair in zip(few, llc.examples_of(study, 50), strict=True))
    each = llc.example_losses(study, weights, few)
    mean = llc.network_loss(study)(weights, tuple(side.expand(3, *side.shape) for side in few))
    torch.testing.assert_close(each.mean(1), mean)


def test_averaged_noise_is_the_mean_of_two_successive_numbers_also_where_more_are_drawn(monkeypatch):
    """In the alternating sum of 2 · (ξₜ + ξₜ₊₁)/2 all but the first and the last number cancel: variance 2."""
    monkeypatch.setattr(llc, "NOISE_AHEAD", 8 * 1000)
    noise = llc._Noise({"w": torch.zeros(2, 1000)}, 2, [4, 5], averaged=True)
    drawn = torch.stack([noise.next().clone() for _ in range(100)])
    assert drawn.var().item() == pytest.approx(0.5, rel=0.02)
    signs = (-1.0) ** torch.arange(100)[:, None]
    assert (2 * signs * drawn).sum(0)[:2000].var().item() == pytest.approx(2, rel=0.2)


def test_the_share_of_the_batches_noise_is_that_of_their_gradients():
    """Gradients with the variance 4 around a quadratic's: ε nβ²/4 times that; a frozen weight adds none."""
    random = torch.Generator().manual_seed(0)

    def loss(weights, batch):
        return quadratic(1.0)(weights, None) + (batch * weights["w"]).sum(1)

    settings = LLCSettings(chains=8, draws=16, burn_in=0, learning_rate=1e-3, nbeta=10.0)
    masks = {"w": (torch.arange(60) % 3 != 0).float().expand(2, 60)}
    drawn = lambda step: 2 * torch.randn(16, 60, generator=random)  # noqa: E731
    found = llc.estimate(llc.sample(loss, zeros(2, 60), drawn, settings, range(2), masks), settings)
    assert found.noise_share.tolist() == pytest.approx([1e-3 * 100 / 4 * 4] * 2, rel=0.1)


def test_the_noise_is_standard_normal_and_another_one_for_each_network_chain_and_step():
    """More steps than are drawn at once, and tensors that fill no register."""
    like = {"w": torch.zeros(6, 7, 3), "v": torch.zeros(6, 5)}
    noise, steps = llc._Noise(like, 3, [4, 5, 6]), llc.NOISE_AHEAD // (2 * 26) + 10
    drawn = torch.stack(
        [torch.cat([v.flatten(1) for v in stack.views_of(noise.next(), like).values()], 1) for _ in range(steps)]
    )
    assert drawn.shape == (steps, 6, 26)
    assert len(drawn.unique()) > 0.99 * drawn.numel()  # float32 normal numbers do meet
    assert abs(drawn.mean()) < 5 / drawn.numel() ** 0.5
    assert abs(drawn.var() - 1) < 5 * (2 / drawn.numel()) ** 0.5
    assert abs((drawn**4).mean() - 3) < 5 * (96 / drawn.numel()) ** 0.5


def test_chains_start_at_w_star_whose_loss_is_looked_up_and_have_batches_of_their_own(digits):
    model, problem, members, weights = digits
    traces = llc.measure(Study("digits", problem, model), members, weights, 0, SHORT)
    np.testing.assert_allclose(traces.loss[:, :, 0], traces.baseline[:, :, 0], rtol=1e-5)
    assert len(np.unique(traces.baseline)) == traces.baseline.size


def test_a_start_beside_the_minimum_is_flagged():
    h = torch.full((8,), 1.0)
    start = {"w": torch.cat([torch.zeros(4, 8), torch.full((4, 8), 0.3)])}
    settings = REGULAR.model_copy(update={"nbeta": 200.0, "localization": 20.0})
    traces = llc.sample(quadratic(h), start, no_batch, settings, range(8))
    flags = llc.estimate(traces, settings).flag
    assert (flags[:4] == "").all()
    assert flags[4:].str.contains("not_a_minimum").all()
    # The chains live around γ/(nβh + γ) of the start, so the gain is known: ½h|w₀|²(that² − 1).
    assert traces.gain[4:].mean() == pytest.approx(0.5 * 8 * 0.3**2 * ((20 / 220) ** 2 - 1), rel=0.03)


def test_a_diverged_chain_is_flagged_and_never_averaged_away():
    """The second network is too steep for the step; the first is not concerned."""
    h = torch.tensor([0.1] * 4 + [10.0] * 4)[:, None]
    found = llc.estimate(llc.sample(quadratic(h), zeros(2, 8), no_batch, REGULAR, range(2)), REGULAR)
    assert found.flag.tolist() == ["", "diverged"]
    assert np.isfinite(found.llc[0]) and found.loc[1, ["llc", "se", "rhat", "ess"]].isna().all()


def made_up(rise, parameters=1000, gain=0.0):
    """Traces of one network with these rises (chains, draws) above a baseline of 1 nat."""
    rise = np.concatenate([np.zeros((len(rise), 5)), rise], axis=1)[None]
    return llc.Traces(1 + rise, np.ones_like(rise), np.array([gain]), np.zeros(1), np.zeros(1), np.array([parameters]))


@pytest.mark.parametrize(
    ("flag", "change"),
    [
        ("", lambda noise: noise),
        ("negative", lambda noise: noise - 0.4),
        ("rhat", lambda noise: noise + np.linspace(0, 0.1, 4)[:, None]),
        ("drift", lambda noise: noise + np.linspace(0, 0.02, 200)),
        ("diverged", lambda noise: np.where(np.arange(noise.size).reshape(noise.shape) == 250, np.nan, noise)),
        ("diverged", lambda noise: noise + 3.0 * (np.arange(noise.size).reshape(noise.shape) == 250)),
    ],
)
def test_flags_say_what_is_wrong_with_the_chains(flag, change):
    settings = LLCSettings(draws=200, burn_in=5)
    noise = 0.2 + 0.01 * np.random.default_rng(0).standard_normal((4, 200))
    flags = llc.estimate(made_up(change(noise)), settings).flag[0].split(",")
    assert flag in flags
    assert flag or flags == [""]


def test_sticky_chains_are_worth_few_draws():
    random = np.random.default_rng(0)
    walk = np.zeros((4, 200))
    for draw in range(1, 200):
        walk[:, draw] = 0.98 * walk[:, draw - 1] + 0.002 * random.standard_normal(4)
    assert "ess" in llc.estimate(made_up(0.2 + walk), LLCSettings(draws=200, burn_in=5)).flag[0]


def test_an_estimate_above_half_the_parameters_is_flagged():
    settings = LLCSettings(draws=200, burn_in=5)
    rise = 0.2 + 0.01 * np.random.default_rng(0).standard_normal((4, 200))
    bound = 2 * settings.nbeta * 0.2
    assert llc.estimate(made_up(rise, parameters=int(bound) - 1), settings).flag[0] == "above_d/2"
    assert llc.estimate(made_up(rise, parameters=int(bound) + 1), settings).flag[0] == ""


def test_burn_in_is_in_the_draws_and_not_in_the_mean():
    settings = LLCSettings(draws=20, burn_in=5)
    traces = made_up(np.full((4, 20), 0.5) + 0.01 * np.random.default_rng(0).standard_normal((4, 20)))
    assert llc.estimate(traces, settings).llc[0] == pytest.approx(0.5 * settings.nbeta, rel=0.01)
    rows = llc.draw_rows(traces, settings, pd.DataFrame([{"init_seed": 3}]))
    assert sorted(rows.draw.unique()) == list(range(-5, 20))
    assert (rows[rows.draw < 0].loss == rows[rows.draw < 0].baseline).all()


def test_the_tables_round_trip(digits, tmp_path):
    model, problem, members, weights = digits
    traces = llc.measure(Study("digits", problem, model), members, weights, 0, SHORT)
    keys = pd.DataFrame([{"study": "digits", **member.keys(), "step": 0} for member in members])
    study = Study("digits", problem, model)
    controls = llc_controls.beside(study, members, weights, 0, SHORT, None)
    found = pd.concat([keys, llc_controls.checked(llc.estimate(traces, SHORT), controls, SHORT)], axis=1)
    files.write(tmp_path / "llc.parquet", LLC, found, {})
    files.write(tmp_path / "draws.parquet", LLC_DRAWS, llc.draw_rows(traces, SHORT, keys), {})
    draws = files.read(tmp_path / "draws.parquet", LLC_DRAWS)
    last = draws[(draws.init_seed == 2) & (draws.chain == 1)].sort_values("draw")
    np.testing.assert_array_equal(last.loss, traces.loss[2, 1])
    kept = draws[draws.draw >= 0]
    recomputed = SHORT.nbeta * (kept.loss.astype(float) - kept.baseline).groupby(kept.init_seed).mean()
    assert files.read(tmp_path / "llc.parquet", LLC).llc.tolist() == pytest.approx(recomputed.tolist(), abs=1e-5)


def test_masks_that_do_not_belong_to_the_weights_are_refused():
    members = stack.dense_members([0, 1])
    weights = {"w": torch.tensor([[1.0, 0.0], [0.0, 2.0]])}
    known = {members[0]: {"w": torch.tensor([1.0, 0.0])}, members[1]: {"w": torch.tensor([0.0, 1.0])}}
    assert llc.masks_of(members, weights, known)["w"].tolist() == [[1, 0], [0, 1]]
    diverged = {"w": torch.tensor([[1.0, 0.0], [torch.nan, torch.nan]])}
    assert llc.masks_of(members, diverged, known)["w"].tolist() == [[1, 0], [0, 1]]
    with pytest.raises(TicketlabError, match=r"init seed 1.*not belong together"):
        llc.masks_of(members, weights, {**known, members[1]: known[members[0]]})
    with pytest.raises(TicketlabError, match=r"no mask for.*init seed 1"):
        llc.masks_of(members, weights, {members[0]: known[members[0]]})


@pytest.mark.parametrize(
    "wrong",
    [{"chains": 1}, {"learning_rate": 2e-2}, {"checkpoints": [10, 5]}, {"checkpoints": []}, {"nbeta": 0}, {"lr": 1e-3}],
)
def test_settings_that_cannot_work_are_refused(wrong):
    with pytest.raises(ValidationError):
        LLCSettings(**wrong)


def test_checkpoints_are_chosen_from_the_recorded_ones():
    recorded = [0, 1, 2, 4, 8, 16, 32, 64]
    assert choose_checkpoints(3, recorded) == [0, 4, 64] or choose_checkpoints(3, recorded) == [0, 8, 64]
    assert choose_checkpoints(1, recorded) == [64]
    assert choose_checkpoints(100, recorded) == recorded
    assert choose_checkpoints([2, 64], recorded) == [2, 64]
    with pytest.raises(ValueError, match=r"\[3\] are not among"):
        choose_checkpoints([3, 64], recorded)
