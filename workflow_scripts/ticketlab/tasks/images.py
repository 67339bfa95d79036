"""Image classification: the positive control, where the lottery ticket hypothesis is known to hold.

The images are scikit-learn's 8×8 digits, or any `.npz` file with x_train, y_train, x_test, y_test (Keras' MNIST file
is one). A share of the training images is set aside for validation.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import ClassVar, Literal, Self

import numpy as np
import pandas as pd
from pydantic import Field, PositiveInt, model_validator

from workflow_scripts.ticketlab.core.errors import TicketlabError
from workflow_scripts.ticketlab.core.random_streams import generator
from workflow_scripts.ticketlab.settings.base import Section, Share
from workflow_scripts.ticketlab.tasks.problem import Epochs, Predictor, Problem, cross_entropy, error_rate

TEMPERATURES = 2.0 ** np.arange(-9, 2, 0.5)  # those tried, in units of the mean of the squared distances
FITTED_IMAGES = 500  # train images on which a temperature is fitted
PAIRS = 1 << 22  # of an image and a train image whose distances are in memory together (32 MiB each time)
FAR = 1e12  # squared distance of an image that does not count as a neighbour


class Settings(Section):
    INPUTS: ClassVar = "features"
    FINITE: ClassVar = True

    kind: Literal["images"]
    source: Literal["digits", "npz"] = Field(
        default="digits", description="scikit-learn's digits, or the file at `path`"
    )
    path: str | None = Field(default=None, description="an .npz with x_train, y_train, x_test, y_test")
    validation_share: Share = 0.15
    test_share: Share = Field(default=0.25, description="share of the digits; an .npz file has its own test split")
    evaluation_examples: PositiveInt = Field(default=512, description="largest number of evaluated images of a split")

    @model_validator(mode="after")
    def _path_goes_with_npz(self) -> Self:
        if (self.source == "npz") != (self.path is not None):
            raise ValueError("give `path` with source: npz, and only then")
        return self


def prepare(settings: Settings, study: str) -> tuple[pd.DataFrame, dict]:
    """One row per image: features in [0, 1], row by row, and its class."""
    if settings.source == "npz":
        images, labels, splits = _from_npz(str(settings.path), settings, study)
    else:
        images, labels, splits = _digits(settings, study)
    classes = sorted(set(labels.tolist()))
    for split in ("train", "validation", "test"):
        absent = sorted(set(classes) - set(labels[splits == split].tolist()))
        if absent or classes != list(range(len(classes))):
            raise TicketlabError(
                f"{settings.path or 'digits'}: classes {absent or classes} are missing from the {split} split or not "
                "numbered 0, 1, …; give each split every class"
            )
    frame = pd.DataFrame(
        {
            "study": study,
            "split": splits,
            "example": np.arange(len(labels)),
            "name": "",
            "tokens": None,
            "features": list(images),
            "target": labels,
        }
    )
    return frame, {"classes": len(classes), "features": images.shape[1]}


def _shuffled_splits(count: int, shares: dict[str, float], study: str) -> np.ndarray:
    """Split names for `count` examples at random: these shares, rounded; the rest is train."""
    splits = np.full(count, "train", dtype=object)
    order = generator(study, "split", 0).permutation(count)
    start = 0
    for split, share in shares.items():
        stop = start + round(share * count)
        splits[order[start:stop]] = split
        start = stop
    return splits


def _digits(settings: Settings, study: str) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    from sklearn.datasets import load_digits

    digits = load_digits()
    shares = {"validation": settings.validation_share, "test": settings.test_share}
    images = (digits.data / 16).astype(np.float32)
    return images, digits.target.astype(np.int64), _shuffled_splits(len(images), shares, study)


def _from_npz(path: str, settings: Settings, study: str) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    names = ("x_train", "y_train", "x_test", "y_test")
    try:
        with np.load(path, allow_pickle=False) as file:  # pickles could run code
            x_train, y_train, x_test, y_test = (file[name] for name in names)
    except (OSError, ValueError, KeyError) as error:
        raise TicketlabError(
            f"{path}: not an .npz file with plain arrays {', '.join(names)} ({error}); save them with numpy.savez"
        ) from error
    if len(x_train) != len(y_train) or len(x_test) != len(y_test) or x_train.shape[1:] != x_test.shape[1:]:
        raise TicketlabError(f"{path}: images and labels differ in number, or train and test images in shape")
    images = np.concatenate([x_train, x_test]).reshape(len(x_train) + len(x_test), -1)
    scale = np.iinfo(images.dtype).max if np.issubdtype(images.dtype, np.integer) else 1
    splits = np.concatenate(
        [
            _shuffled_splits(len(x_train), {"validation": settings.validation_share}, study),
            np.full(len(x_test), "test", dtype=object),
        ]
    )
    labels = np.concatenate([y_train, y_test]).reshape(-1).astype(np.int64)
    return (images / scale).astype(np.float32), labels, splits


def load(frame: pd.DataFrame, facts: dict, settings: Settings) -> Problem:
    """The task from its `data` table; an epoch is all train images."""
    images, labels = {}, {}
    for split, rows in frame.groupby("split"):
        images[split] = np.stack(rows["features"].to_list())
        labels[split] = rows["target"].to_numpy(np.int64, copy=True)

    def sample(random: np.random.Generator, batch_size: int) -> tuple[np.ndarray, np.ndarray]:
        return take(0, random.integers(len(labels["train"]), size=batch_size))

    def take(epoch: int, chosen: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        del epoch
        return images["train"][chosen], labels["train"][chosen]

    limit = settings.evaluation_examples
    return Problem(
        inputs=facts["features"],
        outputs=facts["classes"],
        context=1,
        sample=sample,
        evaluation={split: (images[split][:limit], labels[split][:limit]) for split in images},
        metrics={"loss": cross_entropy, "error": error_rate},
        extras={"images": images, "labels": labels},
        epochs=Epochs(len(labels["train"]), take),
        classes=True,
    )


def references(problem: Problem) -> dict[str, Predictor]:
    """Predictors from the train images; each maps images (examples, features) to log-probabilities (examples, classes).

    class_mean: p(c | x) ∝ exp(−‖x − mean of class c‖² / τ), a linear classifier with one parameter.
    nearest_neighbours: p(c | x) ∝ Σ exp(−‖x − x_i‖² / τ) over the train images i of class c: the soft nearest neighbour
        (Goldberger et al. 2004), which memorises. A train image that equals x is left out, so that on the train split
        no image is its own neighbour.
    Each τ maximises the likelihood of train images under this very rule.
    """
    images, labels = problem.extras["images"]["train"], problem.extras["labels"]["train"]
    means = np.stack([images[labels == kind].mean(axis=0) for kind in range(problem.outputs)])
    by_class = np.argsort(labels, kind="stable")
    kinds = labels[by_class]
    starts = np.searchsorted(kinds, np.arange(problem.outputs))
    twins: dict[bytes, list[int]] = {}
    for place, index in enumerate(by_class):
        twins.setdefault(images[index].tobytes(), []).append(place)
    to_train = _squared_distances_to(images[by_class])

    def to_neighbours(x: np.ndarray) -> np.ndarray:
        distances = to_train(x)
        for row, image in enumerate(x):
            distances[row, twins.get(image.tobytes(), [])] = FAR
        return distances

    def of_means(distances: np.ndarray, temperature: float) -> np.ndarray:
        return _normalised(-distances / temperature)

    def of_neighbours(distances: np.ndarray, temperature: float) -> np.ndarray:
        # Sums of exponentials relative to each class' nearest image, so that none overflows or vanishes.
        nearest = np.minimum.reduceat(distances, starts, axis=1)
        sums = np.add.reduceat(np.exp((nearest[:, kinds] - distances) / temperature), starts, axis=1)
        return _normalised(np.log(sums) - nearest / temperature)

    # All rows of a chunk are compared with all train images at once.
    rows = max(1, PAIRS // len(images))
    return {
        name: _fitted(measure, predict, images[:FITTED_IMAGES], labels[:FITTED_IMAGES], rows)
        for name, measure, predict in (
            ("class_mean", _squared_distances_to(means), of_means),
            ("nearest_neighbours", to_neighbours, of_neighbours),
        )
    }


def _fitted(
    measure: Predictor,
    predict: Callable[[np.ndarray, float], np.ndarray],
    images: np.ndarray,
    labels: np.ndarray,
    rows: int,
) -> Predictor:
    """`predict` from what `measure` says of an image, at the temperature that maximises the likelihood of these labels;
    it looks at `rows` images at a time."""
    distances = _by_rows(measure, images, rows)
    candidates = TEMPERATURES * distances[distances < FAR].mean()

    def likelihood(temperature: float) -> float:
        predictions = _by_rows(lambda some: predict(some, temperature), distances, rows)
        return float(predictions[np.arange(len(labels)), labels].sum())

    best = max(candidates.tolist(), key=likelihood)
    return lambda x: _by_rows(lambda some: predict(measure(some), best), x, rows).astype(np.float32)


def _by_rows(function: Callable[[np.ndarray], np.ndarray], x: np.ndarray, rows: int) -> np.ndarray:
    return np.concatenate([function(x[start : start + rows]) for start in range(0, len(x), rows)])


def _squared_distances_to(points: np.ndarray) -> Predictor:
    """Images x to ‖x_i − point_j‖², (images, points) float64, not below 0."""
    points = points.astype(np.float64)
    norms = _by_rows(lambda some: (some**2).sum(1), points, 1000)

    def measure(x: np.ndarray) -> np.ndarray:
        x = x.astype(np.float64)
        return ((x**2).sum(1)[:, None] - 2 * x @ points.T + norms).clip(min=0)

    return measure


def _normalised(scores: np.ndarray) -> np.ndarray:
    """Logarithms of the probabilities that are proportional to exp(scores), over the last axis."""
    return scores - np.logaddexp.reduce(scores, axis=-1, keepdims=True)


def slices(problem: Problem, split: str) -> dict[str, np.ndarray]:
    """The images of each class, as masks (examples,) over a split's evaluation set."""
    _, labels = problem.evaluation[split]
    return {f"class_{kind}": labels == kind for kind in range(problem.outputs)}
