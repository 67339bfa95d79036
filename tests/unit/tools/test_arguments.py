import subprocess
import sys

import pytest

from tests.conftest import ROOT


def check(folder, *arguments):
    command = [sys.executable, "-m", "workflow_scripts.tools.arguments", *arguments]
    return subprocess.run(command, cwd=folder, env={"PYTHONPATH": str(ROOT)}, capture_output=True, text=True)


@pytest.mark.parametrize(
    "arguments",
    [[], ["-n"], ["--configfile", "a.yaml"], ["--configfile", "a.yaml", "b.yaml", "--", "report"], ["--config", "x=1"]],
)
def test_files_that_are_there_and_other_arguments_pass_in_silence(tmp_path, arguments):
    for name in ("a.yaml", "b.yaml"):
        (tmp_path / name).touch()
    result = check(tmp_path, *arguments)
    assert (result.returncode, result.stdout, result.stderr) == (0, "", "")


@pytest.mark.parametrize(
    "arguments",
    [
        ["--configfile", "gone.yaml"],
        ["--configfile=gone.yaml"],
        ["--configfiles", "a.yaml", "gone.yaml", "-n"],
        ["--configfile", "a.yaml", "--cores", "2", "--configfile", "gone.yaml"],
    ],
)
def test_a_config_file_that_is_not_there_is_named_in_one_sentence(tmp_path, arguments):
    (tmp_path / "a.yaml").touch()
    result = check(tmp_path, *arguments)
    sentence = f"error: --configfile: no file gone.yaml in {tmp_path.name}/; fix its name or create it\n"
    assert (result.returncode, result.stdout, result.stderr) == (1, "", sentence)
