import numpy as np
import pytest
from pydantic import ValidationError

from workflow_scripts.ticketlab.core.errors import TicketlabError
from workflow_scripts.ticketlab.core.random_streams import generator
from workflow_scripts.ticketlab.tables import files
from workflow_scripts.ticketlab.tables.schemas.data import DATA
from workflow_scripts.ticketlab.tasks import images
from workflow_scripts.ticketlab.tasks.problem import Problem


@pytest.fixture(scope="module")
def settings():
    return images.Settings(kind="images")


@pytest.fixture(scope="module")
def problem(settings):
    return images.load(*images.prepare(settings, "digits"), settings)


def log_loss(predictor, problem, split):
    inputs, labels = problem.evaluation[split]
    return -predictor(inputs)[np.arange(len(labels)), labels].mean()


def error(predictor, problem, split):
    inputs, labels = problem.evaluation[split]
    return (predictor(inputs).argmax(axis=1) != labels).mean()


def test_the_table_holds_all_of_the_task(settings, problem, tmp_path):
    frame, facts = images.prepare(settings, "digits")
    files.write(tmp_path / "data.parquet", DATA, frame, {}, facts=facts)
    stored = files.facts(tmp_path / "data.parquet", DATA)["facts"]
    loaded = images.load(files.read(tmp_path / "data.parquet", DATA), stored, settings)
    for split in ("train", "validation", "test"):
        for one, other in zip(loaded.evaluation[split], problem.evaluation[split], strict=True):
            np.testing.assert_array_equal(one, other)


def test_splits_have_their_shares_and_batches_come_from_train(settings, problem):
    sizes = {split: len(labels) for split, labels in problem.extras["labels"].items()}
    assert sizes == {"test": round(0.25 * 1797), "validation": round(0.15 * 1797), "train": 1797 - 449 - 270}
    assert problem.epochs.size == sizes["train"]
    inputs, labels = problem.sample(generator("digits", "batch", 0, 0), 20)
    train = {
        image.tobytes(): label
        for image, label in zip(*(problem.extras[k]["train"] for k in ("images", "labels")), strict=True)
    }
    assert all(train[image.tobytes()] == label for image, label in zip(inputs, labels, strict=True))


def save_npz(path, **changes):
    random = np.random.default_rng(0)
    arrays = {
        "x_train": random.integers(0, 256, size=(60, 2, 3), dtype=np.uint8),
        "y_train": np.arange(60) % 3,
        "x_test": random.integers(0, 256, size=(9, 2, 3), dtype=np.uint8),
        "y_test": np.arange(9) % 3,
    }
    np.savez(path, **{name: array for name, array in {**arrays, **changes}.items() if array is not None})
    return arrays


def test_an_npz_file_is_scaled_to_one_and_keeps_its_test_split(tmp_path):
    arrays = save_npz(tmp_path / "images.npz")
    settings = images.Settings(kind="images", source="npz", path=str(tmp_path / "images.npz"))
    problem = images.load(*images.prepare(settings, "study"), settings)
    assert (problem.inputs, problem.outputs) == (6, 3)
    np.testing.assert_allclose(problem.evaluation["test"][0], arrays["x_test"].reshape(9, 6) / 255, rtol=1e-6)
    assert len(problem.extras["labels"]["validation"]) == 9  # 15 % of 60


@pytest.mark.parametrize(
    ("changes", "fault"),
    [
        ({"y_test": None}, "y_test"),
        ({"y_train": np.arange(59) % 3}, "differ in number"),
        ({"x_test": np.zeros((9, 4))}, "in shape"),
        ({"y_test": np.zeros(9, dtype=int)}, r"classes \[1, 2\] are missing from the test split"),
        ({"y_train": np.arange(60) % 3 + 1, "y_test": np.arange(9) % 3 + 1}, "not numbered 0, 1"),
        ({"x_train": np.full((60, 2, 3), None)}, "plain arrays"),
    ],
)
def test_a_wrong_npz_file_is_refused_by_name(tmp_path, changes, fault):
    save_npz(tmp_path / "images.npz", **changes)
    settings = images.Settings(kind="images", source="npz", path=str(tmp_path / "images.npz"))
    with pytest.raises(TicketlabError, match=f"images.npz.*{fault}"):
        images.prepare(settings, "study")


def test_a_path_and_the_source_npz_go_together():
    for values in ({"source": "npz"}, {"path": "x.npz"}):
        with pytest.raises(ValidationError, match="give `path`"):
            images.Settings.model_validate({"kind": "images", **values})


def test_reference_predictors_are_finite_distributions(problem):
    for predictor in images.references(problem).values():
        for inputs, _ in problem.evaluation.values():
            predicted = predictor(inputs)
            assert predicted.shape == (len(inputs), 10)
            assert np.isfinite(predicted).all()
            np.testing.assert_allclose(np.exp(predicted).sum(axis=1), 1, atol=1e-5)


def test_the_nearest_neighbour_knows_more_of_the_digits_than_the_class_mean(problem):
    predictors = images.references(problem)
    for split in problem.evaluation:
        assert error(predictors["nearest_neighbours"], problem, split) < 0.04
        assert 0.05 < error(predictors["class_mean"], problem, split) < 0.15
        assert log_loss(predictors["nearest_neighbours"], problem, split) < log_loss(
            predictors["class_mean"], problem, split
        )


def test_chunks_of_images_are_predicted_as_all_of_them_together(problem, monkeypatch):
    whole = images.references(problem)
    monkeypatch.setattr(images, "PAIRS", 7 * len(problem.extras["labels"]["train"]))
    x, _ = problem.evaluation["validation"]
    for name, predictor in images.references(problem).items():
        np.testing.assert_allclose(predictor(x), whole[name](x), rtol=1e-5)


def no_batches(random, batch_size):
    raise AssertionError("no batch is needed here")


def planted(images_by_split, labels_by_split, classes):
    return Problem(
        inputs=images_by_split["train"].shape[1],
        outputs=classes,
        context=1,
        sample=no_batches,
        evaluation={split: (images_by_split[split], labels_by_split[split]) for split in images_by_split},
        metrics={},
        extras={"images": images_by_split, "labels": labels_by_split},
    )


def test_predictors_of_gaussian_classes_find_the_posterior():
    """Two Gaussian classes of variance s²: p(1 | x) is the class-mean predictor with τ = 2s²."""
    random = np.random.default_rng(0)
    labels = random.integers(2, size=4_000)
    points = (random.normal(scale=0.7, size=(4_000, 1)) + 2 * labels[:, None]).astype(np.float32)
    problem = planted({"train": points}, {"train": labels}, 2)
    x = np.linspace(-1, 3, 9, dtype=np.float32)[:, None]
    exact = 1 / (1 + np.exp(-(4 * x[:, 0] - 4) / (2 * 0.7**2)))
    for predictor in images.references(problem).values():
        np.testing.assert_allclose(np.exp(predictor(x))[:, 1], exact, atol=0.06)


def test_no_train_image_is_its_own_neighbour():
    """Labels without a rule: an image that saw itself would be sure of its own label."""
    random = np.random.default_rng(0)
    points = random.normal(size=(400, 20)).astype(np.float32)
    points[1] = points[0]  # a twin tells the label too
    labels = random.integers(2, size=400)
    problem = planted({"train": points}, {"train": labels}, 2)
    assert error(images.references(problem)["nearest_neighbours"], problem, "train") > 0.4


def test_a_class_whose_only_image_is_asked_about_gets_no_neighbour_and_no_nan():
    points = np.array([[0.0], [1.0], [1.1], [2.0], [2.1]], dtype=np.float32)
    labels = np.array([0, 1, 1, 2, 2])
    problem = planted({"train": points}, {"train": labels}, 3)
    predicted = images.references(problem)["nearest_neighbours"](points)
    assert np.isfinite(predicted).all()
    assert np.exp(predicted[0, 0]) == 0


def test_slices_are_the_classes(problem):
    slices = images.slices(problem, "validation")
    assert list(slices) == [f"class_{kind}" for kind in range(10)]
    np.testing.assert_array_equal(np.sum(list(slices.values()), axis=0), 1)
    np.testing.assert_array_equal(slices["class_3"], problem.evaluation["validation"][1] == 3)
