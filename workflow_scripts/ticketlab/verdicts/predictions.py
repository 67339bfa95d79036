"""The predictions on which the two views differ (docs/theory.md), and two quantities without a side, as measured.

Each row is one quantity in one study: its dose with an interval (over initialisations, P6 over test examples as well),
the prediction of each view, and a verdict (core/readings.py). A prediction that a study did not measure has a row that
says so.
"""

from collections.abc import Iterator, Sequence
from math import hypot

import pandas as pd

from workflow_scripts.ticketlab.core import readings
from workflow_scripts.ticketlab.core.random_streams import CHAOS
from workflow_scripts.ticketlab.core.readings import BUILT, INCONCLUSIVE, LATENT, NOT_MEASURED
from workflow_scripts.ticketlab.settings.judging import JudgingSettings
from workflow_scripts.ticketlab.verdicts.comparisons import (
    CHANCE,
    DETERMINACY,
    LLC,
    LOG_RATIO,
    MASKS,
    TICKETS,
    of_roles,
)
from workflow_scripts.ticketlab.verdicts.kinds import FIXED_ROLES, TICKET
from workflow_scripts.ticketlab.verdicts.rows import WITHHELD
from workflow_scripts.ticketlab.verdicts.tickets import CLAIMS, MATCHING, WINNING
from workflow_scripts.ticketlab.verdicts.withheld import withheld

TITLES = {
    "P1": "roles against the step at which data orders split",
    "P2": "final weights against the step at which data orders split",
    "P3": "the rest of the network drawn anew",
    "P4": "the transient in tickets",
    "P5": "learning coefficient of tickets along training",
    "P6": "the ticket's own weights against others under its mask",
    "P7": "effective dimension against the learning coefficient",
    "P8": "roles forecast from early features",
}
WITHOUT_A_SIDE = ("P5", "P7")  # reported, though either view allows any outcome
# The instruments of each prediction's readings, which are only given while these are in calibration.
RESTS_ON = {
    "P1": ("roles", "statistics"),
    "P2": ("pruning", "statistics"),
    "P3": ("pruning", "roles", "statistics"),
    "P4": ("pruning", "structure", "statistics"),
    "P5": ("llc", "pruning", "statistics"),
    "P6": ("pruning", "statistics"),
    "P7": ("llc", "pruning", "statistics"),
    "P8": ("roles", "pruning", "statistics"),
}


def predict(
    comparisons: pd.DataFrame,
    verdicts: pd.DataFrame,
    studies: dict[str, dict],
    calibration: pd.DataFrame,
    further: Sequence[tuple[str, dict]] = (),
) -> pd.DataFrame:
    """The prediction table of all studies.

    comparisons, verdicts: these tables, of all studies. studies: by name, `judging` (settings), `last_step`,
    `clock_level` and `rewind_steps`, as rule_params.figures gives them. calibration: of the instruments. further:
    (study, readings.row) of what is not in the first two tables.
    """
    found = []
    elsewhere = {row["prediction"] for study, row in further if study not in studies}  # of networks of no study
    for name, spec in studies.items():
        rows, decided = (table[table["study"] == name] for table in (comparisons, verdicts))
        settings = JudgingSettings(**spec["judging"])
        own = [
            *determinacy_of_roles(rows, decided, settings),
            *determinacy_of_masks(rows, settings),
            *complexity_of_tickets(rows, settings, spec["last_step"]),
            *weights_of_the_ticket(rows, decided, settings),
            *(row for study, row in further if study == name),
        ]
        unmeasured = TITLES.keys() - elsewhere - {row["prediction"] for row in own}
        own += [readings.row(key, TITLES[key], None, "", "", NOT_MEASURED, "not in this run", "") for key in unmeasured]
        found += [{"study": name, **row} for row in sorted(own, key=lambda row: row["prediction"])]
    found += [{"study": study, **row} for study, row in further if study not in studies]
    table = pd.DataFrame(found)
    measured = table[table["verdict"] != NOT_MEASURED]
    table.update(withheld(measured, RESTS_ON, "prediction", "verdict", calibration)[["verdict", "reason"]])
    return table


def winning_densities(verdicts: pd.DataFrame, studies: dict[str, JudgingSettings]) -> dict[str, list[float]]:
    """By study, the densities of its sparse winning tickets from θ₀."""
    tickets = verdicts[verdicts["kind"].eq(TICKET) & verdicts["rewind_step"].eq(0) & verdicts["decision"].eq(WINNING)]
    mine = {study: tickets.loc[tickets["study"] == study, "density"] for study in studies}
    return {study: found[found <= studies[study].sparse].tolist() for study, found in mine.items()}


def determinacy_of_roles(rows: pd.DataFrame, verdicts: pd.DataFrame, settings: JudgingSettings) -> Iterator[dict]:
    """P1: the determinacy of roles that the data decide from step 0 on, beyond what chaos does.

    The level of determinacy speaks for neither view: without noise in training it is 1 by construction, and training
    may build all the same. What "built" entails is a change with the split step: at the end the runs are the same
    but for chaos, so the change is the determinacy under chaos less that of other data orders.
    """
    mine = of_roles(rows, DETERMINACY).set_index(["contrast", "step"])
    decision = verdicts[verdicts["kind"] == FIXED_ROLES]
    difference = (f"same_init - {CHAOS}", 0)
    if difference not in mine.index or decision.empty:
        return
    row = mine.loc[difference]
    dose = (-row["estimate"], -row["ci_high"], -row["ci_low"], int(row["n"]))
    side, reason = readings.side(dose, settings.undetermined, settings.determined)
    verdict = {LATENT: BUILT, BUILT: LATENT}.get(side, side)
    if decision.iloc[0]["decision"] == WITHHELD:
        verdict, reason = INCONCLUSIVE, f"T2: {decision.iloc[0]['reason']}"
    levels = {words: mine.loc[key, "estimate"] for words, key in (("chaos", (CHAOS, 0)), ("data", ("same_init", 0)))}
    reason += f"; determinacy is {levels['data']:.2f} under other data orders, {levels['chaos']:.2f} under chaos"
    latent, built = (f"≤ {settings.undetermined:g}", f"≥ {settings.determined:g}")
    name = "role determinacy lost to the data order from step 0 on, beyond chaos"
    yield readings.row("P1", name, dose, latent, built, verdict, reason, "roles")


def determinacy_of_masks(rows: pd.DataFrame, settings: JudgingSettings) -> Iterator[dict]:
    """P2: the correlation of what training added to the weights, of runs of one initialisation split at step 0.

    Runs of other initialisations must be shown to be at chance, or there is no reading. Only the latent view is tied to
    a dose: training without noise in its data has a dose of 1, whatever it builds. "Built" expects the dose to grow
    with the split step at the same noise, and so does chaos, which is not subtracted here.

    The overlaps of masks stand beside it without a side: updates that share half of their variance overlap by much less
    than half, and the overlap beyond |θ₀| leaves out a carrier that a latent ticket would have.
    """
    measured = rows[rows["test"] == MASKS].set_index(["contrast", "step"]).sort_index()
    mine = measured[measured["quantity"] == "dense_final"]
    updates = "update_correlation"
    if (updates, 0) not in mine.index:
        return
    dose = readings.of_row(mine.loc[updates, 0])
    verdict, reason = readings.side(dose, settings.undetermined, settings.determined)
    control, found = chance_of_updates(measured[measured["quantity"] == CHANCE], settings)
    if control != "":
        verdict, reason = control, found
    elif verdict == LATENT:
        verdict = INCONCLUSIVE
        reason += ", as latent predicts; built allows it, since training without noise in its data has 1"
    latent, name = f"≥ {settings.determined:g}", "correlation of updates"
    yield readings.row("P2", f"{name}, split at step 0", dose, latent, readings.ANY, verdict, reason, "clock")
    by_step = mine.loc[updates]
    if len(by_step) > 1:
        last = readings.of_row(by_step.iloc[-1])
        half = hypot(*((high - low) / 2 for _, low, high, _ in (dose, last)))
        change = last[0] - dose[0]
        yield readings.no_side(
            "P2",
            f"{name}, change from split step 0 to {by_step.index[-1]}",
            (change, change - half, change + half, min(dose[3], last[3])),
            "built expects a rise, and so does chaos, which is not subtracted; the interval is that of unpaired doses",
            "clock",
        )
    for contrast, words in (("excess", "beyond chance"), ("beyond_initial", "beyond |θ₀|")):
        reason = "overlaps are on another scale than correlations (docs/theory.md)"
        overlap = readings.of_row(mine.loc[contrast, 0])
        yield readings.no_side("P2", f"mask overlap {words}, split at step 0", overlap, reason, "clock")


def chance_of_updates(chance: pd.DataFrame, settings: JudgingSettings) -> tuple[str, str]:
    """What the control by other initialisations makes of P2, "" if it lets the dose be read, and the words for it.

    chance: the correlation of their updates, over all split steps (0 or 1 row). It is an equivalence test, as T2's: the
    whole interval must be within ± `chance`. One that holds 0 and reaches beyond has no power, and nothing is read.
    """
    if chance.empty or chance[["ci_low", "ci_high"]].isna().any(axis=None):
        return INCONCLUSIVE, "too few initialisations to check that updates of different ones are at chance"
    row, bound = chance.iloc[0], f"±{settings.chance:g}"
    about = f"{row['estimate']:.2f} [{row['ci_low']:.2f}, {row['ci_high']:.2f}]"
    if -settings.chance <= row["ci_low"] and row["ci_high"] <= settings.chance:
        return "", f"other initialisations are at chance ({about} is within {bound})"
    if row["ci_low"] <= 0 <= row["ci_high"]:
        return INCONCLUSIVE, f"the control by other initialisations has no power ({about} reaches beyond {bound})"
    return WITHHELD, f"updates of different initialisations are not shown to be at chance ({about})"


def complexity_of_tickets(rows: pd.DataFrame, settings: JudgingSettings, last_step: int) -> Iterator[dict]:
    """P5, in part: λ̂ of tickets over dense's at the end, paired by seed. Its level supports neither view."""
    ratios = rows[rows["test"].eq(LLC) & rows["quantity"].eq(LOG_RATIO) & rows["step"].eq(last_step)]
    against = rows[rows["test"].eq(TICKETS) & rows["contrast"].eq("ticket - dense") & rows["step"].eq(last_step)]
    for _, ratio in ratios[ratios["contrast"] == "ticket / dense"].sort_values("level").iterrows():
        loss = against[against["level"].eq(ratio["level"])].sort_values("rewind_step").iloc[0]
        matched = loss["ci_low"] > -settings.margin and loss["ci_high"] < settings.margin
        reason = "the level of λ̂ speaks for neither (statement 8)"
        if ratio["n"] < loss["n"]:
            reason += f"; {loss['n'] - ratio['n']} of {loss['n']} seeds without a sound positive estimate of both"
        if not matched:
            reason += f"; the {settings.metric} is not matched, so even the levels do not compare"
        quantity = f"λ̂ of the ticket at {ratio['density']:.1%} kept / dense, at the end"
        yield readings.no_side("P5", quantity, readings.exp(ratio), reason, "llc")


def weights_of_the_ticket(rows: pd.DataFrame, verdicts: pd.DataFrame, settings: JudgingSettings) -> Iterator[dict]:
    """P6: the loss of other weights under the same mask, and of other masks over the same weights, minus the ticket's.

    It is that of the ticket that T1's verdict is about, for each of its claims, and reads as a view only if that ticket
    matches dense. Only the first discriminates between the views, and not at a winner, where it is latent by
    construction: there it has no side. "Built" expects a shuffled mask to lose as well, since it places the information
    in the mask.
    """
    for _, claim in verdicts[verdicts["kind"].isin(CLAIMS)].dropna(subset=["density"]).iterrows():
        about = verdicts["density"].eq(claim["density"]) & verdicts["rewind_step"].eq(claim["rewind_step"])
        cell = verdicts.loc[about & verdicts["kind"].eq(TICKET), "decision"]
        matches, wins = cell.isin([WINNING, MATCHING]).all(), len(cell) > 0 and cell.eq(WINNING).all()
        here = rows[rows["density"].eq(claim["density"]) & rows["rewind_step"].eq(claim["rewind_step"])]
        yield from _weights_of(here, settings, matches, wins)


def _weights_of(here: pd.DataFrame, settings: JudgingSettings, matches: bool, wins: bool) -> Iterator[dict]:
    """here: the comparisons at one density and rewind step. matches: whether the ticket is as good as dense. wins:
    whether T1 counts it as winning, for which its re-initialised control must have lost by more than δ."""
    wanted = {
        "reinitialised": "other initial weights, same mask",
        "shuffled": "same weights, mask shuffled within layers",
        "signed_constant": "only the signs of the weights, same mask",
    }
    mine = here[here["test"].eq(TICKETS) & here["quantity"].eq(settings.metric)].set_index("contrast")
    for control, words in wanted.items():
        if f"ticket - {control}" not in mine.index:
            continue
        row = mine.loc[f"ticket - {control}"]
        dose = (-row["estimate"], -row["ci_high"], -row["ci_low"], int(row["n"]))
        quantity = f"{settings.metric} lost at {row['density']:.1%} kept, from step {row['rewind_step']}: {words}"
        verdict, reason = readings.gap(dose, settings.margin)
        latent, built = f"> {settings.margin:g}", f"within ±{settings.margin:g}"
        if wins and control == "reinitialised":
            reason = f"T1 calls this ticket winning because this is above δ = {settings.margin:g}; no further evidence"
            yield readings.no_side("P6", quantity, dose, reason, "tickets")
            continue
        if control == "signed_constant":
            reason = {
                LATENT: "the sizes of the weights matter as well",
                BUILT: "the signs carry what the weights do",
            }.get(verdict, reason)
            # Both views allow the signs to suffice, and not to: the latent structure may be in the signs.
            latent, built, verdict = readings.ANY, readings.ANY, INCONCLUSIVE
        elif control == "shuffled":
            expected = {LATENT: ", as either view expects", BUILT: ", which neither view expects"}
            reason += expected.get(verdict, "; either view expects a loss above it")
            built, verdict = latent, INCONCLUSIVE
        if not matches:
            verdict, reason = INCONCLUSIVE, "the ticket itself is not shown to match dense: " + reason
        yield readings.row("P6", quantity, dose, latent, built, verdict, reason, "tickets")
