import numpy as np
import pytest
import torch
from pydantic import ValidationError

from workflow_scripts.ticketlab import models
from workflow_scripts.ticketlab.core.random_streams import generator
from workflow_scripts.ticketlab.instruments import reference_distances, role_scores
from workflow_scripts.ticketlab.settings.roles import RolesSettings
from workflow_scripts.ticketlab.settings.structure import StructureSettings
from workflow_scripts.ticketlab.tables import files
from workflow_scripts.ticketlab.tables.schemas.data import DATA
from workflow_scripts.ticketlab.tasks import linear_regression
from workflow_scripts.ticketlab.tasks.problem import SPLITS, losses
from workflow_scripts.ticketlab.training.recording import record
from workflow_scripts.ticketlab.training.stack import dense_members
from workflow_scripts.ticketlab.training.study import Study
from workflow_scripts.ticketlab.training.train import State, initial_weights

SETS = [*SPLITS, "new_tasks"]


@pytest.fixture(scope="module")
def settings():
    return linear_regression.Settings(
        kind="linear_regression", dimension=3, tasks=6, examples=7, evaluation_sequences=300
    )


@pytest.fixture(scope="module")
def problem(settings):
    return linear_regression.load(*linear_regression.prepare(settings, "regression"), settings)


def mean_loss(predictor, problem, name):
    inputs, targets = problem.evaluation[name]
    return losses(torch.from_numpy(predictor(inputs)), torch.from_numpy(targets), problem.noise).mean().item()


def test_the_table_holds_all_of_the_task(settings, problem, tmp_path):
    frame, facts = linear_regression.prepare(settings, "regression")
    files.write(tmp_path / "data.parquet", DATA, frame, {}, facts=facts)
    stored = files.facts(tmp_path / "data.parquet", DATA)["facts"]
    loaded = linear_regression.load(files.read(tmp_path / "data.parquet", DATA), stored, settings)
    assert list(loaded.evaluation) == SETS
    np.testing.assert_array_equal(loaded.extras["pool"], problem.extras["pool"])
    for name in SETS:
        for one, other in zip(loaded.evaluation[name], problem.evaluation[name], strict=True):
            np.testing.assert_array_equal(one, other)
            assert one.dtype == np.float32 and one.shape[:2] == (300, 7)


def test_a_token_holds_the_example_before_and_the_input_to_predict_for(problem):
    for inputs, targets in [*problem.evaluation.values(), problem.sample(generator("test", "batch", 0, 0), 5)]:
        np.testing.assert_array_equal(inputs[:, 1:, 3:6], inputs[:, :-1, :3])
        np.testing.assert_array_equal(inputs[:, 1:, 6], targets[:, :-1])
        assert (inputs[:, 0, 3:7] == 0).all() and (inputs[..., 7] == 1).all()


def test_the_pool_has_mean_0_and_covariance_1(problem):
    pool = problem.extras["pool"]
    assert pool.shape == (6, 3)
    np.testing.assert_allclose(pool.mean(axis=0), 0, atol=1e-12)
    np.testing.assert_allclose(pool.T @ pool / 6, np.eye(3), atol=1e-12)


def test_a_pool_that_cannot_be_whitened_is_refused():
    with pytest.raises(ValidationError, match="more than dimension 4"):
        linear_regression.Settings.model_validate({"kind": "linear_regression", "dimension": 4, "tasks": 4})


def task_of(inputs, targets):
    """The task behind each sequence by least squares over its seven examples."""
    return np.stack([np.linalg.lstsq(x, y, rcond=None)[0] for x, y in zip(inputs[..., :3], targets, strict=True)])


def test_tasks_are_of_the_pool_but_in_the_set_of_new_tasks(problem):
    pool = problem.extras["pool"]
    batch = problem.sample(generator("test", "batch", 0, 0), 300)
    distance = {}
    for name, (inputs, targets) in {**problem.evaluation, "batch": batch}.items():
        found = task_of(inputs, targets)
        distance[name] = np.median(np.linalg.norm(found[:, None] - pool, axis=-1).min(axis=1))
    assert max(distance[name] for name in [*SPLITS, "batch"]) < 0.5 < distance["new_tasks"]
    new = task_of(*problem.evaluation["new_tasks"])
    assert len(np.unique(new.round(3), axis=0)) == 300


def test_targets_have_the_noise_that_the_settings_say():
    settings = linear_regression.Settings(kind="linear_regression", noise=0.5, examples=50)
    tasks = np.ones((400, 4))
    x, y = linear_regression.sequences(generator("test", "x", 0), tasks, settings)
    assert (y - x.sum(axis=-1)).std() == pytest.approx(0.5, rel=0.02)
    assert x.std() == pytest.approx(1, rel=0.02)


def test_ridge_is_the_posterior_mean_of_brute_force(problem):
    """Tasks from the prior N(0, I), weighted by the likelihood of the examples so far."""
    inputs, targets = problem.evaluation["new_tasks"]
    predicted = linear_regression.references(problem)["ridge"](inputs[:4])[..., 0]
    tasks = generator("test", "prior", 0).standard_normal((1_000_000, 3))
    for row in range(4):
        for place in (0, 1, 3):
            x, y = inputs[row, :place, :3].astype(float), targets[row, :place]
            scores = -np.square(y - tasks @ x.T).sum(axis=1) / (2 * problem.noise**2)
            weights = np.exp(scores - scores.max())
            exact = weights @ (tasks @ inputs[row, place, :3]) / weights.sum()
            assert predicted[row, place] == pytest.approx(exact, abs=0.06)


def test_dmmse_is_bayes_rule_over_the_pool(problem):
    inputs, targets = problem.evaluation["test"]
    predicted = linear_regression.references(problem)["dmmse"](inputs)[..., 0]
    pool = problem.extras["pool"]
    for row in range(5):
        posterior = np.full(len(pool), 1 / len(pool))
        for place in range(7):
            x = inputs[row, place, :3].astype(float)
            assert predicted[row, place] == pytest.approx(posterior @ pool @ x, abs=1e-5)
            likelihood = np.exp(-((targets[row, place] - pool @ x) ** 2) / (2 * problem.noise**2))
            posterior = posterior * likelihood / (posterior @ likelihood)


def test_without_noise_both_find_a_task_of_the_pool_and_only_ridge_a_new_one():
    settings = linear_regression.Settings(
        kind="linear_regression", dimension=2, tasks=5, noise=1e-3, examples=6, evaluation_sequences=50
    )
    problem = linear_regression.load(*linear_regression.prepare(settings, "sharp"), settings)
    predictors = linear_regression.references(problem)

    def error(name, predictor):
        inputs, targets = problem.evaluation[name]
        return np.abs(predictors[predictor](inputs)[:, 3:, 0] - targets[:, 3:]).mean()

    assert max(error("test", "ridge"), error("test", "dmmse"), error("new_tasks", "ridge")) < 0.05
    assert error("new_tasks", "dmmse") > 0.3


def test_each_predictor_is_the_best_one_on_its_own_tasks_and_sees_no_future(problem):
    predictors = linear_regression.references(problem)
    for name in SETS:
        ridge, dmmse = (mean_loss(predictors[key], problem, name) for key in ("ridge", "dmmse"))
        assert min(ridge, dmmse) > 0.4  # targets have noise: ½ on average at best
        assert (ridge < dmmse) == (name == "new_tasks")
        inputs, _ = problem.evaluation[name]
        changed = inputs.copy()
        changed[:, 4:] += 1
        for predictor in predictors.values():
            assert predictor(inputs).dtype == np.float32 and predictor(inputs).shape == (300, 7, 1)
            np.testing.assert_array_equal(predictor(inputs)[:, :4], predictor(changed)[:, :4])


def test_the_distance_is_the_squared_difference_over_twice_the_variance(problem):
    """A network of zeros predicts 0; and KL of Gaussians of one variance, from torch, agrees."""
    settings = {"kind": "transformer", "layers": 1, "width": 8, "heads": 2}
    model = models.build(settings, problem.inputs, problem.outputs, problem.context)
    weights = {name: torch.zeros(2, *tensor.shape) for name, tensor in model.named_parameters()}
    predictors = linear_regression.references(problem)
    references = reference_distances.references(
        problem, predictors, StructureSettings(split="new_tasks"), torch.device("cpu")
    )
    measured = reference_distances.distances(Study("test", problem, model), weights, references)
    inputs, _ = problem.evaluation["new_tasks"]
    means = {name: torch.from_numpy(predictor(inputs)).double() for name, predictor in predictors.items()}
    normal = torch.distributions.Normal
    for name, mean in means.items():
        exact = torch.distributions.kl_divergence(normal(mean, problem.noise), normal(0.0, problem.noise)).mean()
        np.testing.assert_allclose(measured[name], exact, rtol=1e-6)
        assert references.floors[name] == pytest.approx(mean_loss(predictors[name], problem, "new_tasks"), rel=1e-5)
    between = reference_distances.between(references)
    exact = torch.distributions.kl_divergence(
        normal(means["ridge"], problem.noise), normal(means["dmmse"], problem.noise)
    ).mean()
    assert between["ridge"]["dmmse"] == pytest.approx(exact.item(), rel=1e-6) and between["ridge"]["ridge"] == 0


def test_loss_and_error_of_known_predictions(problem):
    outputs, targets = torch.tensor([[[1.0], [3.0]]]), torch.tensor([[1.0, 1.0]])
    assert problem.metrics["error"](outputs, targets).tolist() == [2.0]
    assert problem.metrics["loss"](outputs, targets).item() == pytest.approx(2 / (2 * 0.35**2))


def test_training_evaluates_new_tasks_at_every_step_and_train_at_the_end_only(problem):
    study = Study(
        "regression", problem, models.build({"kind": "transformer", "layers": 1, "width": 8, "heads": 2}, 8, 1, 7)
    )
    states = [State(step, initial_weights(study, [0]), {}) for step in (3, 9)]
    _, rows = record(study, dense_members([0]), states, last=9)
    sets = rows.groupby("step")["split"].unique()
    assert sorted(sets[3]) == sorted({*SETS} - {"train"}) and sorted(sets[9]) == sorted(SETS)


def test_relations_by_hand(settings):
    x = np.array([[[1.0, 0, 0], [0, 2, 0], [3, 4, 0]]])
    y = np.array([[5.0, -6.0, 7.0]])
    found = linear_regression.relations(linear_regression.tokens(x, y))
    np.testing.assert_array_equal(found["example"][0], [[0, 0, 0], [0, 1, 0], [0, 1, 1]])
    np.testing.assert_allclose(found["alignment"][0], [[0, 0, 0], [0, 0, 0], [0, 0.6, 0.8]], atol=1e-12)
    np.testing.assert_allclose(found["target"][0], [[0, 0, 0], [0, 5, 0], [0, 5, 6]])


def test_roles_of_heads_that_attend_uniformly_and_of_one_that_is_needed(problem):
    model = models.build(
        {"kind": "transformer", "layers": 1, "width": 8, "heads": 2, "layer_norm": False},
        problem.inputs,
        problem.outputs,
        problem.context,
    )
    weights = {name: torch.zeros(1, *tensor.shape) for name, tensor in model.named_parameters()}
    settings, name = RolesSettings(), "regression"
    slices = linear_regression.slices(problem, settings.split)
    probe = role_scores.draw_probe(Study(name, problem, model), slices, 0, settings)
    assert probe.repeated is None and probe.classes == [] and probe.noise == problem.noise
    scores = role_scores.score(Study("test", problem, model), weights, probe, settings)
    t = np.arange(1, problem.context)
    np.testing.assert_allclose(scores["attention:example"], np.mean(t / (t + 1)), rtol=1e-5)
    uniform = np.tri(problem.context) / np.arange(1, problem.context + 1)[:, None]
    for relation, values in probe.relations.items():
        exact = (values.numpy()[:, 1:] * uniform[1:]).sum(-1).mean()
        np.testing.assert_allclose(scores[f"attention:{relation}"], exact, rtol=1e-4, atol=1e-6)
    assert all((scores[f"ablation:{part}"] == 0).all() for part in slices)
    # The first coordinate of x is the output, plus its mean over the past, which head 0 adds.
    weights["embedding.weight"][0, 0, 0] = 1
    for tensor in ("value", "output"):
        weights[f"blocks.0.attention.{tensor}.weight"][0, 0, 0] = 1
    weights["unembedding.weight"][0, 0, 0] = 1
    effects = role_scores.score(Study("test", problem, model), weights, probe, settings)
    own = probe.inputs[..., 0]
    added = torch.einsum("ts,bs->bt", torch.from_numpy(uniform).float(), own)
    intact, ablated = (
        losses((own + part)[..., None], probe.targets, problem.noise) for part in (added, added.mean().expand_as(added))
    )
    many = probe.slices["many"]
    exact = (ablated - intact)[many].mean().item()
    np.testing.assert_allclose(effects["ablation:many"], [[exact, 0]], rtol=1e-3, atol=1e-5)


def test_slices_tell_the_predictors_apart_and_the_places(problem):
    slices = linear_regression.slices(problem, "validation")
    inputs, targets = problem.evaluation["validation"]
    assert {name: mask.shape for name, mask in slices.items()} == dict.fromkeys(slices, targets.shape)
    np.testing.assert_array_equal(np.sum([slices[name] for name in ("first", "few", "many")], axis=0), 1)
    assert [int(slices[name][0].sum()) for name in ("first", "few", "many")] == [1, 3, 3]
    assert (slices["ridge"] ^ slices["dmmse"]).all()
    error = {
        name: np.abs(predictor(inputs)[..., 0] - targets)
        for name, predictor in linear_regression.references(problem).items()
    }
    gain = error["ridge"] - error["dmmse"]
    assert gain[slices["dmmse"]].min() > 0 >= gain[slices["ridge"]].max()
