"""Verdicts and readings that are withheld because an instrument behind them failed a required check."""

from collections.abc import Mapping, Sequence

import pandas as pd

from workflow_scripts.ticketlab.core.instruments import INSTRUMENTS
from workflow_scripts.ticketlab.core.readings import WITHHELD


def withheld(
    table: pd.DataFrame, rests_on: Mapping[str, Sequence[str]], key: str, word: str, calibration: pd.DataFrame
) -> pd.DataFrame:
    """`table`, with WITHHELD in the column `word` of rows that rest on an instrument out of calibration.

    rests_on: the instruments by value of the column `key`; values that it lacks rest on none. calibration: the
    `calibration` tables of all instruments. An instrument that was not calibrated at all counts as out of calibration.
    What the row said is kept in its `reason`; a row that is withheld already stays as it is.
    """
    failed = out_of_calibration(calibration)
    why = table[key].map(lambda value: "; ".join(failed[name] for name in rests_on.get(value, ()) if name in failed))
    chosen = why.ne("") & table[word].ne(WITHHELD)
    changed = table.copy()
    changed.loc[chosen, word] = WITHHELD
    changed.loc[chosen, "reason"] = why + "; otherwise: " + table[word] + ", " + table["reason"]
    return changed


def out_of_calibration(calibration: pd.DataFrame) -> dict[str, str]:
    """By instrument that failed a required check, or was never calibrated: why."""
    failed = {}
    for instrument in INSTRUMENTS:
        checks = calibration[calibration["instrument"].eq(instrument) & calibration["required"]]
        cases = (checks["family"] + " " + checks["case"] + ", " + checks["quantity"])[~checks["passed"]]
        if checks.empty:
            failed[instrument] = f"{instrument} was never calibrated"
        elif len(cases):
            failed[instrument] = f"{instrument} is out of calibration ({cases.iloc[0]})"
    return failed
