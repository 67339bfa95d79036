"""A bad config ends the run before its first job, with one message that names what is wrong."""

from pathlib import Path

import pytest

from tests.workflow.projects import Project


def training(text: str) -> str:
    return f"studies: {{digits: {{training: {text}}}}}"


BAD = {
    "unknown key": (training("{learning_rat: 0.1}"), "studies.digits.training: no key 'learning_rat'"),
    "unknown section": ("studies: {digits: {trainings: {}}}", "studies.digits: no key 'trainings'"),
    "unknown top-level key": ("resuls: elsewhere", "no key 'resuls'"),
    "wrong type": (training("{steps: many}"), "studies.digits.training.steps"),
    "out of range": (training("{learning_rate: -1}"), "studies.digits.training.learning_rate"),
    "heads that do not divide the width": ("studies: {text: {model: {heads: 7}}}", "heads 7"),
    "rewinding past the end": ("studies: {digits: {pruning: {rewind_steps: [0, 9000]}}}", "pruning.rewind_steps 9000"),
    "a study that is not there": ("run: [digit]", "'digit'"),
    "a tensor that the model has not": (
        "studies: {digits: {pruning: {schedule: {keep_by_tensor: {layers.9.weight: 0.9}}}}}",
        "digits.pruning.schedule.keep_by_tensor: the model has no prunable tensor 'layers.9.weight'; it has layers.0.",
    ),
    "studies as a list": ("studies: [digits]", "studies: must be a mapping"),
    "defaults as a number": ("defaults: 3", "defaults: must be a mapping"),
    # Snakemake reads the files of --configfile before the workflow does, and says this of them:
    "a list": ("- studies\n- digits\n", "Config file must be given as JSON or YAML with keys at top level"),
    "a word": ("studies\n", "Config file must be given as JSON or YAML with keys at top level"),
    "nothing": ("", "Config file must be given as JSON or YAML with keys at top level"),
    "not YAML": ("studies: {digits: [\n", "Config file is not valid JSON or YAML"),
    "YAML that runs code": ('run: !!python/object/apply:os.mkdir ["made"]\n', "Config file is not valid JSON or YAML"),
}


@pytest.mark.parametrize(("text", "named"), BAD.values(), ids=list(BAD))
def test_a_bad_config_is_refused_in_one_message_before_any_job(
    pristine: Path, tmp_path: Path, text: str, named: str
) -> None:
    (tmp_path / "bad.yaml").write_text(text)
    check_refused(pristine, named, "--configfile", str(tmp_path / "bad.yaml"))
    assert not (pristine / "made").exists()


def test_a_bad_value_on_the_command_line_is_refused_by_name(pristine: Path) -> None:
    check_refused(pristine, "studies.digits.seeds", "--config", "studies={digits: {seeds: none}}")


def test_a_config_file_that_does_not_exist_ends_the_run_by_name(pristine: Path) -> None:
    """With a traceback of Snakemake's own, which reads them before the workflow does; `make` has looked before."""
    result = Project(pristine, ()).snakemake("--configfile", "gone.yaml")
    assert result.returncode != 0
    assert "gone.yaml" in result.stderr
    assert not (pristine / "results").exists()


def check_refused(folder: Path, named: str, *arguments: str) -> None:
    result = Project(folder, ()).snakemake(*arguments)
    said = result.stdout + result.stderr
    assert result.returncode != 0
    assert "Traceback" not in said
    assert len([line for line in said.splitlines() if named in line]) == 1, said
    assert len([line for line in said.splitlines() if line.strip()]) <= 5, said
    assert not (folder / "results").exists()
