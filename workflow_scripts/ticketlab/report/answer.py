"""The answers of a run at a glance: one sentence, the answer of each study to each test, and three lamps.

Nothing is decided here: all of it follows from `verdicts`, `comparisons` and `calibration`. The report's first screen
shows it, and the end of a run may say the same.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

from workflow_scripts.ticketlab.core.instruments import INSTRUMENTS
from workflow_scripts.ticketlab.core.readings import MIXED, WITHHELD
from workflow_scripts.ticketlab.report.words import spaced
from workflow_scripts.ticketlab.verdicts.comparisons import TICKETS
from workflow_scripts.ticketlab.verdicts.kinds import (
    REWOUND_TICKET,
    ROLES_CHANGE,
    STRONG_FORM,
    TRANSIENCE,
    TRANSIENT_STRUCTURE,
    WINNING_TICKET,
)
from workflow_scripts.ticketlab.verdicts.rows import ANSWERS, REFUTES, SUPPORTS
from workflow_scripts.ticketlab.verdicts.withheld import out_of_calibration

# The tests as columns of the matrix, in order, and in the sentence.
TESTS = {
    WINNING_TICKET: "tickets from θ₀",
    REWOUND_TICKET: "rewound tickets",
    STRONG_FORM: "strong form",
    ROLES_CHANGE: "roles",
    TRANSIENCE: "transience",
}
ALL, SOME, NONE = "all", "some", "none"  # how far a lamp's condition holds


@dataclass(frozen=True)
class Lamp:
    """A condition of reading the answers: in how many of the cases it holds, and where it does not."""

    name: str
    holds: int
    of: int
    what: str  # that it counts
    lacking: Sequence[str]

    @property
    def state(self) -> str:
        return ALL if self.of and self.holds == self.of else SOME if self.holds else NONE


def sentence(verdicts: pd.DataFrame) -> str:
    """How many of the answers support and refute the hypothesis, on which test and in which study; the rest is open."""
    answers = verdicts[verdicts["kind"].isin(ANSWERS)]
    studies, total = answers["study"].nunique(), len(answers)
    where = f"in {studies} studies" if studies != 1 else "in one study"
    said = [
        f"{len(rows)} {verb if len(rows) == 1 else plural} ({_by_test(rows)})"
        for decision, verb, plural in (
            (SUPPORTS, "supports the lottery ticket hypothesis", "support the lottery ticket hypothesis"),
            (REFUTES, "refutes it", "refute it"),
            (MIXED, "is mixed", "are mixed"),
        )
        if len(rows := answers[answers["decision"] == decision])
    ]
    if said and answers["decision"].ne(SUPPORTS).all():  # nothing before that "it" could be
        said[0] = said[0].replace(" it (", " the lottery ticket hypothesis (", 1)
    held_back = int(answers["decision"].eq(WITHHELD).sum())
    undecided = total - int(answers["decision"].isin([SUPPORTS, REFUTES, MIXED]).sum())
    waiting = f", {held_back} of them because an instrument is out of calibration" if held_back else ""
    if not said:
        return f"None of the {total} answers {where} is decided{waiting}."
    rest = [f"{undecided} {'is' if undecided == 1 else 'are'} open{waiting}"] if undecided else []
    return f"Of {total} answers {where}, {_listed([*said, *rest])}."


def _by_test(rows: pd.DataFrame) -> str:
    """The tests with their studies: `roles in text and digits; transience in text`."""
    parts = []
    for kind, words in TESTS.items():
        if studies := [spaced(study) for study in rows.loc[rows["kind"] == kind, "study"]]:
            parts.append(f"{words} in {_listed(studies)}")
    return "; ".join(parts)


def _listed(words: Sequence[str]) -> str:
    return " and ".join([", ".join(words[:-1]), words[-1]] if len(words) > 1 else words)


def answer(verdicts: pd.DataFrame, study: str, kind: str) -> dict[str, Any] | None:
    """The row of `verdicts` that answers a test, with `index` (its place) and `shown`: the row whose number is shown.

    That is the answer's own, but for transience without a number of its own the structure of which least is retained.
    None where the study has no such answer.
    """
    mine = verdicts[verdicts["study"] == study]
    found = mine[mine["kind"] == kind]
    if found.empty:
        return None
    row = {**found.iloc[0].to_dict(), "index": found.index[0]}
    structures = mine[mine["kind"].eq(TRANSIENT_STRUCTURE)].dropna(subset=["estimate"])
    if kind == TRANSIENCE and pd.isna(row["estimate"]) and len(structures):
        return row | {"shown": structures.loc[structures["estimate"].idxmin()].to_dict()}
    return row | {"shown": row}


def lamps(
    comparisons: pd.DataFrame, verdicts: pd.DataFrame, calibration: pd.DataFrame, metrics: Mapping[str, str]
) -> list[Lamp]:
    """Whether the answers can be read: networks that learned, instruments in calibration, tests with power.

    metrics: the judged metric by study.
    """
    learned = {study: has_learned(comparisons, study, metric) for study, metric in metrics.items()}
    failed = out_of_calibration(calibration)
    measured = verdicts[verdicts["kind"].isin(ANSWERS)].dropna(subset=["detectable"])
    able = [is_powered(row) for row in measured.to_dict("records")]
    weak = [
        f"{TESTS[row['kind']]} in {row['study']}"
        for row, strong in zip(measured.to_dict("records"), able, strict=True)
        if not strong
    ]
    return [
        Lamp("trained", sum(learned.values()), len(learned), "studies whose dense network learned", _unmet(learned)),
        Lamp(
            "calibrated",
            len(INSTRUMENTS) - len(failed),
            len(INSTRUMENTS),
            "instruments in calibration",
            list(failed.values()),
        ),
        Lamp("powered", sum(able), len(able), "answers that could find an effect as large as their margin", weak),
    ]


def _unmet(conditions: Mapping[str, bool]) -> list[str]:
    return [name for name, holds in conditions.items() if not holds]


def has_learned(comparisons: pd.DataFrame, study: str, metric: str) -> bool:
    """Whether the dense network's test metric ends below the whole interval of its first value, interval for
    interval."""
    mine = comparisons[comparisons["study"].eq(study) & comparisons["test"].eq(TICKETS)]
    course = mine[mine["contrast"].eq("dense") & mine["quantity"].eq(metric)].sort_values("step")
    return bool(len(course) > 1 and course["ci_high"].iloc[-1] < course["ci_low"].iloc[0])


def is_powered(row: Mapping[str, Any]) -> bool:
    """Whether the truth is found with the wanted power at a distance of one margin.

    For roles the margin is the test's own error, so there it is: if they change in every initialisation.
    """
    if row["kind"] == ROLES_CHANGE:
        return bool(row["margin"] + row["detectable"] <= 1)
    return bool(row["detectable"] <= row["margin"])
