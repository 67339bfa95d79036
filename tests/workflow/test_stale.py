"""What a change makes stale, and what it leaves alone: dry runs over finished runs, in folders moved elsewhere."""

import os
import shutil
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.workflow.projects import ROOT, TINY, Project, closure
from workflow_scripts.ticketlab.config import overlay

LIBRARY = "workflow_scripts/ticketlab"


@dataclass(frozen=True)
class Change:
    """What is changed, and the jobs that must run because of it; all that is downstream of them must run as well.

    stale: patterns of jobs; spared: of jobs that must not run, so that a DAG which couples too much is found out.
    config: laid over the finished run's; edits: (file, old, new); code: files that get one more statement.
    base: the fixture with the finished run.
    """

    stale: Sequence[str]
    spared: Sequence[str] = ()
    config: dict[str, Any] = field(default_factory=dict)
    edits: Sequence[tuple[str, str, str]] = ()
    code: Sequence[str] = ()
    base: str = "quick"


def study(name: str, **sections: Any) -> dict[str, Any]:
    return {"studies": {name: sections}}


def trained(name: str) -> list[str]:
    """The jobs that train networks of a study."""
    rules = ("train_dense", "imp_round", "retrain_tickets", "find_supermask", "train_spawned")
    return [f"{rule} {name}-*" for rule in rules]


def shipped(name: str) -> dict[str, Any]:
    """A study's block as the quick run has it."""
    layers = [yaml.safe_load((ROOT / file).read_text()) for file in ("config.yaml", "config/quick.yaml")]
    return overlay(*(layer["studies"][name] for layer in layers))


CHANGES = {
    "two betas change places": Change(
        config=study("text", training={"betas": [0.99, 0.9]}),
        stale=trained("text"),
        spared=["prepare_data *", "init_seeds *", "* digits*"],
    ),
    "learning rate and momentum change places": Change(
        config=study("text", training={"learning_rate": 0.9, "momentum": 0.01}),
        stale=trained("text"),
        spared=["prepare_data *", "init_seeds *", "* digits*"],
    ),
    "two studies change learning rates": Change(
        config={
            "studies": {
                "text": {"training": {"learning_rate": shipped("digits")["training"]["learning_rate"]}},
                "digits": {"training": {"learning_rate": shipped("text")["training"]["learning_rate"]}},
            }
        },
        stale=trained("text") + trained("digits"),
        spared=["prepare_data *", "init_seeds *"],
    ),
    "another split of the data": Change(
        config=study("digits", task={"validation_share": 0.2}),
        stale=["prepare_data digits"],
        spared=["* text*"],
    ),
    "another judging margin": Change(
        config=study("text", judging={"margin": 0.05}),
        stale=["summarise text", "judge"],
        spared=["train_*", "imp_round *", "score_roles *", "compare_roles *", "estimate_llc *", "* digits*"],
    ),
    "another LLC temperature": Change(
        config=study("digits", llc={"nbeta": 20.0}),
        stale=["estimate_llc digits-*"],
        spared=["train_*", "imp_round *", "trace_*", "* text*"],
    ),
    "one more seed block": Change(
        config=study("digits", seeds=8),
        stale=["* digits-1", "* digits-1-*"],
        spared=["* digits-0", "* digits-0-*", "* text*", "prepare_data *"],
    ),
    "one more round of pruning": Change(
        config=study("digits", pruning={"rounds": 4}),
        stale=["imp_round digits-0-*-4"],
        spared=["imp_round digits-0-*-[123]", "train_*", "retrain_tickets *", "estimate_llc *", "* text*"],
    ),
    "one more control": Change(
        base="tiny",
        config=study("digits", pruning={"controls": [*TINY["studies"]["digits"]["pruning"]["controls"], "random"]}),
        stale=["retrain_tickets digits-0-random"],
        spared=["train_*", "imp_round *", "retrain_tickets *-reinitialised", "retrain_tickets *-shuffled"],
    ),
    "one more study": Change(
        config=study("again", **shipped("digits")),
        stale=["* again", "* again-*"],
        spared=["* text*", "* digits*"],
    ),
    "one study less": Change(config={"run": ["digits"]}, stale=["judge"], spared=["* text*", "* digits*"]),
    "structure.py": Change(
        code=[f"{LIBRARY}/structure.py"],
        stale=["trace_structure *"],
        spared=["train_*", "imp_round *", "estimate_llc *", "score_roles *"],
    ),
    "pruning.py": Change(
        code=[f"{LIBRARY}/pruning.py"],
        stale=["imp_round *", "retrain_tickets *", "find_supermask *", "trace_masks *"],
        spared=["train_*", "score_roles *", "trace_structure *"],
    ),
    "a script": Change(
        code=["workflow_scripts/compare_roles.py"], stale=["compare_roles *"], spared=["train_*", "score_roles *"]
    ),
    "a task's file": Change(
        code=[f"{LIBRARY}/tasks/images.py"], stale=["* digits", "* digits-*"], spared=["* text", "* text-*"]
    ),
    "a model's file": Change(
        code=[f"{LIBRARY}/models/transformer.py"],
        stale=[f"* {name}{jobs}" for name in ("text", "markov_chains", "linear_regression") for jobs in ("", "-*")],
        spared=["* digits", "* digits-*"],
    ),
    "a pinned package": Change(edits=[("envs/requirements.lock", "numpy==", "numpy==9.")], stale=["*"]),
    "comments and docstrings": Change(
        edits=[
            (f"{LIBRARY}/training.py", '"""', '"""As before: '),
            ("workflow_scripts/train_dense.py", '"""', '"""As before: '),
            ("workflow_scripts/judge.py", "with logged", "# a comment\nwith logged"),
            ("rules/dense.smk", "rule train_dense", "# a comment\nrule train_dense"),
            ("config.yaml", "defaults:", "# a comment\ndefaults:"),
            ("envs/requirements.lock", "numpy==", "# a comment\nnumpy=="),
        ],
        stale=[],
    ),
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=list(CHANGES))
def test_a_change_makes_stale_what_it_touches_and_nothing_else(
    change: Change, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    finished: Project = request.getfixturevalue(change.base)
    project = finished.copy(tmp_path / "project").overlay("change.yaml", change.config)
    for edit in change.edits:
        project.edit(*edit)
    for file in change.code:
        project.append(file, "\nADDED = 1\n")
    with ThreadPoolExecutor() as pool:
        planned, complete = pool.map(lambda arguments: project.plan(*arguments), [(), ("--forceall",)])
    assert set(planned) == closure(complete.values(), change.stale)
    for pattern in change.stale:
        assert any(fnmatch(job, pattern) for job in planned), f"nothing like {pattern} is planned"
    assert not [job for job in planned for pattern in change.spared if fnmatch(job, pattern)]


def test_nothing_is_stale_after_a_checkout_that_touches_every_source(quick: Project, tmp_path: Path) -> None:
    project = quick.copy(tmp_path / "project")
    for pattern in ("Snakefile", "config.yaml", "config/*", "rules/*", "workflow_scripts/**/*.py", "envs/*"):
        project.touch(pattern)
    assert not project.plan()


CORPUS = "texts"
TEXT: dict[str, Any] = {
    "run": ["text"],
    "studies": {
        "text": {"task": {"corpus": {"kind": "file", "path": CORPUS}, "context": 8, "evaluation_sequences": 8}}
    },
}


@pytest.fixture(scope="module")
def own_text(pristine: Path, tmp_path_factory: pytest.TempPathFactory) -> Project:
    """A study on the user's own texts, up to its data."""
    folder = shutil.copytree(pristine, tmp_path_factory.mktemp("text") / "project")
    (folder / CORPUS).mkdir()
    for number in range(30):
        (folder / CORPUS / f"{number}.txt").write_text(f"The {number}th text says that {number} is a number.\n" * 20)
    return Project(folder, ("config/quick.yaml",)).overlay("text.yaml", TEXT).run("data")


def change_text(project: Project, how: str) -> None:
    path = project.folder / CORPUS / "7.txt"
    text, status = path.read_text(), path.stat()
    if how == "edited":
        path.write_text(text.replace("number", "figure"))
    elif how == "replaced by an older file":
        path.write_text(text.replace("number", "figure"))
        os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns - 10**12))
    elif how == "removed":
        path.unlink()
    elif how == "added":
        path.with_name("new.txt").write_text(text)
    else:
        os.utime(path)


@pytest.mark.parametrize("how", ["edited", "replaced by an older file", "removed", "added", "touched"])
def test_data_are_prepared_anew_from_the_users_texts_if_and_only_if_these_changed(
    own_text: Project, tmp_path: Path, how: str
) -> None:
    project = own_text.copy(tmp_path / "project")
    change_text(project, how)
    planned = project.plan("data")
    assert set(planned) == (set() if how == "touched" else {"prepare_data text", "init_seeds text-0"})
