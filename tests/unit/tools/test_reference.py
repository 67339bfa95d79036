"""The pages that `make reference` writes of a run in addition to its tables (workflow_scripts/tools/reference.py)."""

from functools import partial
from pathlib import Path

import pandas as pd

from workflow_scripts.tools.reference import of_clock, of_predictions, of_time, of_verdicts


def measure(folder: Path, name: str, seconds: float, memory: float) -> None:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"s\th:m:s\tmax_rss\n{seconds}\t0:00:01\t{memory}\n")


def test_times_are_summed_by_rule_and_study_the_costliest_first(tmp_path: Path) -> None:
    measure(tmp_path, "train/text-0.tsv", 100.4, 900.0)
    measure(tmp_path, "train/text-1.tsv", 300.0, 2300.0)
    measure(tmp_path, "train/text_long-0.tsv", 20.0, 700.0)
    measure(tmp_path, "prune/text_long-0-1.tsv", 5000.0, 800.0)
    measure(tmp_path, "judge.tsv", 2.0, 100.0)
    page = of_time(tmp_path, ["text", "text_long"])
    assert "the 5 jobs" in page
    assert "train, text: 2.3 GB" in page
    assert page.splitlines()[-6:] == [
        "| rule | all together | text | text_long | all |",
        "| --- | --- | --- | --- | --- |",
        "| prune |  |  | 5000 | 5000 |",
        "| train |  | 400 | 20 | 420 |",
        "| judge | 2 |  |  | 2 |",
        "| all | 2 | 400 | 5020 | 5422 |",
    ]


def test_pages_say_which_run_they_are_of(tmp_path: Path) -> None:
    measure(tmp_path, "judge.tsv", 2.0, 100.0)
    empty = {
        of_verdicts: pd.DataFrame(columns=["study", "kind"]),
        of_predictions: pd.DataFrame(columns=["prediction", "verdict"]),
        of_clock: pd.DataFrame(columns=["study"]),
    }
    pages = [lambda *run: of_time(tmp_path, [], *run), *(partial(page, table) for page, table in empty.items())]
    for page in pages:
        assert "the default run" in page().splitlines()[0]
        assert "a run of config/thorough.yaml" in page("a run of config/thorough.yaml").splitlines()[0]
