"""Runs of other seeds side by side: which headline decisions rest on the seeds."""

from collections.abc import Mapping
from pathlib import Path

import pandas as pd
import pytest

from tests.unit.example_results import example, judged, judging
from workflow_scripts.ticketlab.core.readings import INCONCLUSIVE
from workflow_scripts.ticketlab.tables import files
from workflow_scripts.ticketlab.tables.schemas.verdicts import VERDICTS
from workflow_scripts.ticketlab.verdicts import kinds
from workflow_scripts.ticketlab.verdicts.rows import REFUTES, STRONG_FORM, SUPPORTS, T1
from workflow_scripts.tools import compare_runs

CLAIMS = {"tickets": (T1, kinds.WINNING_TICKET), "masks": (STRONG_FORM, kinds.STRONG_FORM)}


def run(decisions: Mapping[tuple[str, str], str]) -> pd.DataFrame:
    """Verdicts by (study, name of a claim), and one about a single density, which is no headline."""
    rows = [(study, *CLAIMS[claim], decision) for (study, claim), decision in decisions.items()]
    rows.append(("a", T1, kinds.TICKET, "winning"))
    return pd.DataFrame(rows, columns=["study", "test", "kind", "decision"])


def test_equal_runs_change_nothing() -> None:
    one = run({("a", "tickets"): SUPPORTS, ("a", "masks"): REFUTES})
    assert compare_runs.report({"one": one, "two": one}).endswith("0 of 2 headline decisions changed, 0 of them sides.")


def test_a_change_of_sides_is_told_from_a_decision_that_is_only_lost() -> None:
    runs = {
        "one": run({("a", "tickets"): SUPPORTS, ("a", "masks"): SUPPORTS, ("b", "masks"): INCONCLUSIVE}),
        "two": run({("a", "tickets"): INCONCLUSIVE, ("a", "masks"): SUPPORTS, ("b", "masks"): INCONCLUSIVE}),
        "three": run({("a", "tickets"): REFUTES, ("a", "masks"): INCONCLUSIVE, ("b", "masks"): INCONCLUSIVE}),
    }
    assert compare_runs.report(runs).splitlines() == [
        "study  test            one           two           three         changed",
        "a      T1 strong form  supports LTH  supports LTH  inconclusive  yes",
        "       T1 tickets      supports LTH  inconclusive  refutes LTH   sides",
        "b      T1 strong form  inconclusive  inconclusive  inconclusive",
        "",
        "2 of 3 headline decisions changed, 1 of them sides.",
    ]


def test_a_study_that_one_run_lacks_is_shown_and_not_counted() -> None:
    more = {("a", "tickets"): SUPPORTS, ("b", "tickets"): REFUTES}
    report = compare_runs.report({"one": run({("a", "tickets"): SUPPORTS}), "two": run(more)})
    assert "b      T1 tickets  –             refutes LTH" in report
    assert report.endswith("0 of 1 headline decisions changed, 0 of them sides.")


def test_folders_of_results_are_read_and_what_is_missing_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    verdicts = judged(example("digits"), digits=judging())
    provenance = {"spec": "0", "code": "1", "lock": "2", "packages": {}}
    for folder in ("results", "results/seeds100"):
        files.write(Path(folder, "verdicts.parquet"), VERDICTS, verdicts, provenance)
    compare_runs.main(["results", "results/seeds100"])
    assert " 0 of them sides." in capsys.readouterr().out
    with pytest.raises(SystemExit, match=r"error: .*results/none/verdicts\.parquet"):
        compare_runs.main(["results", "results/none"])
    for one in ([], ["results"], ["results", "results"]):
        with pytest.raises(SystemExit, match="name two or more folders"):
            compare_runs.main(one)
