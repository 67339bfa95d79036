"""The verdicts on T2: whether a part can take different roles, and how far the initialisation decides roles."""

import math
from collections.abc import Iterator

import pandas as pd

from workflow_scripts.ticketlab.core import statistics
from workflow_scripts.ticketlab.core.random_streams import CHAOS, REORDERED
from workflow_scripts.ticketlab.core.readings import INCONCLUSIVE, MIXED
from workflow_scripts.ticketlab.settings.judging import JudgingSettings
from workflow_scripts.ticketlab.verdicts import kinds
from workflow_scripts.ticketlab.verdicts.comparisons import AGREEMENT, CHANCE, CHANGES, DETERMINACY, ROLES, of_roles
from workflow_scripts.ticketlab.verdicts.rows import DIVERGED, REFUTES, SUPPORTS, T2, WITHHELD, verdict_row

MOST = 200  # initialisations that a study might have
WORDS = {CHAOS: "with θ₀ a millionth off", REORDERED: "with the same batches in another order"}


def changing_roles(rows: pd.DataFrame, settings: JudgingSettings) -> Iterator[dict]:
    """T2, existence: whether a role of the study has another holder under another data order (split at step 0).

    It has if more initialisations change it than a test at α errs, by an exact binomial test with Holm's adjustment
    over the study's roles. Parts keep their roles if no initialisation changes any, which would be seen in less than a
    share α of the studies in which a share `changing` of initialisations does.
    """
    if not rows["test"].eq(ROLES).any():
        return
    at_0 = rows[rows["test"].eq(ROLES) & rows["quantity"].eq(CHANGES) & rows["step"].eq(0)]
    mine = at_0[at_0["contrast"] == "same_init"].reset_index(drop=True)
    family = max(len(mine), 1)
    if mine.empty:
        reason = "no part holds a role clearly in two networks of one initialisation"
        yield verdict_row(T2, kinds.ROLES_CHANGE, {"n": 0}, settings.alpha, INCONCLUSIVE, reason, split_step=0)
        return
    mine = mine.assign(adjusted=statistics.holm(mine["p"].tolist()))
    most = mine.sort_values(["adjusted", "p", "estimate"], ascending=[True, True, False]).iloc[0]
    fewest = mine.sort_values("n").iloc[0]
    unchanged = mine["estimate"].eq(0).all()
    row = most
    if most["adjusted"] < settings.alpha:
        changed = mine[mine["adjusted"] < settings.alpha].sort_values("adjusted")
        found = ", ".join(f"{role['score']} in {_count(role)}" for _, role in changed.iterrows())
        decision = REFUTES
        reason = f"another part holds a role under another data order: {found} initialisations"
    elif unchanged and (1 - settings.changing) ** fewest["n"] < settings.alpha:
        row, decision = fewest, SUPPORTS
        reason = f"no role changes its holder; at a rate of {settings.changing:g} some initialisation would"
    else:
        row = fewest if unchanged else most
        needed = initialisations_needed(row, family, settings)
        decision, reason = INCONCLUSIVE, f"{row['score']} changes in {_count(row)} initialisations"
        reason += f": at this rate {needed} with a clear holder would decide" if needed else ": too few to decide"
    for control, words in WORDS.items():
        same = at_0[at_0["contrast"].eq(control) & at_0["score"].eq(row["score"])]
        if len(same):
            reason += f"; {words} in {_count(same.iloc[0])}"
    about = {"split_step": 0, "structure": row["score"]}
    yield verdict_row(T2, kinds.ROLES_CHANGE, row, settings.alpha, decision, reason, family=family, **about)


def _count(row: pd.Series) -> str:
    return f"{round(row['estimate'] * row['n'])} of {row['n']:.0f}"


def initialisations_needed(row: pd.Series, roles: int, settings: JudgingSettings) -> int | None:
    """The fewest initialisations that decide if the same share of them changes the role; None if MOST do not."""
    if row["estimate"] == 0:
        return math.floor(math.log(settings.alpha) / math.log(1 - settings.changing)) + 1
    for n in range(int(row["n"]) + 1, MOST + 1):
        if statistics.at_least(math.floor(row["estimate"] * n + 1e-9), n, settings.alpha) * roles < settings.alpha:
            return n
    return None


def fixed_roles(rows: pd.DataFrame, settings: JudgingSettings) -> Iterator[dict]:
    """T2's dose, at every split step: how far the network at that step decides which component takes which role.

    At split step 0 this concerns the initialisation. Later split steps date the decision; both views expect it to be
    made by one of them. Networks of different initialisations must not be shown to agree other than at chance, or the
    instrument errs. That the data order decides is only said if its effect exceeds that of a millionth of θ₀.
    """
    determinacy = of_roles(rows, DETERMINACY).set_index(["contrast", "step"])
    # Every compared pair, with diverged ones too, which determinacy leaves out.
    pairs = of_roles(rows, AGREEMENT).set_index(["contrast", "step"])["estimate"]
    strangers, others = chance_control(of_roles(rows, CHANCE), settings)
    for step in sorted(step for contrast, step in pairs.index if contrast == "same_init"):
        compared = [("same_init", step), ("other_init", step), ("replicate", 0)]
        row = determinacy.loc["same_init", step] if ("same_init", step) in determinacy.index else None
        if row is None or pairs[pairs.index.isin(compared)].isna().any():
            row, decision, reason = {"n": 0}, INCONCLUSIVE, DIVERGED
        elif pd.isna(row["estimate"]):
            why = "fewer than two inits" if row["n"] < 2 else "exact replicates do not agree above chance"
            decision, reason = INCONCLUSIVE, why
        elif strangers != "":
            decision, reason = strangers, others
        elif row["ci_low"] >= settings.determined and step > 0:
            decision = INCONCLUSIVE
            reason = f"determined by step {step}, as either view expects (D = {row['estimate']:.2f})"
        elif row["ci_low"] >= settings.determined:
            decision, reason = SUPPORTS, f"determinacy is above {settings.determined:g}"
        elif row["ci_high"] <= settings.undetermined:
            decision, reason = REFUTES, f"determinacy is below {settings.undetermined:g}{_cause(determinacy, step)}"
        elif _between(row, settings):
            decision, reason = MIXED, f"the initialisation decides in part{_cause(determinacy, step)}"
        else:
            decision, reason = INCONCLUSIVE, "the interval is too wide for a side"
        kind = kinds.FIXED_ROLES if step == 0 else kinds.LATER_ROLES
        if others not in reason:
            reason += f"; {others}"
        yield verdict_row(T2, kind, row, settings.determined, decision, reason, split_step=step)


def _between(row: pd.Series, settings: JudgingSettings) -> bool:
    """Whether determinacy is neither high nor low: between the bounds, or about one of them with a narrow interval."""
    inside = row["ci_low"] > settings.undetermined and row["ci_high"] < settings.determined
    return inside or row["ci_high"] - row["ci_low"] <= settings.narrow


def chance_control(chance: pd.DataFrame, settings: JudgingSettings) -> tuple[str, str]:
    """What the control by other initialisations decides, "" if it stands in nothing's way, and the words for it.

    chance: their determinacy over all split steps (0 or 1 row). It is an equivalence test: they agree at chance if the
    whole interval is within ± `chance`. An interval that holds 0 and reaches beyond shows nothing, and says so.
    """
    if chance.empty or chance[["ci_low", "ci_high"]].isna().any(axis=None):
        return INCONCLUSIVE, "too few initialisations to check that different ones agree at chance"
    row, bound = chance.iloc[0], f"±{settings.chance:g}"
    about = f"{row['estimate']:.2f} [{row['ci_low']:.2f}, {row['ci_high']:.2f}]"
    if -settings.chance <= row["ci_low"] and row["ci_high"] <= settings.chance:
        return "", f"other initialisations agree at chance ({about} is within {bound})"
    if not row["ci_low"] <= 0 <= row["ci_high"]:
        return WITHHELD, f"networks of different initialisations do not agree at chance ({about})"
    return "", f"the control by other initialisations has no power ({about} reaches beyond {bound})"


def _cause(determinacy: pd.DataFrame, step: int) -> str:
    """What decides beside the initialisation: the data order, if its effect exceeds chaos; "" without that control."""
    if step or ("chaos", 0) not in determinacy.index:
        return ""
    about = f"D is {determinacy.loc[(CHAOS, 0), 'estimate']:.2f} {WORDS[CHAOS]}"
    if (REORDERED, 0) in determinacy.index:
        about += f", {determinacy.loc[(REORDERED, 0), 'estimate']:.2f} {WORDS[REORDERED]}"
    exceeds = determinacy.loc[(f"same_init - {CHAOS}", 0), "ci_high"] < 0
    return f": the data order decides ({about})" if exceeds else f"; not shown to be the data order ({about})"
