"""The decision rules: comparisons in, verdicts out. A figure draws what stands here and decides nothing.

A verdict on the hypothesis is one of VERDICTS. A verdict on one ticket is "winning", "matching", "neither" or
"inconclusive". Each carries its estimate, interval, p-value, number of seeds, margin and a reason in words.
"""

from collections.abc import Iterator, Mapping

import numpy as np
import pandas as pd

from workflow_scripts.ticketlab import determinacy, statistics
from workflow_scripts.ticketlab.comparisons import DECISIVE_CONTROLS, ROLES, STRUCTURE, SUPERMASKS, TICKETS
from workflow_scripts.ticketlab.settings.judging import JudgingSettings

SUPPORTS, REFUTES, MIXED, INCONCLUSIVE = "supports LTH", "refutes LTH", "mixed", "inconclusive"
WITHHELD = "inconclusive (instrument)"
VERDICTS = (SUPPORTS, REFUTES, MIXED, INCONCLUSIVE, WITHHELD)
WINNING, MATCHING, NEITHER = "winning", "matching", "neither"

DIVERGED = "a network diverged (the log of the job that trained it names it): lower training.learning_rate"

T1, STRONG_FORM, T2, T3 = "T1 tickets", "T1 strong form", "T2 roles", "T3 transience"
# What became of a structure.
TRANSIENT, KEPT, UNKNOWN = "transient", "kept", "unknown"

# What each test's verdict rests on: a verdict is only given while these are in calibration.
RESTS_ON = {
    T1: ("pruning", "statistics"),
    STRONG_FORM: ("pruning", "statistics"),
    T2: ("roles", "statistics"),
    T3: ("structure", "statistics"),
}


def judge(comparisons: pd.DataFrame, studies: dict[str, dict], calibration: pd.DataFrame) -> pd.DataFrame:
    """The verdict table (without column order) of all studies.

    comparisons: the `comparisons` tables of the studies; calibration: the `calibration` tables of the instruments.
    studies: by name, `judging` (settings), `licensed_by` (a study or None) and `last_step`.
    """
    by_study = {name: comparisons[comparisons["study"] == name] for name in studies}
    settings = {name: JudgingSettings(**spec["judging"]) for name, spec in studies.items()}
    cells = {name: ticket_cells(rows, settings[name], studies[name]["last_step"]) for name, rows in by_study.items()}
    rows = []
    for name, spec in studies.items():
        licence = spec["licensed_by"]
        licensed = None if licence is None else (licence, len(_winners(cells[licence], settings[licence])) > 0)
        own = [
            *cells[name].to_dict("records"),
            *winning_ticket(cells[name], settings[name], licensed),
            *sooner(by_study[name], settings[name]),
            *against_total(by_study[name], settings[name]),
            *strong_form(by_study[name], settings[name]),
            *fixed_roles(by_study[name], settings[name]),
            *transience(by_study[name], settings[name]),
        ]
        rows += [{"study": name, **row, "detectable": detectable(row, settings[name])} for row in own]
    table = pd.DataFrame(rows)
    return withheld(table.drop(columns=["rewind_step", "density", "undecided", "family"]), calibration)


def withheld(verdicts: pd.DataFrame, calibration: pd.DataFrame) -> pd.DataFrame:
    """The verdicts, but withheld where an instrument that they rest on failed a check that it must pass.

    An instrument that was not calibrated at all counts as out of calibration.
    """
    failed = {}
    for instrument in sorted({name for names in RESTS_ON.values() for name in names}):
        checks = calibration[calibration["instrument"].eq(instrument) & calibration["required"]]
        cases = (checks["family"] + " " + checks["case"] + ", " + checks["quantity"])[~checks["passed"]]
        if checks.empty:
            failed[instrument] = f"{instrument} was never calibrated"
        elif len(cases):
            failed[instrument] = f"{instrument} is out of calibration ({cases.iloc[0]})"
    reasons = verdicts["test"].map(lambda test: "; ".join(failed[name] for name in RESTS_ON[test] if name in failed))
    changed = verdicts.copy()
    changed.loc[reasons != "", "decision"] = WITHHELD
    changed.loc[reasons != "", "reason"] = reasons + "; otherwise: " + verdicts["decision"] + ", " + verdicts["reason"]
    return changed


def ticket_cells(rows: pd.DataFrame, settings: JudgingSettings, last_step: int) -> pd.DataFrame:
    """Each ticket (density × rewind step) at equal steps: winning, matching, neither or inconclusive.

    Matching: non-inferior to dense, that is the whole two-sided interval lies below the margin, which is a test at α/2
    (Piaggio et al. 2012); the same interval says what is worse. Winning: matching, and better than the re-initialised
    and the shuffled control, where Holm's adjustment runs over both controls, all controlled densities and all rewind
    steps. A ticket at a density without controls cannot be called winning.
    """
    measured = rows[rows["test"].eq(TICKETS) & rows["quantity"].eq(settings.metric)]
    end = measured[measured["step"] == last_step]
    courses = measured[measured["contrast"] == "ticket - dense"].groupby(["rewind_step", "level"])
    found = []
    decisive = end[end["contrast"].isin([f"ticket - {control}" for control in DECISIVE_CONTROLS])]
    adjusted = pd.Series(statistics.holm(decisive["p"]), index=decisive.index)
    for rewind_step, group in end.groupby("rewind_step"):
        against = decisive[decisive["rewind_step"] == rewind_step]
        for _, cell in group[group["contrast"] == "ticket - dense"].iterrows():
            here = against["level"] == cell["level"]
            undecided = _undecided(cell)
            matching = cell["ci_high"] < settings.margin
            worse = cell["ci_low"] > settings.margin
            beats = bool(here.any() and (adjusted[here.index[here]] < settings.alpha).all())
            if undecided:
                decision, reason = INCONCLUSIVE, undecided
            else:
                if matching:
                    decision = WINNING if beats else MATCHING
                else:
                    decision = NEITHER if worse else INCONCLUSIVE
                reason = _reason(matching, worse, against[here], adjusted, settings)
                reason += _along_training(courses.get_group((rewind_step, cell["level"])))
            without = [undecided, *(_undecided(row) for _, row in against[here].iterrows())]
            found.append(
                _verdict(
                    T1,
                    cell_claim(cell["density"], rewind_step),
                    cell,
                    settings.margin,
                    decision,
                    reason,
                )
                | {"rewind_step": rewind_step, "density": cell["density"], "undecided": max(without)}
            )
    return pd.DataFrame(found)


def _undecided(row: pd.Series) -> str:
    """Why this comparison decides nothing, or "". Asked first, since NaN fails `<` and `>` alike."""
    if row["n"] < 2:
        return f"{row['n']:.0f} seed has no interval: raise seeds"
    if not np.isfinite([row["estimate"], row["ci_low"], row["ci_high"], row["p"]]).all():
        return DIVERGED
    return ""


def cell_claim(density: float, rewind_step: int) -> str:
    """The claim about one ticket, by which a figure finds its verdict."""
    return f"ticket at {100 * density:.3g}% kept, from step {rewind_step}, against dense at equal steps"


def _percent(row: pd.Series) -> str:
    """Three digits, so that no two rounds look the same."""
    return f"{100 * row['density']:.3g}%"


def _reason(matching: bool, worse: bool, against: pd.DataFrame, adjusted: pd.Series, settings: JudgingSettings) -> str:
    if matching:
        parts = [f"not worse than dense by {settings.margin:g}"]
    elif worse:
        parts = [f"worse than dense by more than {settings.margin:g}"]
    else:
        parts = [f"the interval of the difference to dense spans the margin {settings.margin:g}"]
    for index, row in against.iterrows():
        control = row["contrast"].removeprefix("ticket - ")
        word = "better than" if adjusted[index] < settings.alpha else "not shown better than"
        basis = f"by {-row['estimate']:.3f}, adjusted p {adjusted[index]:.2g}"
        parts.append(f"{word} {control} ({_undecided(row) or basis})")
    return "; ".join(parts) if len(against) else parts[0] + "; no controls at this density"


def _along_training(course: pd.DataFrame) -> str:
    """The loss against steps in words: at how many of the recorded steps a ticket is better or worse than dense."""
    better, worse = (course["ci_high"] < 0).sum(), (course["ci_low"] > 0).sum()
    return f"; along training better at {better}, worse at {worse} of {len(course)} recorded steps"


def _sparse(cells: pd.DataFrame, settings: JudgingSettings) -> pd.DataFrame:
    return cells[cells["density"] <= settings.sparse]


def _winners(cells: pd.DataFrame, settings: JudgingSettings) -> pd.DataFrame:
    """The sparse winning tickets that also pass the walk from the densest down, at α/2 shared among rewind steps."""
    level = settings.alpha / 2 / max(cells["rewind_step"].nunique(), 1)
    ordered = cells.sort_values("density", ascending=False)
    passed = ordered["p"].lt(level).groupby(ordered["rewind_step"]).cummin()
    return _sparse(ordered[passed & ordered["decision"].eq(WINNING)], settings)


def winning_ticket(cells: pd.DataFrame, settings: JudgingSettings, licensed: tuple[str, bool] | None) -> Iterator[dict]:
    """The study's answer to test 1, and the smallest density that matches.

    Densities are taken from the densest down and the walk stops at the first that does not match, which keeps the
    family's error at α/2 without adjustment (fixed-sequence testing); a winning ticket must lie on that walk. A
    negative answer is only given where the procedure is known to work: in a study licensed by another one in which it
    found winning tickets.
    """
    for rewind_step, group in cells.groupby("rewind_step"):
        ordered = group.sort_values("density", ascending=False)
        matches = ordered["decision"].isin([WINNING, MATCHING])
        passed = ordered[matches.cumprod().astype(bool)]
        if len(passed):
            last = passed.iloc[-1]
            yield _verdict(
                T1,
                f"smallest matching density, from step {rewind_step}",
                {"estimate": last["density"], "n": last["n"]},
                settings.margin,
                MATCHING,
                f"every density down to {_percent(last)} matches, tested from the densest down",
            )
        else:
            first = ordered.iloc[0]
            yield _verdict(
                T1,
                f"smallest matching density, from step {rewind_step}",
                {"n": first["n"]},
                settings.margin,
                first["decision"],
                f"the densest ticket, at {_percent(first)}, is not shown to match: {first['reason']}",
            )
    sparse = _sparse(cells, settings)
    winners = _winners(cells, settings)
    if len(winners):
        best = winners.sort_values(["density", "rewind_step"]).iloc[0]
        decision, basis = SUPPORTS, best
        reason = f"winning at {_percent(best)} kept from step {best['rewind_step']:.0f}"
    else:
        basis = sparse.sort_values("density").iloc[-1] if len(sparse) else {}
        negative = len(sparse) > 0 and (sparse["decision"] == NEITHER).all()
        if negative and licensed is not None and licensed[1]:
            decision, reason = REFUTES, f"no sparse ticket matches, while the procedure finds some in {licensed[0]}"
        elif negative:
            why = (
                "no study licenses a negative" if licensed is None else f"{licensed[0]} found no winning ticket either"
            )
            decision, reason = INCONCLUSIVE, f"no sparse ticket matches, but {why}"
        else:
            decision = INCONCLUSIVE
            reason = f"no ticket at or below {settings.sparse:.0%} kept is shown to win, nor all to fail"
            if sparse.empty:
                reason = f"no ticket at or below {settings.sparse:.0%} kept was trained"
            reason += f"; {sparse['undecided'].max()}" if len(sparse) and sparse["undecided"].any() else ""
    reason += f"; {_licence(licensed)}"
    yield _verdict(T1, "a winning ticket exists, at equal steps", basis, settings.margin, decision, reason)


def _licence(licensed: tuple[str, bool] | None) -> str:
    """Whether the control study, in which IMP found winning tickets or did not, would license a negative answer."""
    if licensed is None:
        return "no control study is named that could license a negative here"
    study, won = licensed
    return f"a negative here is licensed by {study}" if won else f"{study} licenses no negative here"


def against_total(rows: pd.DataFrame, settings: JudgingSettings) -> Iterator[dict]:
    """Is the search worth its steps? Tickets against the dense network that is given all the steps that IMP used."""
    for _, row in rows[rows["contrast"] == "ticket - dense_total"].iterrows():
        if _undecided(row):
            decision, reason = INCONCLUSIVE, _undecided(row)
        elif row["ci_high"] < settings.margin:
            decision, reason = SUPPORTS, "the ticket is as good as dense training for as long as its search took"
        elif row["ci_low"] > settings.margin:
            decision, reason = REFUTES, "dense training for as long as the search took is better"
        else:
            decision, reason = INCONCLUSIVE, f"the interval spans the margin {settings.margin:g}"
        yield _verdict(
            T1,
            f"ticket at {_percent(row)} kept against dense at IMP's total steps",
            row,
            settings.margin,
            decision,
            reason,
        )


def sooner(rows: pd.DataFrame, settings: JudgingSettings) -> Iterator[dict]:
    """Do tickets come in fewer steps to a validation loss that dense reaches too (Frankle & Carbin's early stopping)?

    Holm's adjustment runs over all densities and rewind steps, and over both answers: p is two-sided.
    """
    mine = rows[rows["quantity"].eq("steps_to_worse_end") & rows["contrast"].eq("ticket - dense")]
    for (_, row), p in zip(mine.iterrows(), statistics.holm(mine["p"]), strict=True):
        at = f"at the loss that both reach (adjusted p {p:.2g})"
        if _undecided(row):
            decision, reason = INCONCLUSIVE, _undecided(row)
        elif p < settings.alpha and row["ci_high"] < 0:
            decision, reason = SUPPORTS, f"{-row['estimate']:.0f} steps sooner {at}"
        elif p < settings.alpha and row["ci_low"] > 0:
            decision, reason = REFUTES, f"{row['estimate']:.0f} steps later {at}"
        else:
            decision, reason = INCONCLUSIVE, f"not shown to be sooner or later {at}"
        claim = f"ticket at {_percent(row)} kept, from step {row['rewind_step']}, is as good as dense sooner"
        yield _verdict(T1, claim, row, 0.0, decision, reason, family=len(mine))


def strong_form(rows: pd.DataFrame, settings: JudgingSettings) -> Iterator[dict]:
    """Pruning alone: does any mask of untrained weights do as well as dense training?

    "Any" of several: Holm's adjustment runs over all kinds of supermasks and densities, and over both sides of the
    margin. A mask that is worse than dense speaks against the hypothesis only if the search for it is known to work,
    that is if it found one that is better than a random mask by more than the margin.
    """
    mine = rows[rows["test"] == SUPERMASKS]
    against_dense = mine[mine["contrast"].str.endswith(" - dense")]
    two_sided = 2 * np.minimum(against_dense["p"], 1 - against_dense["p"])
    for (_, row), p in zip(against_dense.iterrows(), statistics.holm(two_sided), strict=True):
        variant = row["contrast"].removesuffix(" - dense")
        random = mine[mine["contrast"].eq(f"{variant} - random mask") & mine["level"].eq(row["level"])].iloc[0]
        numbers = f"{-random['estimate']:.3f} better than a random mask; adjusted p {p:.2g}"
        worse = f"worse than dense by more than {settings.margin:g}"
        undecided = _undecided(row) or _undecided(random)
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
        claim = f"{variant} at {_percent(row)} kept, untrained, against dense"
        yield _verdict(STRONG_FORM, claim, row, settings.margin, decision, reason, family=len(against_dense))


def fixed_roles(rows: pd.DataFrame, settings: JudgingSettings) -> Iterator[dict]:
    """T2, at every split step: does the network at that step decide which component takes which role?

    At split step 0 it is the initialisation that decides or not, and that is the verdict on the hypothesis; later
    split steps date the decision, and that it has fallen by one of them is what either view expects. Networks of
    different initialisations must agree at chance, or the instrument errs.
    """
    mine = rows[rows["test"] == ROLES]
    determinacy = mine[mine["quantity"] == "determinacy, identity, all"].set_index(["contrast", "step"])
    # Every pair that was compared, diverged ones too, which are left out of the determinacy.
    pairs = mine[mine["quantity"] == "agreement, identity, all"].set_index(["contrast", "step"])["estimate"]
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
        when = "the initialisation fixes the roles" if step == 0 else f"roles are fixed by step {step}"
        if other is not None:
            reason += f"; other inits agree at {other['estimate']:.2f}"
        yield _verdict(T2, when, row, settings.determined, decision, reason)


def transience(rows: pd.DataFrame, settings: JudgingSettings) -> Iterator[dict]:
    """T3, for each reference predictor: was it approached and then left again?

    Structure that is acquired and then forgotten is not in the final network, so no sub-network selected by that
    network's weights can stand for it: against the reading of the hypothesis in which training only reveals. Structure
    that is kept speaks for neither view: the predictors may be the wrong ones (docs/theory.md).
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
        claim = f"the {name} predictor is acquired and forgotten"
        yield _verdict(T3, claim, basis, settings.forgotten, decision, reason, family=len(forgotten))
    transient = [name for name, fate in fates.items() if fate == TRANSIENT]
    if transient:
        decision, reason = REFUTES, f"transient: {', '.join(transient)}"
        basis = forgotten.loc[adjusted[transient].idxmin()]
    elif set(fates.values()) == {KEPT}:
        decision, reason = INCONCLUSIVE, "all were acquired and kept; that speaks for neither"
        basis = forgotten.loc[forgotten["estimate"].idxmax()]
    else:
        decision, reason, basis = INCONCLUSIVE, "none is shown to be transient, nor all to be kept", {}
    claim = "some structure is acquired and then forgotten"
    yield _verdict(T3, claim, basis, settings.forgotten, decision, reason, family=len(forgotten))


def _fate(
    acquired: pd.Series, forgotten: pd.Series | None, adjusted_p: float, settings: JudgingSettings
) -> tuple[str, str]:
    """What became of one predictor's structure and why; `adjusted_p` is Holm's over all predictors of the study."""
    got = f"acquired {acquired['estimate']:.2f} [{acquired['ci_low']:.2f}, {acquired['ci_high']:.2f}]"
    if _undecided(acquired):
        return UNKNOWN, _undecided(acquired)
    if acquired["ci_high"] < settings.acquired or forgotten is None:
        return UNKNOWN, f"never acquired: {got}"
    if not acquired["ci_low"] > settings.acquired:
        return UNKNOWN, f"not clearly acquired: {got}"
    if _undecided(forgotten):
        return UNKNOWN, _undecided(forgotten)
    if adjusted_p < settings.alpha:
        return (
            TRANSIENT,
            f"transient: {got} by step {int(forgotten['step'])}, then left again (adjusted p {adjusted_p:.2g})",
        )
    if forgotten["ci_high"] < settings.forgotten:
        return KEPT, f"kept: {got}, and not left again by more than {settings.forgotten:g}; that speaks for neither"
    return UNKNOWN, f"{got}; the interval of what was forgotten spans {settings.forgotten:g}"


def detectable(row: Mapping, settings: JudgingSettings) -> float:
    """How far beyond its margin or threshold the truth must lie to be found with the power wanted; the estimate's unit.

    From the spread between seeds that this verdict's own interval shows, at the level of one of its sides (transience
    is asked to one side, at α), and where Holm's adjustment runs over a family at its strictest level. NaN where
    nothing was estimated.
    """
    alpha = 1 - determinacy.CONFIDENCE if row["test"] == T2 else settings.alpha  # of the interval
    level = (alpha if row["test"] == T3 else alpha / 2) / max(row["family"], 1)
    deviation = statistics.deviation(row["ci_low"], row["ci_high"], row["n"], alpha)
    return deviation * statistics.detectable_effect(row["n"], level, settings.power)


def _verdict(
    test: str, claim: str, basis: Mapping | pd.Series, margin: float, decision: str, reason: str, family: int = 1
) -> dict:
    """A row of the table; `family`: how many comparisons Holm's adjustment of this one ran over."""
    number = {key: basis[key] if key in basis else float("nan") for key in ("estimate", "ci_low", "ci_high", "p")}
    count = int(basis["n"]) if "n" in basis else 0
    return {
        "test": test,
        "claim": claim,
        **number,
        "n": count,
        "margin": margin,
        "decision": decision,
        "reason": reason,
        "family": family,
    }
