"""What `make reference` writes of a run besides its tables (workflow_scripts/tools/reference.py)."""

from pathlib import Path

from workflow_scripts.tools.reference import of_time


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
