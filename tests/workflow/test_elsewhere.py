"""The workflow from another folder, in another workflow, and in Snakemake's own report."""

import json
import re
import shutil
from pathlib import Path

import yaml

from tests.workflow import forks
from tests.workflow.projects import ROOT, TINY, Project, environment

OUTER = """
module ticketlab:
    snakefile: "{snakefile}"
    config: config["lab"]
    prefix: "lottery"

use rule * from ticketlab as lottery_*

rule mine:
    default_target: True
    input: rules.lottery_verdicts.input
    output: "mine.txt"
    shell: "touch {{output}}"
"""


def snakemake(folder: Path, *arguments: str) -> str:
    """What Snakemake prints of a dry run in this folder, or of a run that it refuses."""
    result = forks.snakemake(folder, ["--cores", "1", "--dry-run", *arguments], environment())
    return result.stdout + result.stderr


def test_finished_results_are_found_from_another_folder(tiny: Project, tmp_path: Path) -> None:
    for name in ("results", ".snakemake"):
        shutil.copytree(tiny.folder / name, tmp_path / "work" / name)
    where = ["--snakefile", str(tiny.folder / "Snakefile"), "--directory", "work", "--configfile"]
    planned = snakemake(tmp_path, *where, str(tiny.folder / tiny.overlays[0]))
    # Its template and captions have another path from here.
    assert set(re.findall(r"^rule (\w+):", planned, flags=re.MULTILINE)) == {"report", "all"}, planned[-6000:]


def test_as_a_module_it_has_its_own_config_and_writes_below_its_prefix(pristine: Path, tmp_path: Path) -> None:
    (tmp_path / "Snakefile").write_text(OUTER.format(snakefile=pristine / "Snakefile"))
    (tmp_path / "config.yaml").write_text(yaml.safe_dump({"lab": TINY | {"results": "out", "calibrations": "out"}}))
    planned = snakemake(tmp_path, "--configfile", "config.yaml")
    outputs = re.findall(r"^    output: (.*)$", planned, flags=re.MULTILINE)
    assert "mine.txt" in outputs and "lottery/out/verdicts.parquet" in outputs, planned[-6000:]
    assert all(path.startswith("lottery/out/") for line in outputs for path in line.split(", ") if path != "mine.txt")
    assert {"lottery/out/digits/data.parquet"} == {line for line in outputs if line.endswith("data.parquet")}


def test_without_its_library_it_says_that_it_needs_the_whole_repository(tmp_path: Path) -> None:
    shutil.copy(ROOT / "Snakefile", tmp_path)
    said = snakemake(tmp_path)
    assert "clone the whole repository" in said and "Traceback" not in said, said


def test_snakemakes_report_shows_the_answer_and_each_figure_and_table_with_its_caption(
    tiny: Project, tmp_path: Path
) -> None:
    page = tmp_path / "report.html"
    result = tiny.snakemake("--report", str(page))
    assert result.returncode == 0, result.stderr[-6000:]
    shown = re.search(r"^ *var results = (\{.*\});?$", page.read_text(encoding="utf-8"), flags=re.MULTILINE)
    assert shown
    found = json.loads(shown[1])
    assert {Path(path).stem for path in found} >= {"report", "verdicts", "predictions", "tickets", "calibration_llc"}
    assert all(entry["caption"].startswith("<p>") for entry in found.values())
