"""A row of the table `verdicts`, and the words that make up verdicts."""

from collections.abc import Mapping

import numpy as np
import pandas as pd

from workflow_scripts.ticketlab.core.readings import INCONCLUSIVE, MIXED, NO_SIDE, WITHHELD
from workflow_scripts.ticketlab.verdicts import kinds
from workflow_scripts.ticketlab.verdicts.kinds import KEYS, REWOUND_TICKET, ROLES_CHANGE, TRANSIENCE, WINNING_TICKET

SUPPORTS, REFUTES = "supports LTH", "refutes LTH"

VERDICTS = (SUPPORTS, REFUTES, MIXED, INCONCLUSIVE, NO_SIDE, WITHHELD)

DIVERGED = "a network diverged (the log of the job that trained it names it): lower training.learning_rate"
NO_SPREAD = "no spread between seeds, so no interval"

T1, STRONG_FORM, T2, T3 = "T1 tickets", "T1 strong form", "T2 roles", "T3 transience"

# The kinds of claims that answer a test for a study; others are about one density, one predictor or one later step.
ANSWERS = {WINNING_TICKET: T1, REWOUND_TICKET: T1, kinds.STRONG_FORM: STRONG_FORM, ROLES_CHANGE: T2, TRANSIENCE: T3}


def why_undecided(row: pd.Series) -> str:
    """The reason why this comparison decides nothing, or "". It comes first, since NaN fails both `<` and `>`."""
    if row["n"] < 2:
        return f"{row['n']:.0f} seed has no interval: raise seeds"
    if not np.isfinite(row["estimate"]):
        return DIVERGED
    return "" if np.isfinite([row["ci_low"], row["ci_high"], row["p"]]).all() else NO_SPREAD


def percent(share: float) -> str:
    """Three digits, so that no two rounds look the same."""
    return f"{100 * share:.3g}%"


def verdict_row(
    test: str,
    kind: str,
    basis: Mapping | pd.Series,
    margin: float,
    decision: str,
    reason: str,
    *,
    family: int = 1,
    **about: object,
) -> dict:
    """A row of the table; `about`: those of KEYS that apply to this kind of claim.

    family: the number of comparisons under one Holm adjustment with this one.
    """
    number = {key: basis[key] if key in basis else float("nan") for key in ("estimate", "ci_low", "ci_high", "p")}
    count = int(basis["n"]) if "n" in basis else 0
    return {
        "test": test,
        "kind": kind,
        **dict.fromkeys(KEYS),
        **about,
        **number,
        "n": count,
        "margin": margin,
        "decision": decision,
        "reason": reason,
        "family": family,
    }
