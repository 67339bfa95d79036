"""Modular addition: pairs and splits, the two components of logits, frequencies, and that the default recipe groks."""

import numpy as np
import pytest
import torch
from pydantic import ValidationError

from workflow_scripts.ticketlab import models
from workflow_scripts.ticketlab.core.random_streams import generator
from workflow_scripts.ticketlab.instruments import reference_distances, role_scores
from workflow_scripts.ticketlab.instruments.role_scores import Probe
from workflow_scripts.ticketlab.settings.roles import RolesSettings
from workflow_scripts.ticketlab.settings.structure import StructureSettings
from workflow_scripts.ticketlab.settings.training import TrainingSettings
from workflow_scripts.ticketlab.tables import files
from workflow_scripts.ticketlab.tables.schemas.data import DATA
from workflow_scripts.ticketlab.tasks import modular_addition
from workflow_scripts.ticketlab.training import stack
from workflow_scripts.ticketlab.training import train as training
from workflow_scripts.ticketlab.training.evaluation import evaluate
from workflow_scripts.ticketlab.training.study import Study
from workflow_scripts.ticketlab.training.train import initial_state, initial_weights

P = 11
CPU = torch.device("cpu")


@pytest.fixture(scope="module")
def settings():
    return modular_addition.Settings(kind="modular_addition", modulus=P, train_share=0.6, key_frequencies=2)


@pytest.fixture(scope="module")
def problem(settings):
    return modular_addition.load(*modular_addition.prepare(settings, "sums"), settings)


@pytest.fixture(scope="module")
def measures(problem):
    return modular_addition.components(problem)


def answers():
    a, b = np.divmod(np.arange(P * P), P)
    return a, b, (a + b) % P


def of_offset(function):
    """Logits (1, pairs, P) that depend on c − a − b only."""
    a, b, _ = answers()
    return function[(np.arange(P) - (a + b)[:, None]) % P][None]


def test_every_unordered_pair_is_in_one_split_with_its_sum(problem):
    pairs = np.concatenate([inputs for inputs, _ in problem.evaluation.values()])
    sums = np.concatenate([targets for _, targets in problem.evaluation.values()])
    assert len(pairs) == P * (P + 1) // 2 == len(np.unique(np.sort(pairs, axis=1), axis=0))
    np.testing.assert_array_equal(pairs.sum(axis=1) % P, sums)
    sizes = {split: len(targets) for split, (_, targets) in problem.evaluation.items()}
    assert sizes == {"train": 40, "validation": 13, "test": 13}


def test_the_table_holds_all_of_the_task(settings, problem, tmp_path):
    frame, facts = modular_addition.prepare(settings, "sums")
    files.write(tmp_path / "data.parquet", DATA, frame, {}, facts=facts)
    stored = files.facts(tmp_path / "data.parquet", DATA)["facts"]
    loaded = modular_addition.load(files.read(tmp_path / "data.parquet", DATA), stored, settings)
    for split in ("train", "validation", "test"):
        for one, other in zip(loaded.evaluation[split], problem.evaluation[split], strict=True):
            np.testing.assert_array_equal(one, other)


def test_batches_come_from_train(problem):
    train = {tuple(pair) for pair in problem.evaluation["train"][0]}
    inputs, targets = problem.sample(generator("sums", "batch", 0, 0), 200)
    drawn = {tuple(pair) for pair in inputs}
    assert drawn <= train and len(drawn) > len(train) / 2
    np.testing.assert_array_equal(inputs.sum(axis=1) % P, targets)
    inputs, targets = problem.epochs.take(3, np.arange(problem.epochs.size))
    assert {tuple(pair) for pair in inputs} == train and len(inputs) == len(train)
    np.testing.assert_array_equal(inputs.sum(axis=1) % P, targets)


@pytest.mark.parametrize(
    ("values", "fault"),
    [
        ({"modulus": 57}, "57 must be an odd prime"),
        ({"modulus": 64}, "64 must be an odd prime"),
        ({"modulus": 11, "key_frequencies": 5}, "fewer than the 5 frequencies"),
    ],
)
def test_impossible_settings_are_refused(values, fault):
    with pytest.raises(ValidationError, match=fault):
        modular_addition.Settings.model_validate({"kind": "modular_addition", "train_share": 0.5, **values})


def test_the_distance_to_the_rule_is_the_networks_own_loss(problem):
    model = models.build({"kind": "embedding_mlp", "width": 6, "hidden": 9}, P, P, 1)
    weights = initial_weights(Study("sums", problem, model), [0, 1])
    references = reference_distances.references(problem, modular_addition.references(problem), StructureSettings(), CPU)
    assert references.floors == {"rule": 0.0} and reference_distances.between(references) == {"rule": {"rule": 0.0}}
    loss = evaluate(Study("test", problem, model), weights, ["validation"])["validation", "loss"]
    found = reference_distances.distances(Study("test", problem, model), weights, references)
    np.testing.assert_allclose(found["rule"], loss, rtol=1e-5)


def test_a_network_of_offsets_alone_generalises_and_memorises_nothing(measures):
    function = np.random.default_rng(0).normal(size=P)
    logits = of_offset(function)
    loss = np.log(np.exp(function).sum()) - function[0]
    assert measures.distances["generalising"](logits, {})[0] == pytest.approx(loss)
    assert measures.distances["memorising"](logits, {})[0] == pytest.approx(np.log(P))  # nothing is left: uniform


def test_a_table_of_the_train_pairs_is_memory_less_its_own_average(problem, measures):
    """Logit s at the answer of each train pair, both ways round: the average over pairs is s·share at offset 0."""
    size = 20.0
    train = {tuple(pair) for pair in problem.evaluation["train"][0]}
    a, b, answer = answers()
    seen = np.array([(min(pair), max(pair)) in train for pair in zip(a, b, strict=True)])
    logits = np.zeros((1, P * P, P))
    logits[0, np.arange(P * P), answer] = size * seen
    share = seen.mean()

    def loss(logit):
        return np.log(np.exp(logit) + P - 1) - logit

    memory = measures.distances["memorising"]
    assert memory(logits, {})[0] == pytest.approx(0, abs=1e-6)  # at a large scale, a table says all
    assert measures.distances["generalising"](logits, {})[0] == pytest.approx(loss(size * share))


def test_how_large_logits_are_says_nothing_of_what_is_memorised(measures):
    logits = np.random.default_rng(0).normal(size=(2, P * P, P))
    memory = measures.distances["memorising"]
    np.testing.assert_allclose(memory(100 * logits, {}), memory(logits, {}))
    # What says nothing of the answers is best at scale 0, and no logits are like it.
    assert (memory(logits, {}) <= np.log(P)).all()
    assert memory(0 * logits, {}) == pytest.approx(np.log(P))


def test_components_do_not_see_each_other_nor_the_constant_of_a_pairs_logits(measures):
    random = np.random.default_rng(1)
    logits = random.normal(size=(2, P * P, P))
    constants = random.normal(size=(2, P * P, 1))
    memory, rule = measures.distances["memorising"], measures.distances["generalising"]
    np.testing.assert_allclose(memory(logits + of_offset(random.normal(size=P)), {}), memory(logits, {}))
    rest = logits - of_offset(modular_addition._by_offset(logits[:1], measures.inputs).mean(axis=1)[0])
    assert rule(rest[:1], {})[0] == pytest.approx(np.log(P))
    for measure in (memory, rule):
        np.testing.assert_allclose(measure(logits + constants, {}), measure(logits, {}))


def test_the_embedding_is_made_of_its_frequencies(measures):
    a = np.arange(P)[:, None]
    phases = np.random.default_rng(2).uniform(0, 2 * np.pi, size=12)
    waves = [np.cos(2 * np.pi * frequency * a / P + phases) for frequency in (1, 3, 4)]
    embedding = np.stack([waves[0] + 0.5 * waves[1] + 7.0, sum(waves)])  # a constant is no frequency
    shares = modular_addition.frequency_shares(embedding)
    np.testing.assert_allclose(shares, [[0.8, 0, 0.2, 0, 0], [1 / 3, 0, 1 / 3, 1 / 3, 0]], atol=1e-12)
    distance = measures.distances["embedding"](np.zeros(0), {"embedding.weight": embedding})
    np.testing.assert_allclose(distance, [0, 1 / 3], atol=1e-12)  # two key frequencies


def test_components_of_a_stack_are_those_of_its_networks(problem, measures):
    model = models.build({"kind": "embedding_mlp", "width": 6, "hidden": 9}, P, P, 1)
    weights = initial_weights(Study("sums", problem, model), [0, 1, 2])
    together = reference_distances.component_distances(Study("test", problem, model), weights, measures)
    assert set(together) == {"generalising", "memorising", "embedding"}
    for index in range(3):
        alone = reference_distances.component_distances(
            Study("test", problem, model), stack.take(weights, [index]), measures
        )
        assert {name: values[index] for name, values in together.items()} == pytest.approx(
            {name: values[0] for name, values in alone.items()}
        )


def test_slices_divide_the_pairs_by_whether_their_sum_wraps(problem):
    slices = modular_addition.slices(problem, "validation")
    inputs, targets = problem.evaluation["validation"]
    np.testing.assert_array_equal(slices["wrapped"], targets < inputs.max(axis=1))
    np.testing.assert_array_equal(slices["direct"], ~slices["wrapped"])


def test_a_units_frequencies_are_the_waves_in_its_operands():
    residues = torch.from_numpy(np.stack(np.divmod(np.arange(P * P), P), axis=1))
    a, b = residues.double().T * 2 * np.pi / P
    units = {
        "one wave": torch.cos(3 * a + 0.4) + torch.cos(3 * b + 0.4),
        "two waves": 2 * torch.cos(2 * a) + torch.sin(5 * b),
        "wave of the sum": torch.cos(3 * (a + b)),
        "rectified": torch.relu(torch.cos(4 * a) + torch.cos(4 * b)),
        "dead": torch.zeros(P * P),
    }
    scores = role_scores.frequency_shares(torch.stack(list(units.values()), dim=-1)[None], residues, P)
    assert list(scores) == [f"frequency:{k}" for k in range(1, 6)]
    found = {name: [scores[f"frequency:{k}"][0, i].item() for k in range(1, 6)] for i, name in enumerate(units)}
    assert found["one wave"] == pytest.approx([0, 0, 1, 0, 0], abs=1e-9)
    assert found["two waves"] == pytest.approx([0, 0.8, 0, 0, 0.2], abs=1e-9)
    assert found["wave of the sum"] == pytest.approx([0] * 5, abs=1e-9)
    assert found["dead"] == [0] * 5
    assert np.argmax(found["rectified"]) == 3 and 0.5 < sum(found["rectified"]) < 1


def test_units_of_residues_are_scored_by_frequency_in_place_of_class(problem):
    model = models.build({"kind": "embedding_mlp", "width": 6, "hidden": 9}, P, P, 1)
    weights = initial_weights(Study("sums", problem, model), [0])
    slices = modular_addition.slices(problem, "validation")
    probe: Probe = role_scores.draw_probe(Study("sums", problem, model), slices, 0, RolesSettings())
    found = role_scores.score(Study("test", problem, model), weights, probe, RolesSettings())
    assert {name.split(":")[0] for name in found} == {"frequency", "ablation"}
    assert set(
        role_scores.score(Study("test", problem, model), weights, probe, RolesSettings(scores=["frequency"]))
    ) == {f"frequency:{k}" for k in range(1, 6)}


@pytest.mark.slow
def test_the_default_recipe_memorises_first_and_then_forgets_that_for_the_rule(shipped):
    """Grokking (Power et al. 2022, arXiv:2201.02177) with the default study's thresholds, on another split."""
    study = shipped["studies"]["modular_addition"]
    settings = modular_addition.Settings(**study["task"])
    problem = modular_addition.load(*modular_addition.prepare(settings, "sums"), settings)
    model = models.build(study["model"], problem.inputs, problem.outputs, problem.context)
    recipe = TrainingSettings(**study["training"])
    members = stack.dense_members(range(2))
    start = initial_state(initial_weights(Study("sums", problem, model), range(2)), recipe)
    record = [0, 100, recipe.steps]
    courses = []
    for state in training.train(Study("sums", problem, model), members, start, recipe, record):
        values = evaluate(Study("test", problem, model), state.weights)
        parts = reference_distances.component_distances(
            Study("test", problem, model), state.weights, modular_addition.components(problem)
        )
        courses.append((values["train", "error"], values["validation", "error"], parts["memorising"]))
    (_, _, first), (train, validation, learned), (_, end, last) = courses
    assert (train < 0.01).all() and (validation > 0.98).all()
    assert (end < 0.05).all()
    assert (1 - learned / first > 0.5).all()
    assert ((last - learned) / (first - learned) > 0.5).all()
