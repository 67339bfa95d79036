import numpy as np
import pytest
import torch

from workflow_scripts.ticketlab.calibration.hand_built import outvoting_transformers, table_transformers
from workflow_scripts.ticketlab.calibration.structure import stay_chain
from workflow_scripts.ticketlab.instruments import nearest_part, reference_distances
from workflow_scripts.ticketlab.settings.structure import StructureSettings
from workflow_scripts.ticketlab.tasks.problem import Components, Problem
from workflow_scripts.ticketlab.training.study import Study

SYMBOLS, TIME = 8, 16
UNIFORM, HALF, MOST = (stay_chain(a) for a in (1 / SYMBOLS, 0.5, 0.9))


def no_batches(random, batch_size):
    raise AssertionError("no batch is needed here")


def opened(model, sequences=6, **chains):
    """A study and its reference predictors; every symbol is as frequent as any other in every sequence."""
    inputs = np.stack([np.random.default_rng(i).permutation(TIME) % SYMBOLS for i in range(sequences)])
    problem = Problem(SYMBOLS, SYMBOLS, TIME, no_batches, {"validation": (inputs, inputs)}, {}, {})
    predictors = {name: table.astype(np.float32).__getitem__ for name, table in chains.items()}
    references = reference_distances.references(problem, predictors, StructureSettings(), torch.device("cpu"))
    return Study("test", problem, model), references


def tensors(*tables):
    return torch.from_numpy(np.stack(tables))


def test_an_outvoted_predictor_is_found_without_the_head_that_outvotes_it():
    model, weights = outvoting_transformers(tensors(HALF, MOST), tensors(MOST - HALF, HALF - MOST), TIME)
    study, references = opened(model, half=HALF, most=MOST)
    whole = reference_distances.distances(study, weights, references)
    np.testing.assert_allclose([whole["most"][0], whole["half"][1]], 0, atol=1e-5)
    parts = nearest_part.nearest_parts(study, weights, references)
    for name, gates in (("half", [[0], [1]]), ("most", [[1], [0]])):
        np.testing.assert_allclose(parts[name].distance, 0, atol=1e-5)
        assert parts[name].gates.tolist() == gates
    # With the other network's choice each is as far from the predictor as it is the other way round.
    other = nearest_part.elsewhere(study, weights, references, parts)
    np.testing.assert_allclose(other["half"], whole["half"][0], rtol=1e-4)


def test_the_search_is_evaluated_on_examples_that_it_has_not_seen():
    _, references = opened(table_transformers(tensors(UNIFORM), TIME)[0], sequences=7, half=HALF)
    search, evaluation = nearest_part.halves(references)
    assert torch.equal(search.inputs, references.inputs[[0, 2, 4, 6]])
    assert torch.equal(evaluation.inputs, references.inputs[[1, 3, 5]])
    assert len(evaluation.predictions["half"]) == 3


class Sum(torch.nn.Module):
    """Logits are a sum over many components, each of which gives its own row whatever the input is."""

    def __init__(self, components):
        super().__init__()
        self.rows = torch.nn.Parameter(torch.zeros(components, SYMBOLS))
        self.components = list(range(components))

    def forward(self, tokens, gates=None):
        rows = self.rows if gates is None else self.rows * gates[:, None]
        return rows.sum(0).expand(*tokens.shape, SYMBOLS), []


@pytest.mark.parametrize("components", [5, 40])
def test_the_search_finds_what_stands_in_the_way_among_few_and_many_components(components):
    """Few are given up one by one, many several at once, and none that helps."""
    rows = torch.zeros(1, components, SYMBOLS)
    rows[0, 0, 0] = 3.0  # what the predictor says
    rows[0, 1:4, 1] = 2.0  # three that say something else
    study, references = opened(Sum(components), one=np.tile(torch.log_softmax(rows[0, 0], 0).numpy(), (SYMBOLS, 1)))
    (part,) = nearest_part.nearest_parts(study, {"rows": rows}, references).values()
    assert part.distance == pytest.approx(0, abs=1e-5)
    assert part.gates[0, :4].tolist() == [1, 0, 0, 0]


class Longer(torch.nn.Module):
    """Predicts by its last symbol where that is all there is, and the uniform chain where there are more."""

    components = ()

    def __init__(self):
        super().__init__()
        self.table = torch.nn.Parameter(torch.zeros(SYMBOLS, SYMBOLS))

    def forward(self, tokens, gates=None):
        embedded = tokens @ self.table if tokens.is_floating_point() else self.table[tokens]
        return embedded if tokens.shape[1] == 1 else torch.zeros(*tokens.shape[:2], SYMBOLS), []


def test_a_network_that_sees_only_what_the_predictor_sees_may_still_agree_with_it():
    study, references = opened(Longer(), half=HALF, mean=np.tile(np.log(np.full(SYMBOLS, 1 / SYMBOLS)), (SYMBOLS, 1)))
    weights = {"table": tensors(HALF, MOST).float()}
    found = nearest_part.in_cut_context(study, weights, references, {"half": 1, "mean": 0, "absent": 2})
    assert set(found) == {"half", "mean"}
    assert found["half"][0] == pytest.approx(0, abs=1e-6) and found["half"][1] > 0.1
    # The mean of all symbols, each as frequent, says nothing of the next.
    np.testing.assert_allclose(found["mean"], 0, atol=1e-6)
    assert nearest_part.in_cut_context(study, weights, references, {"half": 2})["half"][0] > 0.1


def test_the_straight_path_passes_what_lies_between_its_ends():
    model, weights = table_transformers(tensors(UNIFORM, MOST), TIME)
    study, references = opened(model, half=HALF, rare=stay_chain(0.01))
    start, end = ({name: tensor[[index]] for name, tensor in weights.items()} for index in (0, 1))
    components = Components(references.inputs.numpy(), {"scale": lambda logits, _: logits.max(axis=(1, 2, 3))})
    least = nearest_part.nearest_on_path(study, start, end, references, components)
    assert least["half"] == pytest.approx(0, abs=1e-3)
    # What lies on the other side of the start is nearest at the start.
    start_distance = reference_distances.distances(study, start, references)["rare"]
    np.testing.assert_allclose(least["rare"], start_distance, rtol=1e-5)
    assert least["scale"] == pytest.approx(np.log(1 / SYMBOLS), rel=1e-4)
