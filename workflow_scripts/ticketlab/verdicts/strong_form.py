"""The verdict on the strong form: whether a mask of untrained weights does as well as dense training."""

from collections.abc import Iterator

import numpy as np
import pandas as pd

from workflow_scripts.ticketlab.core import statistics
from workflow_scripts.ticketlab.core.readings import INCONCLUSIVE
from workflow_scripts.ticketlab.settings.judging import JudgingSettings
from workflow_scripts.ticketlab.verdicts import kinds
from workflow_scripts.ticketlab.verdicts.comparisons import SUPERMASKS
from workflow_scripts.ticketlab.verdicts.rows import REFUTES, STRONG_FORM, SUPPORTS, verdict_row, why_undecided


def strong_form(rows: pd.DataFrame, settings: JudgingSettings) -> Iterator[dict]:
    """The strong form: whether any mask of untrained weights does as well as dense training.

    "Any" is one of several, so Holm's adjustment runs over all kinds of supermasks and densities, and over both sides
    of the margin. A mask that is worse than dense is evidence against the hypothesis only if the search is known to
    work, that is, if it found a mask that is better than a random one by more than the margin.
    """
    mine = rows[rows["test"] == SUPERMASKS]
    against_dense = mine[mine["contrast"].str.endswith(" - dense")]
    two_sided = 2 * np.minimum(against_dense["p"], 1 - against_dense["p"])
    for (_, row), p in zip(against_dense.iterrows(), statistics.holm(two_sided), strict=True):
        variant = row["contrast"].removesuffix(" - dense")
        random = mine[mine["contrast"].eq(f"{variant} - random mask") & mine["level"].eq(row["level"])].iloc[0]
        numbers = f"{-random['estimate']:.3f} better than a random mask; adjusted p {p:.2g}"
        worse = f"worse than dense by more than {settings.margin:g}"
        undecided = why_undecided(row) or why_undecided(random)
        if undecided:
            decision, reason = INCONCLUSIVE, undecided
        elif p < settings.alpha and row["ci_high"] < settings.margin:
            decision, reason = SUPPORTS, f"not worse than dense by {settings.margin:g}; {numbers}"
        elif p < settings.alpha and row["ci_low"] > settings.margin:
            if random["ci_high"] < -settings.margin:
                decision, reason = REFUTES, f"{worse}, though {numbers}"
            else:
                found = "nothing" if random["ci_low"] > -settings.margin else "nothing clearly"
                decision = INCONCLUSIVE
                reason = f"{worse}, but the search found {found} better than a random mask by that much: {numbers}"
        else:
            decision, reason = INCONCLUSIVE, f"not shown on either side of the margin {settings.margin:g}; {numbers}"
        yield verdict_row(
            STRONG_FORM,
            kinds.STRONG_FORM,
            row,
            settings.margin,
            decision,
            reason,
            family=len(against_dense),
            density=row["density"],
            variant=variant,
        )
