"""The decision rules: comparisons in, verdicts out. Figures draw these verdicts and decide nothing.

A verdict on the hypothesis is one of VERDICTS. A verdict on one ticket is "winning", "matching", "neither" or
"inconclusive". Each carries its estimate, interval, p-value, number of seeds, margin and a reason in words.
"""

from collections.abc import Mapping

import pandas as pd

from workflow_scripts.ticketlab.core import statistics
from workflow_scripts.ticketlab.instruments import determinacy
from workflow_scripts.ticketlab.settings.judging import JudgingSettings
from workflow_scripts.ticketlab.settings.procedure import Procedure
from workflow_scripts.ticketlab.verdicts import kinds
from workflow_scripts.ticketlab.verdicts.roles import changing_roles, fixed_roles
from workflow_scripts.ticketlab.verdicts.rows import STRONG_FORM, T1, T2, T3
from workflow_scripts.ticketlab.verdicts.strong_form import inits_that_match, masks, strong_form
from workflow_scripts.ticketlab.verdicts.tickets import (
    CLAIMS,
    PROCEDURES,
    Licence,
    controls,
    early_stopping,
    equal_totals,
    masks_of_another_order,
    smallest_matching,
    ticket_cells,
    winning_cells,
    winning_ticket,
)
from workflow_scripts.ticketlab.verdicts.transience import transience
from workflow_scripts.ticketlab.verdicts.withheld import withheld

# The instruments of each test's verdict, which is only given while these are in calibration.
RESTS_ON = {
    T1: ("pruning", "statistics"),
    STRONG_FORM: ("pruning", "statistics"),
    T2: ("roles", "statistics"),
    T3: ("structure", "statistics"),
}


def judge(comparisons: pd.DataFrame, studies: dict[str, dict], calibration: pd.DataFrame) -> pd.DataFrame:
    """The verdict table (without column order) of all studies.

    comparisons: the `comparisons` tables of the studies; calibration: the `calibration` tables of the instruments.
    studies: by name, `judging` (settings), `licensed_by` (a study or None), `procedure`, `drawn_once` (of its task, or
        None) and `last_step`, as rule_params.judge gives them.
    """
    by_study = {name: comparisons[comparisons["study"] == name] for name in studies}
    settings = {name: JudgingSettings(**spec["judging"]) for name, spec in studies.items()}
    cells = {name: ticket_cells(rows, settings[name], studies[name]["last_step"]) for name, rows in by_study.items()}
    untrained = {name: masks(rows, settings[name]) for name, rows in by_study.items()}
    rows = []
    for name, spec in studies.items():
        last_step, named = spec["last_step"], spec["licensed_by"]
        search = None if named not in studies else (named, inits_that_match(untrained[named]))
        own = [
            *cells[name].to_dict("records"),
            *controls(by_study[name], settings[name], last_step),
            *smallest_matching(cells[name], settings[name]),
            *(
                row
                for kind in CLAIMS
                for row in winning_ticket(
                    cells[name], settings[name], kind, licence(name, kind, studies, cells, calibration)
                )
            ),
            *early_stopping(by_study[name]),
            *equal_totals(by_study[name], settings[name], last_step),
            *masks_of_another_order(by_study[name], settings[name], last_step),
            *untrained[name],
            *strong_form(untrained[name], settings[name], search),
            *changing_roles(by_study[name], settings[name]),
            *fixed_roles(by_study[name], settings[name]),
            *transience(by_study[name], settings[name], spec["drawn_once"]),
        ]
        rows += [{"study": name, **row, "detectable": detectable(row, settings[name])} for row in own]
    table = pd.DataFrame(rows)
    table = table.drop(columns=["undecided", "controlled", "family"])
    return withheld(table, RESTS_ON, "test", "decision", calibration)


def licence(
    study: str, kind: str, studies: Mapping[str, dict], cells: Mapping[str, pd.DataFrame], calibration: pd.DataFrame
) -> Licence:
    """What licenses a negative answer to this claim in `study`: a search by the same procedure that finds some.

    That is the study which is named for it, which may not be in this run, or the calibration of pruning, which tries
    each procedure from θ₀.
    """
    named, how = studies[study]["licensed_by"], Procedure(**studies[study]["procedure"])
    if named is None:
        return Licence(str(how))
    if named not in studies:
        because = f"{named} would license a negative; add it to run"
    else:
        other = how.unlike(Procedure(**studies[named]["procedure"]))
        if not other:
            if not winning_cells(cells[named], JudgingSettings(**studies[named]["judging"]), kind).empty:
                return Licence(str(how), named)
            other = [f"it has no winning ticket {CLAIMS[kind]} either"]
        because = f"{named} gives none ({', '.join(other)})"
    tried = calibration[calibration["family"].eq(PROCEDURES) & calibration["case"].eq(str(how))]
    if kind != kinds.WINNING_TICKET or tried.empty:
        return Licence(str(how), why_not=f"{because}, and no calibration of pruning tries this {CLAIMS[kind]}")
    if tried["passed"].all():
        return Licence(str(how), "the pruning calibration")
    return Licence(str(how), why_not=f"{because}, and in the pruning calibration this procedure does not win either")


def detectable(row: Mapping, settings: JudgingSettings) -> float:
    """The distance beyond margin or threshold at which the truth is found with the wanted power; the estimate's unit.

    It follows from the spread between seeds in this verdict's own interval, at the level of one of its sides
    (transience is one-sided, at α), and at the strictest level where Holm's adjustment runs over a family. NaN where
    nothing was estimated. For roles that change it is the share of initialisations beyond the test's own errors.
    """
    if row.get("kind") == kinds.ROLES_CHANGE:
        level = settings.alpha / row["family"]
        return statistics.detectable_share(row["n"], settings.alpha, level, settings.power) - settings.alpha
    alpha = 1 - determinacy.CONFIDENCE if row["test"] == T2 else settings.alpha  # of the interval
    level = (alpha if row["test"] == T3 else alpha / 2) / max(row["family"], 1)
    deviation = statistics.deviation(row["ci_low"], row["ci_high"], row["n"], alpha)
    return deviation * statistics.detectable_effect(row["n"], level, settings.power)
