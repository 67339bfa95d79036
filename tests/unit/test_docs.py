"""The documentation names what there is: every output, table, column, target and file; its examples run."""

import re
from pathlib import Path
from typing import get_args

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
import yaml

from tests import extending
from tests.contracts import CONTRACTS
from workflow_scripts.ticketlab.config import rule_params, study
from workflow_scripts.ticketlab.settings.pruning import Control
from workflow_scripts.ticketlab.tables import files, stacks
from workflow_scripts.ticketlab.tables.schemas.networks import METRICS, WEIGHTS
from workflow_scripts.ticketlab.tables.schemas.table import KEYS
from workflow_scripts.ticketlab.verdicts import kinds

ROOT = Path(__file__).parents[2]
README, RESULTS, ARTIFACTS, EXTENDING, CONFIGURING, GPU, OPERATIONS, RELEASED = (
    (ROOT / page).read_text(encoding="utf-8")
    for page in (
        *("README.md", "results/README.md", "docs/artifacts.md", "docs/extending.md"),
        *("docs/configuring.md", "docs/gpu.md", "docs/operations.md", "docs/released.md"),
    )
)
PAGES = ["README.md", "results/README.md", "CONTRIBUTING.md", "CHANGELOG.md"]
PAGES += sorted(str(page.relative_to(ROOT)) for page in (ROOT / "docs").rglob("*.md"))
PROVENANCE = {"spec": "0", "code": "1", "lock": "2", "packages": {"torch": "2"}}


def blocks(page: str, language: str) -> dict[str, str]:
    """The titled code blocks of a language, by title."""
    return dict(re.findall(rf'^```{language} title="([^"]+)"\n(.*?)^```$', page, flags=re.MULTILINE | re.DOTALL))


OVERLAYS = blocks(CONFIGURING, "yaml") | blocks(GPU, "yaml") | blocks(OPERATIONS, "yaml") | blocks(RELEASED, "yaml")


def sections(page: str) -> dict[str, str]:
    """What stands below each second-level heading."""
    return dict(re.findall(r"^## (\S+)\n(.*?)(?=^## |\Z)", page, flags=re.MULTILINE | re.DOTALL))


def table_rows(text: str) -> dict[str, str]:
    """The first cell (without its backquotes) to the second, of the rows whose first cell is code."""
    return dict(re.findall(r"^\| `([^`|]+)` \| ([^|]*?) \|", text, flags=re.MULTILINE))


def spelled(kind: pa.DataType) -> str:
    """A column's type as the documentation writes it."""
    if pa.types.is_list(kind):
        return f"list of {spelled(kind.value_type)}"
    return {pa.float64(): "float64", pa.float32(): "float32"}.get(kind, str(kind))


def output_patterns() -> list[str]:
    """Every path that a rule writes, below the results folder, in Snakemake's notation."""
    found = []
    for file in sorted((ROOT / "rules").glob("*.smk")):
        for outputs in re.findall(r"^    output:\n((?:        .*\n)+)", file.read_text(), flags=re.MULTILINE):
            paths = re.findall(r'(?:at|calibrated)\("([^"]+)"\)', outputs)
            assert len(paths) == len(outputs.splitlines()), f"{file.name}: an output that this test cannot read"
            found += paths
    return found


def test_every_output_of_the_rules_is_named() -> None:
    patterns = output_patterns()
    assert len(patterns) > 20
    named = table_rows(RESULTS)
    assert [pattern for pattern in patterns if pattern not in named] == []


def test_no_output_is_named_that_no_rule_writes() -> None:
    jobs = {"logs/{rule}/….log", "benchmarks/{rule}/….tsv", "manifest/{rule}/….json"}
    assert set(table_rows(RESULTS)) - jobs == set(output_patterns())


def named_beside(path: str) -> list[str]:
    """The rules that results/README.md names beside an output: several where they make it for different studies."""
    rows = re.findall(rf"^\| `{re.escape(path)}` \| ([^|]*?) \|", RESULTS, flags=re.MULTILINE)
    return ", ".join(rows).split(", ")


def test_the_rule_named_beside_an_output_makes_it() -> None:
    for file in sorted((ROOT / "rules").glob("*.smk")):
        named = r"^(?:use rule \w+ as (\w+) with|rule (\w+)):\n((?:(?:    .*)?\n)+)"
        for copied, plain, body in re.findall(named, file.read_text(), flags=re.MULTILINE):
            outputs = re.search(r"^    output:\n((?:        .*\n)+)", body, flags=re.MULTILINE)
            for path in re.findall(r'(?:at|calibrated)\("([^"]+)"\)', outputs[1] if outputs else ""):
                assert (copied or plain) in named_beside(path)


def test_every_figure_is_named() -> None:
    assert [name for name in (*rule_params.FIGURES, "clock") if f"`{name}`" not in RESULTS] == []


@pytest.mark.parametrize("name", CONTRACTS)
def test_every_column_of_every_table_is_described_with_its_type(name: str) -> None:
    contract = CONTRACTS[name].columns
    described = table_rows(sections(ARTIFACTS)[name])
    if set(KEYS) <= set(contract):
        described |= table_rows(sections(ARTIFACTS)["Keys"])
    assert described == {column: spelled(kind) for column, kind in contract.items()}


def test_every_kind_of_claim_is_described() -> None:
    section = ARTIFACTS.partition("## Kinds of claims\n")[2].partition("\n## ")[0]
    assert list(table_rows(section)) == [*kinds.KINDS]


@pytest.mark.parametrize("name", CONTRACTS)
def test_the_rules_that_make_a_table_are_named(name: str) -> None:
    listed = re.search(rf"^\| \[{name}\]\(#{name}\) \| [^|]+ \| ([^|]+) \|", ARTIFACTS, flags=re.MULTILINE)
    assert listed
    makers = {
        maker.strip()
        for row in RESULTS.splitlines()
        if re.search(rf"\| {name}\b", row) or (name == "verdicts" and "`verdicts.parquet`" in row)
        for maker in row.split("|")[2].split(",")
    }
    assert {maker.strip() for maker in listed[1].split(",")} == makers


@pytest.fixture
def finished(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with the files that the examples read, in which they are then run."""
    keys = {"init_seed": 0, "data_seed": 0, "variant": "ticket", "rewind_step": 0, "level": 8}
    rows = [
        {"study": "digits", **keys, "init_seed": seed, "step": step, "split": split, "metric": metric}
        for seed in (0, 1)
        for step in (0, 40)
        for split in ("validation", "test")
        for metric in ("loss", "error")
    ]
    frame = pd.DataFrame(rows).assign(density=0.2, emptied="", value=lambda rows: rows.index / 10)
    block = tmp_path / "results/digits/block0"
    files.write(block / "imp/rewind0/round8/metrics.parquet", METRICS, frame, PROVENANCE)
    with stacks.writing(block / "dense/weights.parquet", WEIGHTS, PROVENANCE) as writer:
        for step in (0, 7):
            tensor = np.full((2, 3, 4), step, dtype=np.float32)
            writer.add("digits", step, [keys, {**keys, "init_seed": 1}], {("weight", "layers.0.weight"): tensor})
    monkeypatch.chdir(tmp_path)
    return tmp_path


EXAMPLES = ["pandas", "pyarrow", "many files", "duckdb", "polars", "weights"]


@pytest.mark.parametrize("title", EXAMPLES)
def test_the_reading_examples_run(title: str, finished: Path) -> None:
    found: dict = {}
    exec(compile(blocks(ARTIFACTS, "python")[title], title, "exec"), found)
    if title == "pandas":
        assert found["by_seed"].shape == (2, 2)
    elif title == "pyarrow":
        assert found["table"].num_rows == 4 and found["origin"]["table"] == "metrics"
    elif title == "many files":
        assert set(found["end"]["step"]) == {40} and len(found["end"]) == 2
    elif title in ("duckdb", "polars"):
        end = pd.read_parquet("results/digits/block0/imp/rewind0/round8/metrics.parquet").query(
            "split == 'test' and metric == 'error' and step == 40"
        )
        rows = found["tickets"].to_dict("records") if title == "duckdb" else found["tickets"].to_dicts()
        expected = {"rewind_step": 0, "density": 0.2, "error": pytest.approx(end["value"].mean()), "networks": 2}
        assert rows == [expected]
    else:
        assert found["first_layer"].shape == (2, 3, 4) and (found["first_layer"] == 7).all()


def test_no_reading_example_is_left_out() -> None:
    assert set(blocks(ARTIFACTS, "python")) == set(EXAMPLES)


def test_the_readme_is_one_page_that_begins_with_a_command() -> None:
    assert len(README.split()) <= 900
    assert "make run" in "\n".join(README.splitlines()[:25])


def test_every_make_target_is_described_and_exists() -> None:
    targets = set(re.findall(r"^([a-z-]+):.*## ", (ROOT / "Makefile").read_text(), flags=re.MULTILINE))
    assert set(re.findall(r"`make ([a-z-]+)", OPERATIONS)) == targets
    for page in PAGES:
        text = (ROOT / page).read_text(encoding="utf-8")
        assert set(re.findall(r"(?:^|`)make ([a-z-]+)", text, flags=re.MULTILINE)) <= targets, page


def test_every_stage_that_can_be_asked_for_is_a_rule() -> None:
    listed = re.search(r"Stages that can be asked for by name: (.*?)\. So", OPERATIONS, flags=re.DOTALL)
    assert listed
    rules = set(re.findall(r"^rule (\w+):", "".join(file.read_text() for file in (ROOT / "rules").iterdir()), re.M))
    assert set(re.findall(r"`(\w+)`", listed[1])) <= rules


@pytest.mark.parametrize("page", PAGES)
def test_every_link_leads_somewhere(page: str) -> None:
    text = re.sub(r"^```.*?^```$", "", (ROOT / page).read_text(encoding="utf-8"), flags=re.MULTILINE | re.DOTALL)
    for target in re.findall(r"\]\(([^)\s]+)\)", text):
        file, _, anchor = target.partition("#")
        path = (ROOT / page).parent / file if file else ROOT / page
        assert path.exists(), target
        if anchor:
            headings = re.findall(r"^#+ (.*)$", path.read_text(encoding="utf-8"), flags=re.MULTILINE)
            assert anchor in {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings}, target


WINGS = sorted(folder.parent.name for folder in (ROOT / "workflow_scripts/ticketlab").glob("*/__init__.py"))
FOLDERS = "|".join(["config", "docs", "envs", "profiles", "rules", "tests", "workflow_scripts", *WINGS])


def test_the_map_has_a_line_for_each_wing() -> None:
    assert sorted(re.findall(r"^\| \d? ?\| `(\w+)` \|", README, flags=re.MULTILINE)) == WINGS


@pytest.mark.parametrize("page", PAGES)
def test_every_file_of_the_repository_that_is_named_exists(page: str) -> None:
    text = (ROOT / page).read_text(encoding="utf-8")
    named = set(re.findall(rf"`((?:{FOLDERS})/[\w./-]*)`", text)) - set(blocks(text, "python"))
    places = (ROOT, ROOT / "workflow_scripts/ticketlab")
    assert [name for name in named if not any((place / name).exists() for place in places)] == []


@pytest.mark.parametrize("title", OVERLAYS)
def test_the_overlays_of_the_pages_are_accepted(title: str, tmp_path: Path) -> None:
    overlay = tmp_path / "overlay.yaml"
    overlay.write_text(OVERLAYS[title], encoding="utf-8")
    loaded = study.load([ROOT / "config.yaml", overlay], {})
    assert loaded.results == yaml.safe_load(OVERLAYS[title])["results"]


def test_the_variants_are_named() -> None:
    keys = sections(ARTIFACTS)["Keys"]
    assert [name for name in get_args(Control) if f"`{name}" not in keys] == []


def test_the_experiment_of_the_page_has_the_number_of_files_that_it_says(tmp_path: Path) -> None:
    """All of its blocks still find their places; a test of the workflow runs it."""
    copied = {title for language, title, _ in extending.blocks("An experiment") if language == "diff"}
    for title in copied:
        (tmp_path / title).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / title).write_bytes((ROOT / title).read_bytes())
    new, changed = extending.add("An experiment", tmp_path)
    said = re.search(r"It has (\d+) new files, and a few lines in (\d+)\sothers, of which one is generated", EXTENDING)
    assert said and (len(new), len(changed) + 1) == (int(said[1]), int(said[2]))
