"""What docs/extending.md adds is added as it says: a study and an experiment, each from the blocks of its section."""

from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import yaml

from tests import extending
from tests.workflow.projects import TINY, Project, closure
from workflow_scripts.ticketlab.tables import files
from workflow_scripts.ticketlab.tables.schemas.verdicts import VERDICTS

REGISTRY = "workflow_scripts/ticketlab/tasks/__init__.py"
STUDY = "majority"


@pytest.fixture(scope="module")
def extended(tiny: Project, tmp_path_factory: pytest.TempPathFactory) -> Project:
    """A finished run with the page's study added and not yet run, in few steps."""
    project = tiny.copy(tmp_path_factory.mktemp("extended") / "project")
    blocks = {title: body for _, title, body in extending.blocks("A study")}
    (task,) = (title for title in blocks if title.endswith(".py"))
    assert not (project.folder / task).exists()
    (project.folder / task).write_text(blocks[task])
    project.edit(REGISTRY, "TASKS = {\n", "TASKS = {\n" + blocks["registry"])
    small = {key: value for key, value in TINY["studies"]["digits"].items() if key not in ("task", "model")}
    small["model"] = {"hidden": [12, 8]}
    run: dict[str, Any] = {"run": ["digits", STUDY], "studies": {STUDY: small}}
    return project.overlay("study.yaml", yaml.safe_load(blocks["config.yaml"])).overlay("small.yaml", run)


def test_a_new_study_leaves_every_finished_result_of_the_others_alone(extended: Project) -> None:
    """The calibration of pruning tries the new study's procedure, since others license it."""
    complete, planned = extended.plans(["--forceall"], [])
    assert set(planned) == closure(complete.values(), [f"* {STUDY}", f"* {STUDY}-*", "calibrate pruning"])


def test_the_pages_study_runs_to_its_verdicts(extended: Project, tmp_path: Path) -> None:
    project = extended.copy(tmp_path / "project").run()
    verdicts = files.read(project.folder / "results/verdicts.parquet", VERDICTS)
    mine = verdicts[verdicts["study"] == STUDY]
    assert {"T1 tickets", "T2 roles", "T3 transience"} <= set(mine["test"])
    assert set(verdicts["study"]) == {"digits", STUDY}


def test_the_pages_experiment_makes_its_own_table_and_figure_and_the_report(tiny: Project, tmp_path: Path) -> None:
    project = tiny.copy(tmp_path / "project")
    extending.add("An experiment", project.folder, without=("tests/", "results/"))
    assert set(project.plan()) == {"measure_movement digits", "draw_movement", "report"}
    project.run()
    table = pd.read_parquet(project.folder / "results/digits/movement.parquet")
    first, *_, last = sorted(set(table["step"]))
    assert (first, last) == (0, 12)
    assert set(table.loc[table["step"].eq(first) & table["quantity"].eq("distance"), "estimate"]) == {0.0}
    assert (table.loc[table["step"].eq(last) & table["quantity"].eq("distance"), "estimate"] > 0).all()
    assert (project.folder / "results/figures/movement.svg").is_file()


# A decoder of transformers in small, for a study whose steps are few.
DECODER = {
    "kind": "huggingface",
    "architecture": "gpt_neox",
    "hidden_size": 8,
    "num_hidden_layers": 1,
    "num_attention_heads": 2,
    "intermediate_size": 12,
}


def test_the_pages_own_networks_and_a_decoder_run_to_their_verdicts_without_a_line_in_the_package(
    tiny: Project, tmp_path: Path
) -> None:
    """Its studies extend those of config.yaml, so what makes these small makes them small too.

    And config/language.yaml in small.
    """
    project = tiny.copy(tmp_path / "project")
    blocks = {title: body for _, title, body in extending.blocks("A network of your own")}
    for title, body in blocks.items():
        (project.folder / title).write_text(body)
    small = {key: value for key, value in TINY["studies"]["digits"].items() if key not in ("task", "model")}
    sizes = {"own_cnn": {"channels": [3, 4]}, "own_gru": {"width": 4, "hidden": 5}, "decoder": DECODER}
    studies: dict[str, Any] = {name: {"model": keys} for name, keys in sizes.items()}
    studies["decoder"]["extends"] = "markov_chains"
    studies["markov_chains"] = small | {"task": {"context": 8, "evaluation_sequences": 16}, "development": None}
    studies["markov_chains"]["pruning"] = small["pruning"] | {"total_levels": None}
    task = {"max_characters": 300_000, "tokeniser": {"vocabulary": 300}, "context": 16, "evaluation_sequences": 16}
    studies["language"] = studies["markov_chains"] | {"task": task, "model": {"width": 8, "heads": 2}}
    project = project.overlay("own.yaml", yaml.safe_load(blocks["own_models.yaml"]))
    project = Project(project.folder, (*project.overlays, "config/language.yaml"))
    run = {"results": "results", "run": [*sizes, "language"], "studies": studies}
    project = project.overlay("small.yaml", run).run()
    verdicts = files.read(project.folder / "results/verdicts.parquet", VERDICTS)
    assert set(verdicts["study"]) == {*sizes, "language"}
    scores = set(pd.read_parquet(project.folder / "results/language/block0/roles/dense.parquet")["score"])
    assert {"induction", "previous_token"} < scores
    roles = pd.read_parquet(project.folder / "results/own_cnn/block0/roles/dense.parquet")
    assert set(roles["kind"]) == {"unit"} and roles["value"].notna().all()
    roles = pd.read_parquet(project.folder / "results/decoder/block0/roles/dense.parquet")
    assert {"previous_token", "ablation:late"} & set(roles["score"]) and roles["value"].notna().all()
    assert pd.read_parquet(project.folder / "results/decoder/block0/llc/dense/llc.parquet")["llc"].notna().all()
    project.edit("my_cnn.py", "F.relu", "F.gelu")
    stale = set(project.plan())
    assert "train_dense own_cnn-0" in stale and not any("own_gru" in job for job in stale)
