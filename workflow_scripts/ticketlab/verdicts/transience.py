"""The verdict on T3: whether a structure that was acquired is lost again."""

from collections.abc import Iterator

import pandas as pd

from workflow_scripts.ticketlab.core import statistics
from workflow_scripts.ticketlab.core.readings import INCONCLUSIVE
from workflow_scripts.ticketlab.settings.judging import JudgingSettings
from workflow_scripts.ticketlab.verdicts import kinds
from workflow_scripts.ticketlab.verdicts.comparisons import STRUCTURE
from workflow_scripts.ticketlab.verdicts.rows import REFUTES, T3, verdict_row, why_undecided

# The courses that a structure may take.
TRANSIENT, KEPT, UNKNOWN = "transient", "kept", "unknown"


def transience(rows: pd.DataFrame, settings: JudgingSettings) -> Iterator[dict]:
    """T3, for each reference predictor: whether the network approached it and then moved away again.

    Structure that is acquired and then forgotten is not in the final network, so no sub-network selected by that
    network's weights can represent it. This contradicts the reading of the hypothesis in which training only reveals.
    Structure that is kept supports neither view: the predictors may be the wrong ones (docs/theory.md).
    """
    mine = rows[rows["test"] == STRUCTURE]
    forgotten = mine[mine["contrast"] == "forgotten"].set_index("quantity")
    adjusted = pd.Series(statistics.holm(forgotten["p"]), index=forgotten.index)
    fates = {}
    for name, got in mine[mine["contrast"] == "acquired"].set_index("quantity").iterrows():
        lost = forgotten.loc[name] if name in forgotten.index else None
        p = adjusted[name] if lost is not None else float("nan")
        fates[name], reason = _fate(got, lost, p, settings)
        basis = got if lost is None else lost
        decision = REFUTES if fates[name] == TRANSIENT else INCONCLUSIVE
        shared = {"family": len(forgotten), "structure": name}
        yield verdict_row(T3, kinds.TRANSIENT_STRUCTURE, basis, settings.forgotten, decision, reason, **shared)
    transient = [name for name, fate in fates.items() if fate == TRANSIENT]
    if transient:
        decision, reason = REFUTES, f"transient: {', '.join(transient)}"
        basis = forgotten.loc[adjusted[transient].idxmin()]
    elif set(fates.values()) == {KEPT}:
        decision, reason = INCONCLUSIVE, "all were acquired and kept; that speaks for neither"
        basis = forgotten.loc[forgotten["estimate"].idxmax()]
    else:
        decision, reason, basis = INCONCLUSIVE, "none is shown to be transient, nor all to be kept", {}
    yield verdict_row(T3, kinds.TRANSIENCE, basis, settings.forgotten, decision, reason, family=len(forgotten))


def _fate(
    acquired: pd.Series, forgotten: pd.Series | None, adjusted_p: float, settings: JudgingSettings
) -> tuple[str, str]:
    """The course of one predictor's structure and the reason; `adjusted_p` is Holm's over the study's predictors."""
    got = f"acquired {acquired['estimate']:.2f} [{acquired['ci_low']:.2f}, {acquired['ci_high']:.2f}]"
    if why_undecided(acquired):
        return UNKNOWN, why_undecided(acquired)
    if acquired["ci_high"] < settings.acquired or forgotten is None:
        return UNKNOWN, f"never acquired: {got}"
    if not acquired["ci_low"] > settings.acquired:
        return UNKNOWN, f"not clearly acquired: {got}"
    if why_undecided(forgotten):
        return UNKNOWN, why_undecided(forgotten)
    if adjusted_p < settings.alpha:
        return (
            TRANSIENT,
            f"transient: {got} by step {int(forgotten['step'])}, then left again (adjusted p {adjusted_p:.2g})",
        )
    if forgotten["ci_high"] < settings.forgotten:
        return KEPT, f"kept: {got}, and not left again by more than {settings.forgotten:g}; that speaks for neither"
    return UNKNOWN, f"{got}; the interval of what was forgotten spans {settings.forgotten:g}"
