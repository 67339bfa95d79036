from itertools import pairwise

import numpy as np
import pytest

from workflow_scripts.ticketlab.core.random_streams import generator
from workflow_scripts.ticketlab.tables import files
from workflow_scripts.ticketlab.tables.schemas.data import DATA
from workflow_scripts.ticketlab.tasks import markov_chains
from workflow_scripts.ticketlab.tasks.problem import SPLITS


@pytest.fixture(scope="module")
def settings():
    return markov_chains.Settings(kind="markov_chains", states=3, context=20, evaluation_sequences=400)


@pytest.fixture(scope="module")
def problem(settings):
    return markov_chains.load(*markov_chains.prepare(settings, "chains"), settings)


def log_loss(predictor, problem, split):
    inputs, targets = problem.evaluation[split]
    return -np.take_along_axis(predictor(inputs), targets[..., None], -1).mean()


def test_the_table_holds_all_of_the_task(settings, problem, tmp_path):
    frame, facts = markov_chains.prepare(settings, "chains")
    assert facts == {"states": 3, "concentration": 0.3}
    files.write(tmp_path / "data.parquet", DATA, frame, {}, facts=facts)
    stored = files.facts(tmp_path / "data.parquet", DATA)["facts"]
    loaded = markov_chains.load(files.read(tmp_path / "data.parquet", DATA), stored, settings)
    for split in SPLITS:
        for one, other in zip(loaded.evaluation[split], problem.evaluation[split], strict=True):
            np.testing.assert_array_equal(one, other)
            assert one.dtype == np.int64 and one.shape == (400, 20)


def test_a_target_is_the_next_symbol(problem):
    for inputs, targets in [*problem.evaluation.values(), problem.sample(generator("chains", "batch", 0, 0), 8)]:
        np.testing.assert_array_equal(inputs[:, 1:], targets[:, :-1])
        assert set(np.unique(targets)) == {0, 1, 2}


def test_no_sequence_of_one_split_or_batch_stands_in_another(settings, problem):
    batch = problem.sample(generator("chains", "batch", 0, 0), 400)
    parts = [{tuple(row) for row in inputs} for inputs, _ in [*problem.evaluation.values(), batch]]
    # Chains that stay in few states repeat each other by chance; independent streams share no more than that.
    shared = len(parts[0] & parts[1])
    assert max(len(a & b) for index, a in enumerate(parts) for b in parts[:index]) <= 2 * shared + 5 < 40


def test_symbols_follow_the_transitions_that_the_prior_allows():
    settings = markov_chains.Settings(kind="markov_chains", states=4, concentration=0.5, context=4)
    symbols = markov_chains.chains(generator("test", "chains", 0), 40_000, settings)
    # The mean over the prior of a first transition is uniform.
    pairs = np.bincount(symbols[:, 0] * 4 + symbols[:, 1], minlength=16) / 40_000
    np.testing.assert_allclose(pairs, 1 / 16, atol=0.005)
    # Back in a state that was left for j once, j follows again with probability (1 + α)/(1 + kα).
    back = symbols[(symbols[:, 0] == symbols[:, 2]) & (symbols[:, 0] != symbols[:, 1])]
    assert (back[:, 1] == back[:, 3]).mean() == pytest.approx(1.5 / 3, abs=0.02)


def test_the_bigram_predictor_is_the_posterior_mean_of_brute_force(settings, problem):
    """Matrices from the prior, weighted by the likelihood of the sequence so far."""
    inputs = problem.evaluation["validation"][0][:5, :6]
    random = generator("test", "prior", 0)
    matrices = random.dirichlet(np.full(3, settings.concentration), size=(400_000, 3))
    predicted = np.exp(markov_chains.references(problem)["bigram"](inputs))
    for row, symbols in enumerate(inputs):
        weights = np.ones(len(matrices))
        for before, after in pairwise(symbols):
            weights *= matrices[:, before, after]
        exact = weights @ matrices[:, symbols[-1]] / weights.sum()
        np.testing.assert_allclose(predicted[row, -1], exact, atol=0.02)


def test_predictors_by_hand(problem):
    predictors = markov_chains.references(problem)
    inputs = np.array([[0, 1, 0, 1, 0, 2, 0]])
    unigram, bigram = (np.exp(predictors[name](inputs))[0] for name in ("unigram", "bigram"))
    np.testing.assert_allclose(unigram[0], [1.3 / 1.9, 0.3 / 1.9, 0.3 / 1.9], rtol=1e-6)
    np.testing.assert_allclose(unigram[-1], [4.3 / 7.9, 2.3 / 7.9, 1.3 / 7.9], rtol=1e-6)
    np.testing.assert_allclose(bigram[0], 1 / 3, rtol=1e-6)  # no transition seen
    np.testing.assert_allclose(bigram[5], 1 / 3, rtol=1e-6)  # none from symbol 2
    np.testing.assert_allclose(bigram[-1], [0.3 / 3.9, 2.3 / 3.9, 1.3 / 3.9], rtol=1e-6)


def test_predictors_are_distributions_that_do_not_see_the_future(problem):
    inputs, _ = problem.evaluation["test"]
    changed = inputs.copy()
    changed[:, 10:] = (changed[:, 10:] + 1) % 3
    for predictor in markov_chains.references(problem).values():
        predicted = predictor(inputs)
        assert predicted.dtype == np.float32 and predicted.shape == (*inputs.shape, 3)
        np.testing.assert_allclose(np.exp(predicted).sum(axis=-1), 1, atol=1e-5)
        np.testing.assert_array_equal(predicted[:, :10], predictor(changed)[:, :10])


def test_the_bigram_predictor_is_the_better_one(problem):
    predictors = markov_chains.references(problem)
    for split in SPLITS:
        bigram, unigram = (log_loss(predictors[name], problem, split) for name in ("bigram", "unigram"))
        assert bigram + 0.1 < unigram < np.log(3)


def test_slices_tell_the_predictors_apart(problem):
    slices = markov_chains.slices(problem, "validation")
    inputs, targets = problem.evaluation["validation"]
    assert {name: mask.shape for name, mask in slices.items()} == dict.fromkeys(slices, targets.shape)
    assert (slices["bigram"] ^ slices["unigram"]).all()
    assert slices["early"].sum() == slices["late"].sum() == 400 * 5 and not (slices["early"] & slices["late"]).any()
    probability = {
        name: np.take_along_axis(predictor(inputs), targets[..., None], -1)[..., 0]
        for name, predictor in markov_chains.references(problem).items()
    }
    gain = probability["bigram"] - probability["unigram"]
    assert gain[slices["bigram"]].min() > 0 >= gain[slices["unigram"]].max()
