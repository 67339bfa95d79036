"""The verdicts on the strong form: whether a mask of untrained weights does as well as dense training, at which width.

A verdict on one mask is "matching", "neither" (worse by more than the margin) or "inconclusive". Only the study's
answer, over all its masks, is about the hypothesis.
"""

from collections.abc import Iterator

import numpy as np
import pandas as pd

from workflow_scripts.ticketlab.core import statistics
from workflow_scripts.ticketlab.core.readings import INCONCLUSIVE
from workflow_scripts.ticketlab.settings.judging import JudgingSettings
from workflow_scripts.ticketlab.settings.supermask import init_and_width
from workflow_scripts.ticketlab.verdicts import kinds
from workflow_scripts.ticketlab.verdicts.comparisons import SUPERMASKS
from workflow_scripts.ticketlab.verdicts.rows import REFUTES, STRONG_FORM, SUPPORTS, verdict_row, why_undecided
from workflow_scripts.ticketlab.verdicts.tickets import MATCHING, NEITHER


def masks(rows: pd.DataFrame, settings: JudgingSettings) -> list[dict]:
    """Each mask (width × kind of weights × density) against the dense network of width 1: rows of `verdicts`.

    Several masks are tried, so Holm's adjustment runs over all of them and over both sides of the margin. A mask is
    shown to be worse only if the search did something: it must beat a random mask by more than the margin.
    """
    mine = rows[rows["test"] == SUPERMASKS]
    against_dense = mine[mine["contrast"].str.endswith(" - dense")]
    two_sided = 2 * np.minimum(against_dense["p"], 1 - against_dense["p"])
    found = []
    for (_, row), p in zip(against_dense.iterrows(), statistics.holm(two_sided), strict=True):
        variant = row["contrast"].removesuffix(" - dense")
        random = mine[mine["contrast"].eq(f"{variant} - random mask") & mine["level"].eq(row["level"])].iloc[0]
        numbers = f"{-random['estimate']:.3f} better than a random mask; adjusted p {p:.2g}"
        if row["other_rate"] != 1:
            numbers += f"; dense at its best rate on validation, {row['other_rate']:g} times the recipe's"
        worse = f"worse than dense by more than {settings.margin:g}"
        undecided = why_undecided(row) or why_undecided(random)
        if undecided:
            decision, reason = INCONCLUSIVE, undecided
        elif p < settings.alpha and row["ci_high"] < settings.margin:
            decision, reason = MATCHING, f"not worse than dense by {settings.margin:g}; {numbers}"
        elif p < settings.alpha and row["ci_low"] > settings.margin:
            if random["ci_high"] < -settings.margin:
                decision, reason = NEITHER, f"{worse}, though {numbers}"
            else:
                nothing = "nothing" if random["ci_low"] > -settings.margin else "nothing clearly"
                decision = INCONCLUSIVE
                reason = f"{worse}, but the search found {nothing} better than a random mask by that much: {numbers}"
        else:
            decision, reason = INCONCLUSIVE, f"not shown on either side of the margin {settings.margin:g}; {numbers}"
        at = {"density": row["density"], "variant": variant}
        judged = (decision, reason)
        found.append(
            verdict_row(STRONG_FORM, kinds.SUPERMASK, row, settings.margin, *judged, family=len(against_dense), **at)
        )
    return found


def inits_that_match(found: list[dict]) -> set[str]:
    """The kinds of untrained weights over which the search found a mask that matches dense, at some width."""
    return {init_and_width(row["variant"])[0] for row in found if row["decision"] == MATCHING}


def strong_form(found: list[dict], settings: JudgingSettings, licensed: tuple[str, set[str]] | None) -> Iterator[dict]:
    """The study's answer: the smallest width at which a mask matches; of all masks' rows `found` (from `masks`).

    licensed: the study that licenses a negative, and its `inits_that_match`. That every mask is worse is evidence
    against the hypothesis only if the same search, over the same kind of weights, works there, and if networks wider
    than the dense one were tried: what is proved of masks is proved of those. It holds up to the largest width.
    """
    if not found:
        return
    matching = [row for row in found if row["decision"] == MATCHING]
    narrowest = min(map(_width, matching), default=None)
    # A mask of a network that diverged has no estimate: it comes last.
    shown = [row for row in matching if _width(row) == narrowest] or found
    best = min(shown, key=lambda row: np.nan_to_num(row["estimate"], nan=np.inf))
    widths = sorted({_width(row) for row in found})
    reach = _words(widths[-1]) if len(widths) == 1 else f"at up to {widths[-1]} times the dense network's width"
    own = {init_and_width(row["variant"])[0] for row in found}
    if best["decision"] == MATCHING:
        decision, reason = SUPPORTS, f"{_words(_width(best))}, the smallest at which it is shown: {best['reason']}"
    elif any(row["decision"] != NEITHER for row in found):
        undecided = next(row for row in found if row["decision"] != NEITHER)
        decision = INCONCLUSIVE
        reason = f"{reach} no mask is shown to match, nor all to be worse: {undecided['reason']}"
    else:
        reason = f"{reach} every mask is worse than dense by more than {settings.margin:g}"
        if widths[-1] == 1:
            decision, reason = INCONCLUSIVE, f"{reason}, but the claim is about wider networks, and none was tried"
        elif licensed is None:
            decision, reason = INCONCLUSIVE, f"{reason}, but no study licenses a negative"
        elif own & licensed[1]:
            decision, reason = REFUTES, f"{reason}, while the search finds masks that match in {licensed[0]}"
        else:
            decision, reason = INCONCLUSIVE, f"{reason}, but in {licensed[0]} the search finds none that matches either"
    at = {"density": best["density"], "variant": best["variant"]}
    yield verdict_row(
        STRONG_FORM, kinds.STRONG_FORM, best, settings.margin, decision, reason, family=best["family"], **at
    )


def _width(row: dict) -> int:
    return init_and_width(row["variant"])[1]


def _words(width: int) -> str:
    return f"at {width} times the dense network's width" if width > 1 else "at the dense network's own width"
