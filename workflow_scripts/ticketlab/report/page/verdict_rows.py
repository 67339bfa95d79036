"""All verdicts as rows that a reader can filter and sort, each with a name that the answers link to."""

from collections.abc import Iterator, Mapping
from typing import Any

import pandas as pd

from workflow_scripts.ticketlab.report.words import claim, interval, number, p_value
from workflow_scripts.ticketlab.verdicts.kinds import CONTROL, REWOUND_TICKET, ROLES_CHANGE, TICKET, WINNING_TICKET
from workflow_scripts.ticketlab.verdicts.rows import ANSWERS, REFUTES, SUPPORTS
from workflow_scripts.ticketlab.verdicts.tickets import MATCHING, WINNING

# The decisions that this row's own p-value makes. All others rest on an interval, on a p-value of another hypothesis or
# on one that was adjusted for others; the reason gives that one.
DECIDED_BY_P = {
    TICKET: (WINNING, MATCHING),
    CONTROL: (MATCHING,),
    WINNING_TICKET: (SUPPORTS,),
    REWOUND_TICKET: (SUPPORTS,),
    ROLES_CHANGE: (REFUTES,),
}


def anchor(index: object) -> str:
    return f"verdict-{index}"


def verdict_rows(verdicts: pd.DataFrame) -> Iterator[dict[str, Any]]:
    """The rows of `verdicts` in words, those that answer a test first in each study."""
    order = verdicts.assign(answer=~verdicts["kind"].isin(ANSWERS), place=pd.factorize(verdicts["study"])[0])
    for index, row in order.sort_values(["place", "answer"], kind="stable").iterrows():
        yield {
            "anchor": anchor(index),
            "study": row["study"],
            "test": row["test"],
            "claim": claim(row),
            "answer": row["kind"] in ANSWERS,
            "decision": row["decision"],
            "estimate": interval(row),
            "value": "" if pd.isna(row["estimate"]) else f"{row['estimate']:.6g}",
            "p": p_value(row["p"]) if decided_by_p(row) else "–",
            "n": row["n"],
            "margin": number(row["margin"]),
            "detectable": number(row["detectable"]),
            "reason": row["reason"],
        }


def decided_by_p(row: Mapping | pd.Series) -> bool:
    return row["decision"] in DECIDED_BY_P.get(row["kind"], ())
