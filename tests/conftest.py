"""What tests share: two small problems with their networks, the shipped config, and (see there) finished runs."""

# ruff: noqa: E402 — the libraries look at the environment as they are loaded
from workflow_scripts import numerics

numerics.fix("portable")

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import yaml
from xdist.scheduler import LoadScopeScheduling

from tests.workflow.runs import COMPARED, pristine, quick, tiny  # noqa: F401
from workflow_scripts.ticketlab import models
from workflow_scripts.ticketlab.models.network import Network
from workflow_scripts.ticketlab.settings.training import TrainingSettings
from workflow_scripts.ticketlab.tasks import images
from workflow_scripts.ticketlab.tasks.problem import Problem, cross_entropy, error_rate
from workflow_scripts.ticketlab.training import stack
from workflow_scripts.ticketlab.training import train as training
from workflow_scripts.ticketlab.training.stack import Member, Stack
from workflow_scripts.ticketlab.training.study import Study
from workflow_scripts.ticketlab.training.train import State, initial_state, initial_weights

ROOT = Path(__file__).parents[1]
# Files that take minutes or mostly wait begin before all others. Of test_stale.py, which needs the run that
# test_quick.py begins with, each test is a piece of work of its own, at the end: so all workers end at the same time.
FIRST = (
    "test_quick.py",
    "test_cluster.py",
    "test_repeats.py",
    "test_extending.py",
    "test_profile.py",
    "test_faults.py",
)
LAST = ("test_stale.py",)
CPU = torch.device("cpu")

# Momentum and weight decay in both, so that whatever could revive a masked weight is at work.
RECIPES = {
    "adamw": TrainingSettings(
        optimiser="adamw", learning_rate=0.01, weight_decay=0.3, schedule="cosine", warmup=2, batch_size=8, steps=12
    ),
    "sgd": TrainingSettings(
        optimiser="sgd", learning_rate=0.1, momentum=0.9, weight_decay=0.1, schedule="constant", batch_size=8, steps=12
    ),
}


@dataclass(frozen=True)
class Case:
    """A study in small: a problem, a network and shorthands to train stacks of it."""

    study: str
    problem: Problem
    model: Network

    def called(self, name: str) -> Study:
        """The study, under this name."""
        return Study(name, self.problem, self.model)

    def members(self, seeds: Iterable[int] = (0, 1, 2)) -> list[Member]:
        return stack.dense_members(list(seeds))

    def start(self, recipe: TrainingSettings, seeds: Iterable[int] = (0, 1, 2), purpose: str = "init") -> State:
        return initial_state(initial_weights(self.called(self.study), seeds, purpose), recipe)

    def train(
        self, members: Sequence[Member], start: State, recipe: TrainingSettings, record: Iterable[int], **options: Any
    ) -> list[State]:
        return list(training.train(self.called(self.study), members, start, recipe, record, **options))

    def prunable(self, weights: Stack) -> Stack:
        return {name: weights[name] for name in self.model.prunable}


class LongestFirst(LoadScopeScheduling):
    """pytest-xdist's `loadfile`, but for LAST. Made for --no-loadscope-reorder: the order is that of the collection."""

    def _split_scope(self, nodeid: str) -> str:
        file = nodeid.partition("::")[0]
        return nodeid if Path(file).name in LAST else file


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> LongestFirst:
    return LongestFirst(config, log)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    ranks = {**{name: rank - len(FIRST) for rank, name in enumerate(FIRST)}, **dict.fromkeys(LAST, 1)}
    items.sort(key=lambda item: ranks.get(item.path.name, 0))


def pytest_terminal_summary(terminalreporter: Any, config: pytest.Config) -> None:
    """What test_quick.py found when it compared its run with docs/reference/quick."""
    factory = getattr(config, "_tmp_path_factory", None)
    found = factory.getbasetemp() / COMPARED if factory else None
    if found and found.is_file():
        terminalreporter.section("this run's numbers and those of docs/reference/quick")
        terminalreporter.write_line(found.read_text())


@pytest.fixture(autouse=True)
def _one_thread():
    torch.set_num_threads(1)


@pytest.fixture(scope="session")
def digits() -> Case:
    """scikit-learn's digits and an MLP 64-12-10."""
    settings = images.Settings(kind="images", evaluation_examples=40)
    frame, facts = images.prepare(settings, "digits")
    problem = images.load(frame, facts, settings)
    model = models.build({"kind": "mlp", "hidden": [12]}, problem.inputs, problem.outputs, problem.context)
    return Case("digits", problem, model)


@pytest.fixture(scope="session")
def tokens() -> Case:
    """A walk on a ring of 7 symbols, and a transformer of 2 layers, 2 heads, width 8."""
    symbols, time = 7, 6

    def sample(random: np.random.Generator, batch_size: int) -> tuple[np.ndarray, np.ndarray]:
        moves = random.choice([1, 2], size=(batch_size, time + 1), p=[0.8, 0.2])
        walk = (random.integers(symbols, size=(batch_size, 1)) + moves.cumsum(axis=1)) % symbols
        return walk[:, :-1], walk[:, 1:]

    evaluation = {
        split: sample(np.random.default_rng(seed), 20) for seed, split in enumerate(("train", "validation", "test"))
    }
    problem = Problem(symbols, symbols, time, sample, evaluation, {"loss": cross_entropy, "error": error_rate}, {})
    settings = {"kind": "transformer", "layers": 2, "width": 8, "heads": 2, "mlp_width": 12, "positions": "relative"}
    return Case("tokens", problem, models.build(settings, symbols, symbols, time))


@pytest.fixture(params=["digits", "tokens"])
def case(request: pytest.FixtureRequest) -> Case:
    return request.getfixturevalue(request.param)


@pytest.fixture(params=sorted(RECIPES))
def recipe(request: pytest.FixtureRequest) -> TrainingSettings:
    return RECIPES[request.param]


@pytest.fixture
def adamw() -> TrainingSettings:
    return RECIPES["adamw"]


@pytest.fixture
def cpu() -> torch.device:
    return CPU


@pytest.fixture
def shipped() -> dict[str, Any]:
    """config.yaml as a mapping, a fresh copy for each test."""
    return yaml.safe_load((ROOT / "config.yaml").read_text(encoding="utf-8"))
