"""The four commands of docs/configuring.md: from a clone to a verdict about one's own text."""

import re
import shlex
import subprocess
from pathlib import Path

import pytest

from workflow_scripts.ticketlab.config import calibrations, study
from workflow_scripts.tools import command

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs/configuring.md").read_text(encoding="utf-8")
COMMANDS = re.findall(r'^```sh title="four commands"\n(.*?)^```$', PAGE, flags=re.MULTILINE | re.DOTALL)[0].splitlines()


def test_there_are_four_commands() -> None:
    assert [line.split()[0] for line in COMMANDS] == ["git", "cd", "printf", "make"]


@pytest.mark.parametrize("name", ["mine.txt", "a module.py", "documents.jsonl"])
def test_the_third_writes_a_config_that_the_fourth_runs_on_the_calibrations_of_the_small_run(
    name: str, tmp_path: Path
) -> None:
    written = COMMANDS[2].replace("mine.txt", name)
    subprocess.run(["bash", "-c", written], cwd=tmp_path, env={"HOME": str(tmp_path)}, check=True)
    make, target, *variables = shlex.split(COMMANDS[3])
    given = dict(variable.split("=") for variable in variables)
    assert (make, target, sorted(given)) == ("make", "run", ["CONFIG", "STUDIES"])
    arguments = command.compose(target, "2", given["STUDIES"], [], given["CONFIG"])
    files, chosen = ["config/small.yaml", "mine.yaml"], "run=[text]"
    assert arguments == ["--cores", "2", "--configfile", *files, "--config", chosen]
    layers = [ROOT / "config.yaml", ROOT / files[0], tmp_path / files[1]]
    mine, shipped = study.load(layers, {"run": ["text"]}), study.load(layers[:1], {})
    assert mine.studies["text"].task.corpus.path == str(tmp_path / name)  # type: ignore[union-attr]
    assert mine.results == "results/mine" and mine.names() == ["text"]
    assert calibrations.paths(mine, shipped) == calibrations.paths(study.load(layers[:2], {}), shipped)
