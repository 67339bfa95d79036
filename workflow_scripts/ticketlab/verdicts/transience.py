"""The verdicts on T3: whether what was acquired is lost from the network, and whether the predictions made a detour."""

from collections.abc import Iterator

import numpy as np
import pandas as pd

from workflow_scripts.ticketlab.core import statistics
from workflow_scripts.ticketlab.core.readings import INCONCLUSIVE
from workflow_scripts.ticketlab.settings.judging import JudgingSettings
from workflow_scripts.ticketlab.verdicts import kinds
from workflow_scripts.ticketlab.verdicts.comparisons import STRUCTURE
from workflow_scripts.ticketlab.verdicts.rows import NO_SIDE, REFUTES, T3, verdict_row, why_undecided

# What may become of a structure.
LOST, KEPT, UNKNOWN = "lost", "kept", "unknown"


def transience(rows: pd.DataFrame, settings: JudgingSettings, drawn_once: str | None = None) -> Iterator[dict]:
    """T3, for each reference predictor: whether what the network acquired of it is still in the network at the end.

    *Lost* needs all of three: it was acquired (A), by more than on the straight path of the outputs (the network came
    to it, not only past it), and parts of the end network retain less than `retained` of it (R). Holm's adjustment runs
    over the predictors, on the greatest of the three p-values. Only what is lost contradicts the reading of the
    hypothesis in which training reveals what is there: no mask of the end network selects it. What is outvoted but kept
    supports neither view, nor does what is never left: the predictors may be the wrong ones (docs/theory.md).

    A detour of the predictions alone is reported without a side. drawn_once: what all seeds share, if the claim is
    about its draws: the interval is over seeds only, so there is no verdict.
    """
    mine = rows[rows["test"] == STRUCTURE]
    by_contrast = {name: group.set_index("quantity") for name, group in mine.groupby("contrast")}
    acquired = by_contrast.get("acquired")
    if acquired is None:
        return
    found = {
        name: {of: table.loc[name] for of, table in by_contrast.items() if name in table.index}
        for name in acquired.index
    }
    tested = {name: _greatest_p(parts) for name, parts in found.items()}
    adjusted = dict(zip(tested, statistics.holm(list(tested.values())), strict=True))
    fates = {}
    for name, parts in found.items():
        fates[name], reason = _fate(parts, adjusted[name], settings)
        decision = REFUTES if fates[name] == LOST else INCONCLUSIVE
        decision, reason = _of_one_draw(decision, reason, drawn_once)
        basis = parts.get("retained", parts["acquired"])
        shared = {"family": len(found), "structure": name}
        yield verdict_row(T3, kinds.TRANSIENT_STRUCTURE, basis, settings.retained, decision, reason, **shared)
        decision, reason = _detour(parts, settings)
        yield verdict_row(T3, kinds.DETOUR, parts["beyond path"], settings.detour, decision, reason, structure=name)
    lost = [name for name, fate in fates.items() if fate == LOST]
    retained = by_contrast.get("retained", acquired)
    if lost:
        decision, reason = REFUTES, f"lost: {', '.join(lost)}"
        basis = retained.loc[min(lost, key=adjusted.__getitem__)]
    elif set(fates.values()) == {KEPT}:
        decision, reason = INCONCLUSIVE, "all that was acquired is still in the network; that speaks for neither"
        basis = retained.loc[retained["estimate"].idxmin()]
    else:
        decision, reason, basis = INCONCLUSIVE, "none is shown to be lost, nor all to be kept", {}
    decision, reason = _of_one_draw(decision, reason, drawn_once)
    yield verdict_row(T3, kinds.TRANSIENCE, basis, settings.retained, decision, reason, family=len(found))


def _greatest_p(parts: dict[str, pd.Series]) -> float:
    """The p-value of "acquired, beyond the path and lost": at most one of the three hypotheses need be true."""
    wanted = [parts[name]["p"] if name in parts else np.nan for name in ("acquired", "beyond path", "retained")]
    return 1.0 if np.isnan(wanted).any() else float(max(wanted))


def _fate(parts: dict[str, pd.Series], adjusted_p: float, settings: JudgingSettings) -> tuple[str, str]:
    """What became of one predictor's structure and the reason; `adjusted_p` is Holm's over the study's predictors."""
    acquired, beyond, retained = parts["acquired"], parts["beyond path"], parts.get("retained")
    got = f"acquired {_interval(acquired)}"
    if why_undecided(acquired):
        return UNKNOWN, why_undecided(acquired)
    if acquired["ci_high"] < settings.acquired or retained is None:
        return UNKNOWN, f"never acquired: {got}"
    if not acquired["ci_low"] > settings.acquired:
        return UNKNOWN, f"not clearly acquired: {got}"
    if why_undecided(retained):
        return UNKNOWN, why_undecided(retained)
    left = f"parts of the end network retain {_interval(retained)} of it"
    nearer = f"{_interval(beyond)} more than on the straight path"
    if adjusted_p < settings.alpha:
        return LOST, f"lost: {got} by step {int(acquired['step'])}, {nearer}; {left} (adjusted p {adjusted_p:.2g})"
    if retained["ci_low"] > settings.retained:
        forgotten = parts.get("forgotten")
        outvoted = forgotten is not None and forgotten["ci_low"] > settings.forgotten
        return KEPT, f"{'outvoted, but kept' if outvoted else 'kept'}: {got}; {left}; that speaks for neither"
    if retained["ci_high"] < settings.retained:
        return UNKNOWN, f"{left}, but the network is not shown to come nearer than the straight path: {nearer}"
    return UNKNOWN, f"{got}; {left}, on neither side of {settings.retained:g}"


def _detour(parts: dict[str, pd.Series], settings: JudgingSettings) -> tuple[str, str]:
    """Whether predictions came nearer than the straight path and left again: both at α, since both are claimed."""
    beyond, forgotten = parts["beyond path"], parts.get("forgotten")
    if why_undecided(beyond):
        return INCONCLUSIVE, why_undecided(beyond)
    nearer = f"{_interval(beyond)} of the first distance nearer than the straight path"
    if forgotten is None:
        return NO_SIDE, f"no detour: it never came nearer than at first; {nearer}"
    if why_undecided(forgotten):
        return INCONCLUSIVE, why_undecided(forgotten)
    left = f"{_interval(forgotten)} of what was acquired left again"
    shown = beyond["p"] < settings.alpha and forgotten["p"] < settings.alpha
    return NO_SIDE, f"{'a detour' if shown else 'no detour is shown'}: {nearer}; {left}"


def _of_one_draw(decision: str, reason: str, drawn_once: str | None) -> tuple[str, str]:
    if drawn_once is None or decision != REFUTES:
        return decision, reason
    return INCONCLUSIVE, f"{reason}; but all seeds share {drawn_once}, so that this is one case, not {decision!r}"


def _interval(row: pd.Series) -> str:
    return statistics.in_words(row["estimate"], row["ci_low"], row["ci_high"])
