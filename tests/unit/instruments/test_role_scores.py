"""Role scores: a transformer whose roles were built by hand, synthetic attention, ablation against replacement."""

from typing import Any

import numpy as np
import pytest
import torch
from torch.nn import functional as F

from workflow_scripts.ticketlab import models
from workflow_scripts.ticketlab.calibration.hand_built import IDLE, INDUCTION, PREVIOUS_TOKEN, copying_transformer
from workflow_scripts.ticketlab.core.errors import TicketlabError
from workflow_scripts.ticketlab.core.random_streams import generator
from workflow_scripts.ticketlab.instruments import role_scores
from workflow_scripts.ticketlab.instruments.role_scores import Probe
from workflow_scripts.ticketlab.settings.roles import RolesSettings
from workflow_scripts.ticketlab.tables import files
from workflow_scripts.ticketlab.tables.schemas.roles import ROLES
from workflow_scripts.ticketlab.tasks import markov_chains
from workflow_scripts.ticketlab.tasks.problem import Problem, cross_entropy
from workflow_scripts.ticketlab.training import stack
from workflow_scripts.ticketlab.training.study import Study

SYMBOLS, HALF = 32, 12  # symbols; length of r in [r, r]
SETTINGS = RolesSettings()


@pytest.fixture(autouse=True)
def _one_thread():
    torch.set_num_threads(1)


def distinct_repeated(count=20):
    """[r, r] with no token twice in r: (count, 2·HALF)."""
    random = generator("test", "repeated", 0)
    return torch.from_numpy(np.stack([np.tile(random.permutation(SYMBOLS)[:HALF], 2) for _ in range(count)]))


def of(model, name="test"):
    """A study with this model, whose data no score looks at."""
    return Study(name, problem_of_tokens(), model)


def alone(model):
    return {name: tensor.detach()[None] for name, tensor in model.named_parameters()}


def test_the_built_heads_are_found_and_no_other():
    sequences = distinct_repeated()
    targets = torch.roll(sequences, -1, dims=1)
    late = torch.zeros(targets.shape, dtype=torch.bool)
    late[:, HALF:] = True
    probe = Probe(sequences, targets, {"first": ~late, "repeat": late}, [], sequences)
    model = copying_transformer(SYMBOLS, 2 * HALF)
    scores = {name: values[0] for name, values in role_scores.score(of(model), alone(model), probe, SETTINGS).items()}

    def others(*heads):
        return [head for head in range(4) if head not in heads]

    assert scores["previous_token"][PREVIOUS_TOKEN] == pytest.approx(1, abs=1e-4)
    assert scores["previous_token"][others(PREVIOUS_TOKEN)].max() < 0.25
    # Position 0 has no previous token and passes for its own successor, so the first induction is shared by two.
    assert scores["induction"][INDUCTION] == pytest.approx((HALF - 0.5) / HALF, abs=1e-3)
    assert scores["induction"][others(INDUCTION)].max() < 0.1
    assert scores["duplicate_token"].max() < 0.1
    assert scores["distance"][PREVIOUS_TOKEN] == pytest.approx(1, abs=1e-3)
    assert scores["entropy"][PREVIOUS_TOKEN] == pytest.approx(0, abs=1e-3)
    # The idle heads attend uniformly: entropy log(t + 1), previous token 1/(t + 1), distance t/2.
    t = np.arange(1, 2 * HALF)
    assert scores["entropy"][IDLE] == pytest.approx(np.log(t + 1).mean(), rel=1e-5)
    assert scores["previous_token"][IDLE] == pytest.approx((1 / (t + 1)).mean(), rel=1e-5)
    assert scores["self"][IDLE] == pytest.approx((1 / (t + 1)).mean(), rel=1e-5)
    assert scores["distance"][IDLE] == pytest.approx((t / 2).mean(), rel=1e-5)
    # Both built heads are needed where a copy is right, and there only; ablating an idle head changes nothing at all.
    assert scores["ablation:repeat"][[PREVIOUS_TOKEN, INDUCTION]].min() > 1
    assert (scores["ablation:repeat"][IDLE] == 0).all()
    assert (scores["ablation:first"][IDLE] == 0).all()
    assert scores["ablation:first"][[PREVIOUS_TOKEN, INDUCTION]].max() < 0.3


@pytest.mark.parametrize(
    ("name", "offset"), [("previous_token", 1), ("self", 0), ("duplicate_token", HALF), ("induction", HALF - 1)]
)
def test_attention_at_a_fixed_distance_scores_1_on_its_own_score_and_0_on_the_other_fixed_ones(name, offset):
    time = 2 * HALF
    position = torch.arange(time)
    pattern = F.one_hot((position - offset).clamp(min=0), time).float().expand(1, 3, 1, time, time)
    scores = role_scores.attention_scores([pattern]) | role_scores.repetition_scores([pattern])
    fixed = {score: scores[score].item() for score in ("previous_token", "self", "duplicate_token", "induction")}
    # Attention beyond the beginning falls on position 0, which is the previous one of position 1, and so for all.
    assert fixed.pop(name) == pytest.approx(1)
    assert max(fixed.values()) <= 1 / (time - 1) + 1e-6
    assert scores["entropy"].item() == 0


def test_first_token_attention_does_not_count_as_previous_token_attention():
    pattern = F.one_hot(torch.zeros(8, dtype=torch.long), 8).float().expand(1, 2, 1, 8, 8)
    scores = role_scores.attention_scores([pattern])
    assert scores["first_token"].item() == pytest.approx(1)
    assert scores["distance"].item() == pytest.approx(4)
    previous = F.one_hot((torch.arange(8) - 1).clamp(min=0), 8).float().expand(1, 2, 1, 8, 8)
    assert role_scores.attention_scores([previous])["first_token"].item() == 0


def test_statistical_induction_heads_attend_to_what_followed_the_current_symbol():
    tokens = torch.tensor([[0, 1, 0, 2, 0, 1]])
    to_successors = torch.zeros(6, 6)
    to_successors[2, 1] = to_successors[4, 3] = to_successors[5, 2] = 1  # after the 0, after the last 0, after the 1
    to_previous = F.one_hot((torch.arange(6) - 1).clamp(min=0), 6).float()
    patterns = torch.stack([to_successors, to_previous])[None, None]
    relations = {name: torch.from_numpy(r).float() for name, r in markov_chains.relations(tokens.numpy()).items()}
    (scores,) = role_scores.relation_scores([patterns], relations)["attention:successor"]
    # Of five places after the first three have a successor to attend to: 2, 4 and 5. The previous symbol is one of
    # them at 2 and 4 (0 1 0: the 1 followed the 0).
    np.testing.assert_allclose(scores, [3 / 5, 2 / 5], rtol=1e-6)


def test_ablating_a_head_equals_replacing_its_output_by_the_mean():
    settings = {"kind": "transformer", "layers": 1, "width": 12, "heads": 3, "mlp_width": 0, "positions": "relative"}
    model: Any = models.build(settings, 10, 10, 8)
    model.initialise(torch.Generator().manual_seed(0))
    tokens = torch.from_numpy(generator("test", "tokens", 0).integers(10, size=(6, 8)))
    mask = torch.rand(6, 8, generator=torch.Generator().manual_seed(1)) < 0.5
    with torch.no_grad():
        effects = role_scores.ablation_effects(of(model), alone(model), tokens, tokens, {"some": mask})["some"][0]
        intact, (pattern,) = model(tokens)
        x, attention = model.embedding(tokens), model.blocks[0].attention
        values = attention.value(model.blocks[0].attention_norm(x)).view(6, 8, 3, 4)
        for head in range(3):
            mixed = torch.einsum("bhts,bshd->bthd", pattern, values)
            mixed[:, :, head] = mixed[:, :, head].mean(dim=(0, 1))
            logits = model.unembedding(model.norm(x + attention.output(mixed.reshape(6, 8, 12))))
            losses = [F.cross_entropy(each.mT, tokens, reduction="none")[mask].mean() for each in (logits, intact)]
            assert effects[head].item() == pytest.approx((losses[0] - losses[1]).item(), abs=1e-5)
        assert effects.abs().min() > 1e-4


def perceptron() -> tuple[Any, torch.Tensor, torch.Tensor]:
    model: Any = models.build({"kind": "mlp", "hidden": [7, 5]}, 9, 3, 1)
    model.initialise(torch.Generator().manual_seed(2))
    images = torch.rand(30, 9, generator=torch.Generator().manual_seed(3))
    labels = torch.arange(30) % 3
    return model, images, labels


def test_ablating_a_unit_equals_replacing_its_activation_by_the_mean():
    model, images, labels = perceptron()
    slices = {str(c): labels == c for c in range(3)}
    with torch.no_grad():
        effects = role_scores.ablation_effects(of(model), alone(model), images, labels, slices)
        intact = F.cross_entropy(model(images)[0], labels, reduction="none")
        first, second = F.relu(model.layers[0](images)), None
        for place, component in enumerate(model.components):
            layer, index = component.layer, component.index
            hidden = first.clone()
            if layer == 0:
                hidden[:, index] = hidden[:, index].mean()
            second = F.relu(model.layers[1](hidden))
            if layer == 1:
                second[:, index] = second[:, index].mean()
            rise = F.cross_entropy(model.layers[2](second), labels, reduction="none") - intact
            for c in range(3):
                expected = rise[labels == c].mean().item()
                assert effects[str(c)][0, place].item() == pytest.approx(expected, abs=1e-5)


def test_selectivity_of_a_class_detector_and_of_dead_and_constant_units():
    labels = torch.arange(40) % 4
    activity = torch.stack([(labels == 2).float() * 3, torch.zeros(40), torch.full((40,), 0.1)], dim=-1)[None]
    scores = role_scores.class_selectivity(activity, labels, range(4))
    # On for a quarter of the examples: mean .25·3, sd sqrt(.25·.75)·3.
    assert scores["selectivity:2"][0, 0].item() == pytest.approx(0.75 / np.sqrt(0.1875))
    assert scores["selectivity:0"][0, 0].item() == pytest.approx(-0.25 / np.sqrt(0.1875))
    for values in scores.values():
        assert values[0, 1:].tolist() == [0, 0]


def test_dead_units_make_no_nan_and_score_zero_everywhere():
    model, images, labels = perceptron()
    with torch.no_grad():
        model.layers[0].bias[4] = -100
    probe = Probe(images, labels, {"all": labels >= 0}, [0, 1, 2], None)
    scores = role_scores.score(of(model), alone(model), probe, SETTINGS)
    assert {name.split(":")[0] for name in scores} == {"selectivity", "ablation"}
    for values in scores.values():
        assert np.isfinite(values).all()
        assert values[0, 4] == 0


def test_a_network_scores_the_same_alone_and_in_a_stack_and_a_diverged_neighbour_does_not_matter(monkeypatch):
    model, images, labels = perceptron()
    monkeypatch.setattr(role_scores, "NETWORK_EXAMPLES", 2 * len(images))  # several chunks
    weights = [{k: v[0] for k, v in alone(model).items()}]
    for seed in range(4):
        model.initialise(torch.Generator().manual_seed(seed))
        weights.append({k: v[0].clone() for k, v in alone(model).items()})
    weights[3]["layers.0.weight"] = torch.full_like(weights[3]["layers.0.weight"], float("nan"))
    probe = Probe(images, labels, {"all": labels >= 0}, [0, 1, 2], None)
    together = role_scores.score(of(model), stack.stack(weights), probe, SETTINGS)
    for index in (0, 1, 2, 4):
        single = role_scores.score(of(model), stack.stack([weights[index]]), probe, SETTINGS)
        for name, values in single.items():
            np.testing.assert_allclose(together[name][index], values[0], atol=1e-5)  # float32 sums in another order
    assert all(np.isnan(values[3]).all() for values in together.values())


def problem_of_tokens(examples=9):
    inputs = np.arange(examples)[:, None] + np.zeros((1, 8), dtype=np.int64)  # example i is all i: it names itself
    return Problem(
        inputs=50,
        outputs=50,
        context=8,
        sample=lambda random, size: (inputs[:size], inputs[:size]),
        evaluation={"validation": (inputs, inputs)},
        metrics={"loss": cross_entropy},
        extras={},
        repetition=True,
    )


def test_probes_share_no_example_and_no_sequence_and_are_drawn_alike_each_time():
    rare = np.zeros((9, 8), dtype=bool)
    rare[4, 3] = True  # in one example only, so one probe must lack it
    slices = {"all": np.ones((9, 8), dtype=bool), "rare": rare}
    first, second, again = (
        role_scores.draw_probe(Study("s", problem_of_tokens(), perceptron()[0]), slices, p, SETTINGS) for p in (0, 1, 0)
    )
    assert set(first.inputs[:, 0].tolist()).isdisjoint(second.inputs[:, 0].tolist())
    assert sorted([*first.inputs[:, 0].tolist(), *second.inputs[:, 0].tolist()]) == list(range(9))
    assert list(first.slices) == list(second.slices) == ["all"]
    assert first.repeated is not None and second.repeated is not None and again.repeated is not None
    assert first.repeated.shape == (SETTINGS.random_sequences, 8)
    assert torch.equal(first.repeated[:, :4], first.repeated[:, 4:])
    assert not torch.equal(first.repeated, second.repeated)
    assert torch.equal(first.inputs, again.inputs)
    assert torch.equal(first.repeated, again.repeated)
    with pytest.raises(TicketlabError, match="has 1 examples"):
        role_scores.draw_probe(Study("s", problem_of_tokens(1), perceptron()[0]), {}, 0, SETTINGS)


def test_chosen_families_only_and_a_choice_that_does_not_apply_is_refused():
    model, images, labels = perceptron()
    probe = Probe(images, labels, {"all": labels >= 0}, [0, 1, 2], None)
    assert list(role_scores.score(of(model), alone(model), probe, RolesSettings(scores=["ablation"]))) == [
        "ablation:all"
    ]
    with pytest.raises(TicketlabError, match="induction"):
        role_scores.score(of(model), alone(model), probe, RolesSettings(scores=["induction"]))


def test_rows_put_each_value_at_its_network_and_component_and_round_trip(tmp_path):
    model, *_ = perceptron()
    members = stack.dense_members([3, 8])
    values = np.arange(24.0).reshape(2, 12)
    frame = role_scores.rows(of(model, "s"), members, 100, 1, {"a": values, "b": -values})
    files.write(tmp_path / "roles.parquet", ROLES, frame, {})
    back = files.read(tmp_path / "roles.parquet", ROLES)
    one = back.query("init_seed == 8 and layer == 1 and component == 2")
    assert dict(zip(one["score"], one["value"], strict=True)) == {"a": 21.0, "b": -21.0}
    assert set(one["kind"]) == {"unit"}


def test_a_wave_in_one_symbol_is_all_of_its_frequency_and_two_waves_share():
    """Over all pairs of residues modulo 7: cos 2 of the first symbol; with it cos 3 of the second, twice as large."""
    pairs = torch.cartesian_prod(torch.arange(7), torch.arange(7))
    two, three = (torch.cos(2 * torch.pi * k / 7 * pairs[:, s]) for k, s in ((2, 0), (3, 1)))
    activity = torch.stack([5 + two, two + 2 * three, torch.full((49,), 0.3)], dim=-1)[None]
    scores = role_scores.frequency_shares(activity, pairs, 7)
    assert list(scores) == ["frequency:1", "frequency:2", "frequency:3"]
    found = torch.stack([values[0] for values in scores.values()])
    expected = torch.tensor([[0, 0, 0], [1, 0.2, 0], [0, 0.8, 0]], dtype=torch.float64)
    torch.testing.assert_close(found, expected, atol=1e-6, rtol=0)
