"""Verdicts on networks that were trained elsewhere, with what they rest on in their reasons.

T1 and the strong form need networks that are trained here, so there are none on these.
"""

from collections.abc import Collection, Mapping

import pandas as pd

from workflow_scripts.ticketlab.settings.judging import JudgingSettings
from workflow_scripts.ticketlab.verdicts import judge as judging
from workflow_scripts.ticketlab.verdicts.roles import changing_roles, fixed_roles
from workflow_scripts.ticketlab.verdicts.rows import T2, T3
from workflow_scripts.ticketlab.verdicts.transience import transience
from workflow_scripts.ticketlab.verdicts.withheld import withheld

# By test: what is not known of released networks and is known of those that are trained here.
RESTS_ON = {
    T2: "rests on released checkpoints: the exact replicate is the network itself, so the ceiling holds no chaos of "
    "training, and that runs differ in their data order alone is the release's word",
    T3: "rests on released checkpoints: what lies between two released steps is not seen, and the text is not the one "
    "that they were trained on",
}


def judge(
    comparisons: pd.DataFrame, studies: Mapping[str, dict], released: Collection[str], calibration: pd.DataFrame
) -> pd.DataFrame:
    """As verdicts/judge.py, where the studies of these names are `released`."""
    trained = {name: spec for name, spec in studies.items() if name not in released}
    parts = [judging.judge(comparisons, trained, calibration)] if trained else []
    for name in released:
        spec, rows = studies[name], comparisons[comparisons["study"] == name]
        settings = JudgingSettings(**spec["judging"])
        own = [
            *changing_roles(rows, settings),
            *fixed_roles(rows, settings),
            *transience(rows, settings, spec["drawn_once"]),
        ]
        found = [{"study": name, **row, "detectable": judging.detectable(row, settings)} for row in own]
        table = pd.DataFrame(found).drop(columns="family")
        parts.append(resting_on_releases(withheld(table, judging.RESTS_ON, "test", "decision", calibration)))
    return pd.concat(parts, ignore_index=True)


def resting_on_releases(table: pd.DataFrame) -> pd.DataFrame:
    """Rows of the `verdicts` table with the words of RESTS_ON after their reasons."""
    return table.assign(reason=table["reason"] + "; " + table["test"].map(RESTS_ON))
