import numpy as np
import pytest
from PIL import Image
from pydantic import ValidationError

from workflow_scripts.ticketlab.core.errors import TicketlabError
from workflow_scripts.ticketlab.core.random_streams import digest, generator
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


@pytest.fixture
def npz(tmp_path):
    """Settings of an image set of three classes in a file, whose arrays may be replaced."""

    def save(**changes):
        random = np.random.default_rng(0)
        arrays = {
            "x_train": random.integers(256, size=(60, 2, 3), dtype=np.uint8),
            "y_train": np.arange(60) % 3,
            "x_test": random.integers(256, size=(9, 2, 3), dtype=np.uint8),
            "y_test": np.arange(9) % 3,
        }
        np.savez(tmp_path / "images.npz", **{**arrays, **changes})
        return images.Settings(kind="images", source="npz", path=str(tmp_path / "images.npz")), arrays

    return save


def test_an_npz_file_is_scaled_to_one_and_keeps_its_test_split(npz):
    settings, arrays = npz()
    problem = images.load(*images.prepare(settings, "study"), settings)
    assert (problem.inputs, problem.outputs) == (6, 3)
    np.testing.assert_allclose(problem.evaluation["test"][0], arrays["x_test"].reshape(9, 6) / 255, rtol=1e-6)
    assert len(problem.extras["labels"]["validation"]) == 9  # 15 % of 60


def test_a_validation_split_of_the_file_is_kept(npz):
    settings, _ = npz(x_val=np.full((6, 2, 3), 255), y_val=np.arange(6) % 3)
    frame, _ = images.prepare(settings, "study")
    assert frame["split"].value_counts().to_dict() == {"train": 60, "validation": 6, "test": 9}
    assert all((image == 1).all() for image in frame["features"][frame["split"] == "validation"])


def test_the_names_of_classes_are_in_the_table_where_they_are_not_their_numbers(npz):
    settings, _ = npz(y_train=np.array([*"bca"] * 20), y_test=np.array([*"abc"] * 3))
    frame, facts = images.prepare(settings, "study")
    assert facts["classes"] == 3
    assert dict(zip(frame["target"], frame["name"], strict=True)) == {0: "a", 1: "b", 2: "c"}
    frame, _ = images.prepare(npz()[0], "study")
    assert set(frame["name"]) == {""}


@pytest.mark.parametrize(
    ("changes", "fault"),
    [
        ({"y_train": np.arange(59) % 3}, "the train labels have shape .59,., and there are 60 images"),
        ({"x_test": np.full((9, 4), 255)}, "images differ in shape"),
        ({"y_test": np.zeros(9, dtype=int)}, "the test split has no image of class 1, 2; give each split every class"),
        ({"y_train": np.arange(60)}, "the train split has no image of class 4, 11, 14, 17, 18, …"),
        ({"x_train": np.full((60, 2, 3), None)}, "plain arrays"),
        ({"x_train": np.full((60, 2, 3), -1.0)}, "range from -1 to -1"),
    ],
)
def test_a_wrong_npz_file_is_refused_by_name(npz, changes, fault):
    with pytest.raises(TicketlabError, match=f"^/.*images.npz: .*{fault}"):
        images.prepare(npz(**changes)[0], "study")


@pytest.mark.parametrize(
    ("source", "path", "fault"),
    [
        ("npz", "images.npz", "images.npz: no such file or folder; correct task.path"),
        ("npz", "", "a folder; set task.source to folder or idx"),
        ("idx", "file", "file: a file; set task.source to npz"),
        ("folder", "file", "file: a file; set task.source to npz"),
    ],
)
def test_a_path_that_does_not_fit_its_source_is_refused(tmp_path, source, path, fault):
    (tmp_path / "file").touch()
    settings = images.Settings(kind="images", source=source, path=str(tmp_path / path))
    with pytest.raises(TicketlabError, match=fault):
        images.prepare(settings, "study")


def test_class_folders_without_splits_are_divided_class_by_class(tmp_path):
    for label, count in (("rare", 8), ("common", 40)):
        (tmp_path / label).mkdir()
        for number in range(count):
            Image.new("L", (2, 2), 255 - number).save(tmp_path / label / f"{number:02}.png")
    settings = images.Settings(kind="images", source="folder", path=str(tmp_path))
    frame, _ = images.prepare(settings, "study")
    counts = frame.groupby(["name", "split"]).size().to_dict()
    assert counts == {
        ("common", "train"): 24,
        ("common", "validation"): 6,
        ("common", "test"): 10,
        ("rare", "train"): 5,
        ("rare", "validation"): 1,
        ("rare", "test"): 2,
    }


def test_mnist_of_5000_images_is_divided_class_by_class_and_always_alike():
    settings = images.Settings(kind="images", source="mnist5k", validation_share=0.1, test_share=0.1)
    frame, facts = images.prepare(settings, "mnist")
    assert facts == {"classes": 10, "features": 784}
    counts = frame.groupby(["target", "split"]).size().unstack()
    assert (counts == [50, 400, 50]).all(axis=None)  # test, train, validation
    assert digest(*frame["split"]).hex()[:16] == "55dcc5c6668f2bd5"
    pixels = np.stack(frame["features"])
    assert (pixels.min(), pixels.max()) == (0, 1)
    assert pixels.mean() == pytest.approx(0.1307, abs=0.002)  # the mean of all 60 000


def test_a_path_and_sources_of_own_images_go_together():
    for values in ({"source": "npz"}, {"source": "folder"}, {"path": "x.npz"}, {"source": "mnist5k", "path": "x"}):
        with pytest.raises(ValidationError, match="give `path` with source: npz, idx, folder, and only then"):
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
