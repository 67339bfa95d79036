"""The rows of the clock in words: the half-way steps of a study, in their order."""

from collections.abc import Iterator

import pandas as pd

from workflow_scripts.ticketlab.report.words import interval, number, spaced
from workflow_scripts.ticketlab.verdicts import clock

# The words for the quantities of the clock; {} is the object of a quantity.
QUANTITY_WORDS = {
    clock.LLC: "learning coefficient or complexity, {}",
    clock.ACQUIRED: "{}: acquired",
    clock.FORGOTTEN: "{}: forgotten",
    clock.MASK: "mask of step t against {}, beyond |θ₀|",
    clock.TICKET: "{} of the ticket with the mask of step t, − dense",
    clock.ROLES: "roles, data orders split at t: determinacy",
    clock.SPLIT_MASK: "final weights, data orders split at t: correlation of updates",
    clock.BARRIER: "barrier, data orders split at t: {}",
}


def half_way_steps(rows: pd.DataFrame, study: str) -> Iterator[dict]:
    """A study's rows of the clock in their order, those without a half-way step last."""
    mine = rows[rows["study"] == study]
    for _, row in mine.sort_values("rank", key=lambda rank: rank.where(rank > 0, len(mine) + 1)).iterrows():
        determined = not pd.isna(row["step"])
        yield {
            "rank": row["rank"] if determined else "–",
            "quantity": QUANTITY_WORDS[row["quantity"]].format(spaced(row["of"])),
            "step": interval(row, "step"),
            "between": f"{row['recorded_before']}–{row['recorded_after']}" if determined else "–",
            "values": f"{number(row['first'])} → {number(row['last'])}",
            "n": row["n"],
            "order": "yes" if row["before_next"] else "",
            "reason": row["reason"],
        }
