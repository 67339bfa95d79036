import math

import numpy as np
import pytest
import torch

from workflow_scripts.ticketlab.instruments import reference_distances
from workflow_scripts.ticketlab.settings.structure import StructureSettings
from workflow_scripts.ticketlab.tasks.problem import Problem
from workflow_scripts.ticketlab.training.study import Study

CPU = torch.device("cpu")


class Table(torch.nn.Module):
    """A network that is its own table of logits, one row per symbol."""

    def __init__(self, symbols):
        super().__init__()
        self.logits = torch.nn.Parameter(torch.zeros(symbols, symbols))

    def forward(self, tokens, gates=None):
        return self.logits[tokens], []


def normalised(scores):
    return (scores - np.logaddexp.reduce(scores, axis=-1, keepdims=True)).astype(np.float32)


def no_batches(random, batch_size):
    raise AssertionError("no batch is needed here")


def table_problem(symbols=5, sequences=7, time=6, seed=0):
    random = np.random.default_rng(seed)
    tokens = random.integers(symbols, size=(sequences, time + 1))
    return Problem(
        inputs=symbols,
        outputs=symbols,
        context=time,
        sample=no_batches,
        evaluation={"validation": (tokens[:, :-1], tokens[:, 1:])},
        metrics={},
        extras={},
    )


def predictor(rows):
    return lambda inputs: normalised(rows)[inputs]


def open_references(problem, **rows):
    predictors = {name: predictor(table) for name, table in rows.items()}
    return reference_distances.references(problem, predictors, StructureSettings(), CPU)


def test_a_network_that_says_what_a_predictor_says_is_at_distance_zero():
    random = np.random.default_rng(0)
    tables = random.normal(scale=3, size=(2, 5, 5))
    references = open_references(table_problem(), one=tables[0], other=tables[1])
    # Logits are free up to a constant.
    weights = {"logits": torch.tensor(tables + np.array([[[0.0]], [[7.0]]]), dtype=torch.float32)}
    found = reference_distances.distances(Study("test", table_problem(), Table(5)), weights, references)
    assert found["one"][0] == pytest.approx(0, abs=1e-6)
    assert found["other"][1] == pytest.approx(0, abs=1e-6)
    assert min(found["one"][1], found["other"][0]) > 0.1


def test_known_distances():
    """Uniform network: KL(p ‖ uniform) = log V − H(p); sure predictor: KL = the network's own −log q."""
    skewed = np.tile(np.log([0.5, 0.25, 0.125, 0.0625, 0.0625]), (5, 1))
    sure = np.tile([0.0, -1e4, -1e4, -1e4, -1e4], (5, 1))
    references = open_references(table_problem(), skewed=skewed, sure=sure)
    weights = {"logits": torch.stack([torch.zeros(5, 5), torch.tensor(skewed, dtype=torch.float32)])}
    found = reference_distances.distances(Study("test", table_problem(), Table(5)), weights, references)
    entropy = 1.875 * math.log(2)
    np.testing.assert_allclose(found["skewed"], [math.log(5) - entropy, 0], atol=1e-6)
    np.testing.assert_allclose(found["sure"], [math.log(5), math.log(2)], atol=1e-6)


def test_distances_are_averages_over_all_places_however_they_are_cut_up(monkeypatch):
    random = np.random.default_rng(0)
    problem = table_problem()
    rows, logits = random.normal(size=(5, 5)), random.normal(size=(3, 5, 5))
    references = open_references(problem, one=rows)
    weights = {"logits": torch.tensor(logits, dtype=torch.float32)}
    log_p, log_q = normalised(rows), normalised(logits)
    by_symbol = (np.exp(log_p) * (log_p - log_q)).sum(-1)  # (networks, symbols)
    exact = by_symbol[:, problem.evaluation["validation"][0]].mean(axis=(1, 2))
    for chunk in (1, 200, 1 << 24):
        monkeypatch.setattr(reference_distances, "CHUNK", chunk)
        np.testing.assert_allclose(
            reference_distances.distances(Study("test", table_problem(), Table(5)), weights, references)["one"],
            exact,
            rtol=1e-5,
        )


def test_images_have_one_place_per_example():
    random = np.random.default_rng(0)
    features, labels = random.normal(size=(9, 4)).astype(np.float32), random.integers(3, size=9)
    problem = Problem(4, 3, 1, no_batches, {"validation": (features, labels)}, {}, {})
    uniform = np.full((9, 3), -math.log(3), dtype=np.float32)
    references = reference_distances.references(problem, {"uniform": lambda _: uniform}, StructureSettings(), CPU)

    class Linear(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.weight = torch.nn.Parameter(torch.zeros(3, 4))

        def forward(self, x, gates=None):
            return x @ self.weight.T, []

    found = reference_distances.distances(
        Study("test", problem, Linear()), {"weight": torch.zeros(2, 3, 4)}, references
    )
    np.testing.assert_allclose(found["uniform"], [0, 0], atol=1e-6)
    assert references.floors["uniform"] == pytest.approx(math.log(3))


def test_the_floor_is_the_predictors_own_loss():
    problem = table_problem()
    rows = np.random.default_rng(0).normal(size=(5, 5))
    inputs, targets = problem.evaluation["validation"]
    assert open_references(problem, one=rows).floors["one"] == pytest.approx(-normalised(rows)[inputs, targets].mean())


def test_predictors_measure_each_other_as_networks_would():
    tables = np.random.default_rng(0).normal(size=(2, 5, 5))
    references = open_references(table_problem(), one=tables[0], other=tables[1])
    between = reference_distances.between(references)
    found = reference_distances.distances(
        Study("test", table_problem(), Table(5)), {"logits": torch.tensor(tables, dtype=torch.float32)}, references
    )
    for name in ("one", "other"):
        np.testing.assert_allclose(list(between[name].values()), found[name], atol=1e-6)
    assert between["one"]["one"] == pytest.approx(0, abs=1e-6)


def test_structures_can_be_chosen():
    predictors = {name: predictor(np.zeros((5, 5))) for name in ("a", "b")}
    chosen = reference_distances.references(table_problem(), predictors, StructureSettings(structures=["b"]), CPU)
    assert list(chosen.predictions) == ["b"]


def test_in_a_regression_floor_and_distance_are_squared_errors_over_twice_the_variance():
    """σ = 3: a prediction 3 and 1 off the targets costs (9 + 1)/2/18; outputs 4 and 0 off the prediction 16/2/18."""
    inputs, targets = np.array([[0], [1]]), np.array([[0.0], [0.0]], dtype=np.float32)
    problem = Problem(2, 1, 1, no_batches, {"validation": (inputs, targets)}, {}, {}, noise=3.0)
    means = np.array([[3.0], [1.0]], dtype=np.float32)
    found = reference_distances.references(problem, {"one": lambda x: means[x]}, StructureSettings(), CPU)
    assert found.floors["one"] == pytest.approx(10 / 2 / 18)

    class Means(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.table = torch.nn.Parameter(torch.zeros(2, 1))

        def forward(self, tokens, gates=None):
            return self.table[tokens], []

    weights = {"table": torch.tensor([[[7.0], [1.0]], [[3.0], [1.0]]])}
    distances = reference_distances.distances(Study("test", problem, Means()), weights, found)
    np.testing.assert_allclose(distances["one"], [16 / 2 / 18, 0])
