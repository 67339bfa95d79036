"""The verdict on T2: whether the initialisation decides roles."""

from collections.abc import Iterator

import pandas as pd

from workflow_scripts.ticketlab.core.readings import INCONCLUSIVE, MIXED
from workflow_scripts.ticketlab.settings.judging import JudgingSettings
from workflow_scripts.ticketlab.verdicts import kinds
from workflow_scripts.ticketlab.verdicts.comparisons import AGREEMENT, DETERMINACY, of_roles
from workflow_scripts.ticketlab.verdicts.rows import DIVERGED, REFUTES, SUPPORTS, T2, WITHHELD, verdict_row


def fixed_roles(rows: pd.DataFrame, settings: JudgingSettings) -> Iterator[dict]:
    """T2, at every split step: whether the network at that step decides which component takes which role.

    At split step 0 this concerns the initialisation, and it is the verdict on the hypothesis. Later split steps date
    the decision; both views expect it to be made by one of them. Networks of different initialisations must agree at
    chance, or the instrument errs.
    """
    determinacy = of_roles(rows, DETERMINACY).set_index(["contrast", "step"])
    # Every compared pair, with diverged ones too, which determinacy leaves out.
    pairs = of_roles(rows, AGREEMENT).set_index(["contrast", "step"])["estimate"]
    for step in sorted(step for contrast, step in pairs.index if contrast == "same_init"):
        compared = [("same_init", step), ("other_init", step), ("replicate", 0)]
        row, other = (determinacy.loc[key] if key in determinacy.index else None for key in compared[:2])
        if row is None or pairs[pairs.index.isin(compared)].isna().any():
            row, decision, reason = {"n": 0}, INCONCLUSIVE, DIVERGED
        elif pd.isna(row["estimate"]):
            why = "fewer than two inits" if row["n"] < 2 else "exact replicates do not agree above chance"
            decision, reason = INCONCLUSIVE, why
        elif other is None or other[["ci_low", "ci_high"]].isna().any():
            decision, reason = INCONCLUSIVE, "too few initialisations to check that different ones agree at chance"
        elif not other["ci_low"] <= 0 <= other["ci_high"]:
            decision, reason = WITHHELD, "networks of different initialisations do not agree at chance"
        elif row["ci_low"] >= settings.determined and step > 0:
            decision = INCONCLUSIVE
            reason = f"determined by step {step}, as either view expects (D = {row['estimate']:.2f})"
        elif row["ci_low"] >= settings.determined:
            decision, reason = SUPPORTS, f"determinacy is above {settings.determined:g}"
        elif row["ci_high"] <= settings.undetermined:
            decision, reason = REFUTES, f"determinacy is below {settings.undetermined:g}: data order decides the roles"
        elif row["ci_low"] > settings.undetermined and row["ci_high"] < settings.determined:
            decision, reason = MIXED, "partly the initialisation, partly the data order"
        else:
            decision, reason = INCONCLUSIVE, "the interval is too wide for a side"
        kind = kinds.FIXED_ROLES if step == 0 else kinds.LATER_ROLES
        if other is not None:
            reason += f"; other inits agree at {other['estimate']:.2f}"
        yield verdict_row(T2, kind, row, settings.determined, decision, reason, split_step=step)
