"""In-context linear regression: every sequence holds examples of one linear task, from a pool or new.

The setting of Raventós et al. 2023 (arXiv:2306.15063) and Carroll et al. 2025 (arXiv:2501.17745): y = w·x + ε with
x ~ N(0, I), ε ~ N(0, σ²) and w one of M tasks on which networks are trained. Two predictors compete. Ridge regression
is the best for any w ~ N(0, I) and generalises to new tasks; dMMSE (discrete minimum mean squared error) is the best
for the pool and knows no other task. A network may approach the first before it turns to the second.

The pool is drawn from N(0, I), then centred and whitened, so that its mean and covariance are those of new tasks.
Every batch draws new training sequences. The evaluation sets are fixed: three splits with tasks of the pool, and
`new_tasks`, in which every sequence has its own task w ~ N(0, I).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, ClassVar, Literal, Self

import numpy as np
import pandas as pd
from pydantic import Field, PositiveFloat, PositiveInt, model_validator

from workflow_scripts.ticketlab.core.random_streams import generator
from workflow_scripts.ticketlab.tasks.problem import SPLITS, Predictor, Problem, TaskSection, losses

if TYPE_CHECKING:
    from torch import Tensor

NEW_TASKS = "new_tasks"


class Settings(TaskSection):
    INPUTS: ClassVar = "features in sequence"
    FURTHER_SETS: ClassVar = (NEW_TASKS,)
    REFERENCES: ClassVar = ("ridge", "dmmse")
    SCORES: ClassVar = ("attention",)
    DRAWN_ONCE: ClassVar = "one pool of tasks"

    kind: Literal["linear_regression"]
    dimension: PositiveInt = Field(default=4, description="D, the dimension of an input x and a task w")
    tasks: PositiveInt = Field(default=8, description="M, the tasks of the training pool; more than `dimension`")
    noise: PositiveFloat = Field(default=0.35, description="σ, the standard deviation of a target about w·x")
    examples: Annotated[int, Field(ge=2)] = Field(default=10, description="K, examples per sequence; each is predicted")
    evaluation_sequences: Annotated[int, Field(ge=2)] = Field(
        default=512, description="sequences of each evaluation set"
    )

    @model_validator(mode="after")
    def _can_be_whitened(self) -> Self:
        if self.tasks <= self.dimension:
            raise ValueError(f"tasks {self.tasks} must be more than dimension {self.dimension}, to be whitened")
        return self

    def largest(self) -> tuple[int, int, int]:
        return 2 * self.dimension + 2, 1, self.examples


def prepare(settings: Settings, study: str) -> tuple[pd.DataFrame, dict]:
    """One row per evaluation sequence: its examples one after the other, each x and then y."""
    pool = task_pool(generator(study, "tasks", 0), settings)
    count, sets = settings.evaluation_sequences, (*SPLITS, NEW_TASKS)
    rows = []
    for name in sets:
        random = generator(study, "evaluation", name)
        new = random.standard_normal((count, settings.dimension)) if name == NEW_TASKS else None
        x, y = sequences(random, pool[random.integers(len(pool), size=count)] if new is None else new, settings)
        rows.append(np.concatenate([x, y[..., None]], axis=-1).reshape(count, -1))
    frame = pd.DataFrame(
        {
            "study": study,
            "split": np.repeat(sets, count),
            "example": np.arange(count * len(sets)),
            "name": "",
            "tokens": None,
            "features": list(np.concatenate(rows).astype(np.float32)),
            "target": None,
        }
    )
    return frame, {"tasks": pool.tolist(), "noise": settings.noise}


def task_pool(random: np.random.Generator, settings: Settings) -> np.ndarray:
    """M tasks with mean 0 and covariance I: (tasks, dimension)."""
    pool = random.standard_normal((settings.tasks, settings.dimension))
    pool -= pool.mean(axis=0)
    # The polar factor is the nearest matrix with orthonormal columns: the pool with the least change.
    left, _, right = np.linalg.svd(pool, full_matrices=False)
    return left @ right * np.sqrt(settings.tasks)


def sequences(random: np.random.Generator, tasks: np.ndarray, settings: Settings) -> tuple[np.ndarray, np.ndarray]:
    """Examples of tasks (count, dimension): x (count, examples, dimension) and y (count, examples)."""
    count, dimension = tasks.shape
    x = random.standard_normal((count, settings.examples, dimension))
    noise = settings.noise * random.standard_normal((count, settings.examples))
    return x, np.einsum("nkd,nd->nk", x, tasks) + noise


def tokens(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """The inputs of a network, (count, examples, 2·dimension + 2) float32: at k [x_k, x_{k−1}, y_{k−1}, 1], 0 before 0.

    An example is in one token, so that no head is needed to join its parts. The first y is predicted too.
    """
    count, examples, dimension = x.shape
    read = np.zeros((count, examples, 2 * dimension + 2), dtype=np.float32)
    read[..., :dimension] = x
    read[:, 1:, dimension : 2 * dimension] = x[:, :-1]
    read[:, 1:, -2] = y[:, :-1]
    read[..., -1] = 1
    return read


def examples(inputs: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The parts of `tokens` in float64: x_k, and x_{k−1} and y_{k−1}, which are 0 for k = 0."""
    read = inputs.astype(np.float64)
    dimension = read.shape[-1] // 2 - 1
    return read[..., :dimension], read[..., dimension : 2 * dimension], read[..., -2]


def load(frame: pd.DataFrame, facts: dict, settings: Settings) -> Problem:
    """The task from its `data` table; a batch is new sequences of tasks of the pool."""
    pool, noise = np.array(facts["tasks"]), facts["noise"]

    def sample(random: np.random.Generator, batch_size: int) -> tuple[np.ndarray, np.ndarray]:
        x, y = sequences(random, pool[random.integers(len(pool), size=batch_size)], settings)
        return tokens(x, y), y.astype(np.float32)

    evaluation = {}
    for name, rows in frame.groupby("split", sort=False):
        stored = np.stack(rows["features"].to_list()).reshape(len(rows), settings.examples, -1)
        x, y = stored[..., :-1], stored[..., -1]
        evaluation[name] = (tokens(x, y), np.ascontiguousarray(y))

    def loss(outputs: Tensor, targets: Tensor) -> Tensor:
        return losses(outputs, targets, noise).mean(dim=1)

    def squared_error(outputs: Tensor, targets: Tensor) -> Tensor:
        return (outputs.squeeze(-1) - targets).square().mean(dim=1)

    return Problem(
        inputs=2 * settings.dimension + 2,
        outputs=1,
        context=settings.examples,
        sample=sample,
        evaluation=evaluation,
        metrics={"loss": loss, "error": squared_error},
        extras={"pool": pool},
        noise=noise,
        relations=relations,
    )


def references(problem: Problem) -> dict[str, Predictor]:
    """The best predictors under two priors on w, given the earlier examples; both are exact posterior means of w·x_k.

    Each maps inputs (sequences, examples, features) to means (sequences, examples, 1) float32.

    ridge: w ~ N(0, I): ŵ = (XᵀX + σ²I)⁻¹ Xᵀy;
    dmmse: w uniform on the pool: ŵ = Σ_m p_m w_m, p_m ∝ exp(−Σ (y − w_m·x)²/2σ²).
    """
    pool, variance = problem.extras["pool"], problem.noise**2  # type: ignore[operator]

    def ridge(inputs: np.ndarray) -> np.ndarray:
        x, before, y = examples(inputs)
        covariance = np.einsum("nki,nkj->nkij", before, before).cumsum(axis=1) + variance * np.eye(x.shape[-1])
        moment = (before * y[..., None]).cumsum(axis=1)
        return _predict(x, np.linalg.solve(covariance, moment[..., None])[..., 0])

    def dmmse(inputs: np.ndarray) -> np.ndarray:
        x, before, y = examples(inputs)
        # Place 0 has no earlier example: x and y are 0 there and add nothing to the error of any task.
        scores = -np.square(y[..., None] - before @ pool.T).cumsum(axis=1) / (2 * variance)
        weights = np.exp(scores - scores.max(axis=-1, keepdims=True))
        return _predict(x, weights / weights.sum(axis=-1, keepdims=True) @ pool)

    return {"ridge": ridge, "dmmse": dmmse}


def _predict(x: np.ndarray, tasks: np.ndarray) -> np.ndarray:
    """w·x at each place, (sequences, examples, 1) float32."""
    return (x * tasks).sum(axis=-1, keepdims=True).astype(np.float32)


def relations(inputs: np.ndarray) -> dict[str, np.ndarray]:
    """Inputs (sequences, examples, features) to relations (sequences, examples, examples) of place t to s ≤ t.

    example: s holds an example, as all places but the first do; alignment: the cosine of its x with that at t;
    target: the size |y| of its y.
    """
    x, before, y = examples(inputs)
    causal = np.tri(inputs.shape[1])
    there = (np.abs(before).sum(axis=-1) > 0).astype(np.float64)
    lengths = np.linalg.norm(x, axis=-1)[:, :, None] * np.linalg.norm(before, axis=-1)[:, None, :]
    cosine = np.einsum("ntd,nsd->nts", x, before) / np.where(lengths > 0, lengths, 1)
    return {
        "example": there[:, None, :] * causal,
        "alignment": cosine * causal,
        "target": np.abs(y)[:, None, :] * causal,
    }


def slices(problem: Problem, split: str) -> dict[str, np.ndarray]:
    """Parts of an evaluation set as masks (sequences, examples) over the predicted targets.

    first: there is no earlier example; few: there are at most as many as dimensions, so ridge knows little; many: more.
    dmmse: its prediction is nearer to the target than ridge's; ridge: it is not. The two are a partition.
    """
    inputs, targets = problem.evaluation[split]
    place = np.broadcast_to(np.arange(targets.shape[1]), targets.shape)
    dimension = problem.inputs // 2 - 1
    ridge, dmmse = (np.abs(predictor(inputs)[..., 0] - targets) for predictor in references(problem).values())
    return {
        "first": place == 0,
        "few": (place > 0) & (place <= dimension),
        "many": place > dimension,
        "dmmse": dmmse < ridge,
        "ridge": dmmse >= ridge,
    }
