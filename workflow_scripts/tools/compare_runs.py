"""The headline decisions of several finished runs, side by side, and how many of them changed.

    python -m workflow_scripts.tools.compare_runs results results/seeds100 [more folders]

A headline decision is a study's answer to one test. It changed if the runs do not all say the same, and it changed
sides if one run supports the hypothesis and another refutes it. Runs of other seeds show what rests on the seeds.
"""

import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

import pandas as pd

from workflow_scripts.ticketlab.core.errors import TicketlabError
from workflow_scripts.ticketlab.tables import files
from workflow_scripts.ticketlab.tables.schemas.verdicts import VERDICTS
from workflow_scripts.ticketlab.verdicts.rows import REFUTES, SUPPORTS
from workflow_scripts.tools.answer import aligned, answers

ABSENT = "–"


def decisions(runs: Mapping[str, pd.DataFrame]) -> pd.DataFrame:
    """Each run's decision (columns, by name) on each study's test (rows); ABSENT where a run has no such answer.

    runs: the table `verdicts` of each run.
    """
    columns = {name: answers(verdicts).set_index(["study", "name"])["decision"] for name, verdicts in runs.items()}
    rows = list(dict.fromkeys(key for column in columns.values() for key in column.index))
    return pd.DataFrame({name: column.reindex(rows, fill_value=ABSENT) for name, column in columns.items()})


def changed(table: pd.DataFrame) -> pd.Series:
    """By row of `decisions`: "sides", "yes" or "" (the same in all runs). A run without the answer says nothing."""
    said = table.apply(lambda row: {*row} - {ABSENT}, axis=1)
    return said.map(lambda found: "sides" if {SUPPORTS, REFUTES} <= found else "yes" if len(found) > 1 else "")


def report(runs: Mapping[str, pd.DataFrame]) -> str:
    """The table of all decisions, and below it how many changed."""
    table = decisions(runs)
    marks = changed(table)
    rows = [(*key, *row, mark) for key, row, mark in zip(table.index, table.to_numpy(), marks, strict=True)]
    shared = int(table.ne(ABSENT).sum(axis=1).gt(1).sum())
    count = f"{marks.ne('').sum()} of {shared} headline decisions changed, {marks.eq('sides').sum()} of them sides."
    return f"{aligned([('study', 'test', *table.columns, 'changed'), *rows])}\n\n{count}"


def main(folders: Sequence[str]) -> None:
    if len(set(folders)) < 2:
        sys.exit('error: name two or more folders of results: make compare ARGS="results results/seeds100"')
    try:
        print(report({folder: files.read(Path(folder, "verdicts.parquet"), VERDICTS) for folder in folders}))
    except TicketlabError as error:
        sys.exit(f"error: {error}")


if __name__ == "__main__":
    main(sys.argv[1:])
