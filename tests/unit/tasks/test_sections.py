"""What a task's section says of the task, so that a config is refused before there are data, is what the data show."""

from pathlib import Path
from typing import Any

import pytest

from tests.unit.example_models import SECTIONS
from tests.unit.tasks.test_tokenised_text import tokeniser
from workflow_scripts.ticketlab import models, tasks
from workflow_scripts.ticketlab.config.study import MODELS
from workflow_scripts.ticketlab.instruments import role_scores
from workflow_scripts.ticketlab.settings.roles import ALWAYS, RolesSettings
from workflow_scripts.ticketlab.tasks.problem import SPLITS
from workflow_scripts.ticketlab.training.study import Study
from workflow_scripts.ticketlab.training.train import initial_weights

CORPUS = "The quick brown fox jumps over the lazy dog. "
SMALL: dict[str, dict[str, Any]] = {
    "images": {"evaluation_examples": 60},
    "linear_regression": {"evaluation_sequences": 8},
    "markov_chains": {"evaluation_sequences": 8},
    "modular_addition": {"modulus": 11, "train_share": 0.5, "key_frequencies": 3},
    "text": {"tokeniser": {"kind": "characters", "symbols": 12}, "context": 8},
    "tokenised_text": {"vocabulary": 300, "context": 8},
}


def test_every_task_is_tried() -> None:
    assert SMALL.keys() == tasks.TASKS.keys()


@pytest.mark.parametrize("kind", SMALL)
def test_a_tasks_section_says_what_the_task_has(
    kind: str, tmp_path: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    for number in range(12):
        (tmp_path / f"{number}.txt").write_text(CORPUS * 4 + str(number))
    corpus: dict[str, Any] = {"corpus": {"kind": "file", "path": str(tmp_path)}} if "text" in kind else {}
    if kind == "tokenised_text":
        corpus["tokeniser"] = {"path": str(tokeniser(tmp_path_factory.mktemp("tokeniser"))[0])}
    task = tasks.module(kind)
    settings = task.Settings(kind=kind, **SMALL[kind], **corpus)
    problem = task.load(*task.prepare(settings, "small"), settings)
    assert list(task.references(problem)) == list(settings.REFERENCES)
    components = task.components(problem).distances if hasattr(task, "components") else {}
    assert list(components) == list(settings.COMPONENTS)
    assert problem.evaluation.keys() == {*SPLITS, *settings.FURTHER_SETS}
    sizes = (problem.inputs, problem.outputs, problem.context)
    assert all(size <= most for size, most in zip(sizes, settings.largest(), strict=True))
    section = next(section for section in SECTIONS if settings.INPUTS in MODELS[section["kind"]].READS)
    study = Study("small", problem, models.build(section, *sizes))
    probe = role_scores.draw_probe(study, task.slices(problem, "test"), 0, RolesSettings(split="test"))
    scores = role_scores.score(study, initial_weights(study, [0, 1]), probe, RolesSettings())
    applicable = {*ALWAYS[MODELS[section["kind"]].COMPONENTS], *settings.SCORES}
    assert {name.split(":")[0] for name in scores} == applicable
