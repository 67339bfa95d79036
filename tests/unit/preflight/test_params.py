"""What makes a job's output stale: the three params of its rule (workflow_scripts/preflight/params.py)."""

from inspect import signature
from pathlib import Path

import pytest
from snakemake.iocontainers import Wildcards

from workflow_scripts.preflight.digest import code_parts, parts_digest
from workflow_scripts.preflight.params import Params
from workflow_scripts.ticketlab.config import rule_params
from workflow_scripts.ticketlab.config.study import validate
from workflow_scripts.ticketlab.report.figures.registry import FIGURES

ROOT = Path(__file__).parents[3]


@pytest.fixture
def config(shipped):
    return validate(shipped)


@pytest.fixture
def job(config, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)  # where the parts of the digests are kept
    return Params(config, ROOT)


def digest(script, *modules):
    modules = [f"workflow_scripts.ticketlab.{module}" for module in modules]
    return parts_digest(code_parts(ROOT / f"workflow_scripts/{script}.py", *modules, root=ROOT))


def wildcards(**values):
    return Wildcards(fromdict=values)


@pytest.mark.parametrize("figures", [(), ("tickets",)])
def test_every_rule_has_three_params_of_which_none_looks_at_input_or_output(job, figures):
    params = job("figures", *figures) if figures else job("train_dense")
    assert list(params) == ["spec", "code", "lock"]
    assert all(list(signature(params[name]).parameters) == ["wildcards"] for name in ("spec", "code"))


def test_a_spec_is_what_the_function_of_the_rules_name_gives_for_the_wildcards_that_it_names(job, config):
    of_round = wildcards(study="text", block="0", rewind="0", level="3")
    assert job("imp_round")["spec"](of_round) == rule_params.imp_round(config, "text", 0, 3)
    assert job("judge")["spec"](wildcards()) == rule_params.judge(config)
    assert job("calibrate")["spec"](wildcards(instrument="llc")) == rule_params.calibrate(config, "llc")


def test_code_is_the_rules_script_with_what_its_study_or_instrument_loads(job):
    code = job("train_dense")["code"]
    assert code(wildcards(study="text", block="0")) == digest("train_dense", "tasks.text", "models.transformer")
    assert code(wildcards(study="digits", block="0")) == digest("train_dense", "tasks.images", "models.mlp")
    assert job("judge")["code"](wildcards()) == digest("judge")
    assert job("calibrate")["code"](wildcards(instrument="llc")) == digest("calibrate", "calibration.llc")


def test_the_code_of_a_drawing_rule_is_that_of_its_figures(job):
    own = [FIGURES[name].removeprefix("workflow_scripts.ticketlab.") for name in ("tickets", "roles")]
    assert job("figures", "tickets", "roles")["code"](wildcards()) == digest("draw", *own)


def test_another_set_of_instructions_is_another_lock(job, config):
    assert Params(config.model_copy(update={"numerics": "native"}), ROOT).lock != job.lock


def test_the_users_own_files_count_by_their_content(shipped, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "own.txt"
    shipped["studies"]["text"]["task"]["corpus"] = {"kind": "file", "path": str(path)}
    spec = Params(validate(shipped), ROOT)("prepare_data")["spec"]
    assert "sha256" not in spec(wildcards(study="text"))  # not there: preflight/own_files.py says so
    path.write_text("one")
    first = spec(wildcards(study="text"))
    assert list(first["sha256"]) == [str(path)]
    path.write_text("two")
    assert spec(wildcards(study="text")) != first
    assert "sha256" not in spec(wildcards(study="digits"))


def test_a_network_in_a_file_of_the_users_own_is_part_of_the_code_of_its_studys_jobs(shipped, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    own, text = tmp_path / "own.py", wildcards(study="text", block="0")
    own.write_text("WIDTH = 1\n")
    shipped["studies"]["text"]["model"] = {"kind": "module", "path": "own.py", "class": "Own"}

    def codes():
        code = Params(validate(shipped), ROOT)("train_dense")["code"]
        return code(text), code(wildcards(study="digits", block="0"))

    before = codes()
    own.write_text("WIDTH = 2\n")
    after = codes()
    assert after[0] != before[0] and after[1] == before[1]
