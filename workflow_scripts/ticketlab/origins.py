"""What of the end was in θ₀ already: from agreements to the shares that parts of θ₀ keep, and to predictions P3 and P8.

The share that a part keeps is (agreement with the part kept − with nothing kept)/(with everything kept − with nothing
kept): 0 for another initialisation, 1 for the same.
"""

from collections.abc import Iterator
from dataclasses import asdict
from math import nan

import numpy as np
import pandas as pd

from workflow_scripts.ticketlab import doses, statistics
from workflow_scripts.ticketlab.doses import BUILT, LATENT
from workflow_scripts.ticketlab.settings.foretelling import ForetellingSettings
from workflow_scripts.ticketlab.settings.judging import JudgingSettings
from workflow_scripts.ticketlab.statistics import Estimate
from workflow_scripts.ticketlab.verdicts import INCONCLUSIVE

EVERYTHING, NOTHING = "everything", "nothing"
# What is kept or lost, by the `matching` of the agreement table.
ROLES, MASKS = "roles", "masks"
QUANTITIES = {"identity": ROLES, "mask": MASKS}


def kept(agreement: pd.DataFrame, metrics: pd.DataFrame, alpha: float) -> Iterator[dict]:
    """Rows of the `resample` table, without the study, of one study's `agreement` and `metrics` (rule resample_rest).

    For roles and masks: the agreement of each part (mean over initialisations), its share, and by how much the
    ticket's share exceeds each other part's. Where everything kept does not agree more than nothing kept does, there is
    no share, and `reason` says so. For metrics: their values at the end, by part.
    """
    rows = agreement[agreement["score"] == "all"]
    for matching, quantity in QUANTITIES.items():
        mine = rows[rows["matching"] == matching]
        by_init = mine.groupby(["init_seed", "pair"])["agreement"].mean().unstack()
        for pair, column in by_init.items():
            yield _row(f"{quantity}: agreement", pair, statistics.mean_interval(column, alpha))
        # One initialisation has no other to share nothing with.
        gained = by_init.sub(by_init.get(NOTHING, pd.Series(nan, by_init.index)), axis=0)
        ceiling = gained[EVERYTHING].to_numpy()
        fault = _nothing_to_keep(ceiling, alpha)
        parts = [pair for pair in by_init.columns if pair not in (EVERYTHING, NOTHING)]
        for pair in parts:
            yield _row(f"{quantity}: share", pair, _ratio(gained[pair].to_numpy(), ceiling, alpha, fault), fault)
        for pair in parts:
            if pair != "ticket":
                more = (gained["ticket"] - gained[pair]).to_numpy()
                yield _row(f"{quantity}: share", f"ticket - {pair}", _ratio(more, ceiling, alpha, fault), fault)
    for (variant, split, metric), group in metrics.groupby(["variant", "split", "metric"]):
        yield _row(f"{split} {metric}", variant, statistics.mean_interval(group["value"], alpha))


def _nothing_to_keep(ceiling: np.ndarray, alpha: float) -> str:
    found = statistics.mean_interval(ceiling, alpha)
    if len(ceiling) < 2:
        return "one initialisation has no interval"
    if found.ci_low > 0:
        return ""
    return (
        "data orders decide so much that one initialisation agrees with itself no more than with others "
        f"(by {found.estimate:.2f} [{found.ci_low:.2f}, {found.ci_high:.2f}]): there is nothing to keep"
    )


def _ratio(gains: np.ndarray, ceiling: np.ndarray, alpha: float, fault: str) -> Estimate:
    """Mean gain over mean ceiling, one of each per initialisation; the jackknife's interval (Tukey 1958), p of 0."""
    n = len(gains)
    if fault:
        return Estimate(nan, nan, nan, nan, n)
    without = (gains.sum() - gains) / (ceiling.sum() - ceiling)
    half = statistics.jackknife_margin(without, alpha)
    share = float(gains.mean() / ceiling.mean())
    p = statistics.mean_interval(gains, alpha).p
    return Estimate(share, share - half, share + half, p, n)


def _row(quantity: str, contrast: str, result: Estimate, reason: str = "") -> dict:
    return {"quantity": quantity, "contrast": contrast, **asdict(result), "reason": reason}


def predictions_of_parts(table: pd.DataFrame, studies: dict[str, JudgingSettings]) -> Iterator[tuple[str, dict]]:
    """P3 as (study, row of `predictions`): what is kept with the ticket, with the rest, and is the ticket special?

    table: `resample` of these studies. "Latent" predicts at least `determined` with the ticket and at most
    `undetermined` with the rest, hence a difference of at least determined − undetermined; "built" that it makes no
    difference which part is kept, both ends being drawn anew. The ticket must keep more than as many random weights, by
    more than `undetermined`, or it is its size that keeps. That the largest weights of θ₀ do as well is allowed by
    either view: what is latent may be there. Of masks only the differences are read: no part keeps one in full, since
    weights that are drawn anew can start large and stay so.
    """
    for study, group in table.groupby("study", sort=False):
        for quantity in (ROLES, MASKS):
            shares = group[group["quantity"] == f"{quantity}: share"].set_index("contrast")
            for contrast, (words, *judged) in _judged(shares, studies[str(study)]).items():
                words = f"share of the determinacy of {quantity} {words}"
                latent, built, verdict, reason = judged
                if quantity == MASKS and contrast in ("ticket", "rest"):
                    latent, built, verdict = doses.ANY, doses.ANY, INCONCLUSIVE
                    reason = "weights drawn anew can start large and stay so: no part keeps a mask in full"
                reason = shares.loc[contrast, "reason"] or reason
                dose = doses.of_row(shares.loc[contrast])
                yield str(study), doses.row("P3", words, dose, latent, built, verdict, reason, "resample")


def _judged(shares: pd.DataFrame, settings: JudgingSettings) -> dict[str, tuple[str, str, str, str, str]]:
    """By contrast of those measured: words, either view's prediction, verdict and reason."""
    low, high = settings.undetermined, settings.determined
    measured = {contrast: doses.of_row(row) for contrast, row in shares.iterrows()}
    ticket = doses.side(measured["ticket"], low, high)
    found = {"ticket": ("kept with the ticket's initial weights", f"≥ {high:g}", "as with the rest", *ticket)}
    if "rest" in measured:
        verdict, reason = doses.side(measured["rest"], low, high)
        # Much kept with the rest is what speaks against the ticket; little, only if the ticket keeps more.
        verdict = {LATENT: BUILT, BUILT: LATENT}.get(verdict, verdict)
        if verdict == LATENT and ticket[0] == BUILT:
            verdict, reason = BUILT, "neither part keeps it"
        found["rest"] = ("kept with all other initial weights", f"≤ {low:g}", "as with the ticket", verdict, reason)
        more = doses.side(measured["ticket - rest"], low, high - low)
        words = "more with the ticket than with the rest"
        found["ticket - rest"] = (words, f"≥ {high - low:g}", f"≤ {low:g}", *more)
    if "random" in measured:
        more = doses.side(measured["ticket - random"], low, low)
        words = "more with the ticket than with as many random weights"
        found["ticket - random"] = (words, f"≥ {low:g}", f"≤ {low:g}", *more)
    if "largest" in measured:
        reason = _against_the_largest(measured["ticket - largest"], low)
        words = "more with the ticket than with as many of the largest initial weights"
        found["ticket - largest"] = (words, doses.ANY, doses.ANY, INCONCLUSIVE, reason)
    return found


def _against_the_largest(more: doses.Dose, low: float) -> str:
    verdict, reason = doses.side(more, low, low)
    dose, ci_low, ci_high, _ = more
    if verdict == LATENT:
        return "a ticket is more than its large initial weights"
    if ci_low > 0:
        return f"keeps more than its largest initial weights do, by {dose:.2f} [{ci_low:.2f}, {ci_high:.2f}]"
    if ci_high < 0:
        return f"keeps less than its largest initial weights do, by {-dose:.2f} [{-ci_high:.2f}, {-ci_low:.2f}]"
    return "what a ticket keeps, its large initial weights keep" if verdict == BUILT else reason


def predictions_of_roles(table: pd.DataFrame, studies: dict[str, ForetellingSettings]) -> Iterator[tuple[str, dict]]:
    """P8 as (study, row of `predictions`): are roles foretold at step 0, and do supermasks choose who will matter?

    table: `foretold` of these studies. Where the end does not foretell itself through the other probe there is no role
    to be foretold, and where roles that were permuted are foretold the instrument leaks: then nothing is decided.
    """
    for study, group in table.groupby("study", sort=False):
        settings = studies[study]
        own = group[group["quantity"].eq("AUC") & group["score"].eq("all")].set_index(["contrast", "step"])
        first, last = own.loc["roles", 0], own.loc["roles"].sort_index().iloc[-1]
        permuted = own.loc["permuted", 0]
        dose = doses.of_row(first)
        if not last["ci_low"] > settings.foretold:
            verdict, reason = INCONCLUSIVE, f"the end does not foretell itself (AUC {last['estimate']:.2f})"
        elif not settings.chance < permuted["estimate"] < settings.foretold:
            verdict, reason = INCONCLUSIVE, f"permuted roles are foretold as well (AUC {permuted['estimate']:.2f})"
        else:
            verdict, reason = _foretold(dose, settings.chance, settings.foretold)
        latent, built = f"> {settings.foretold:g}", f"{settings.chance:g} to {settings.foretold:g}"
        words = "AUC of roles at the end from components at step 0"
        yield str(study), doses.row("P8", words, dose, latent, built, verdict, reason, "foretold")
        chosen = group[group["quantity"].eq("supermask") & group["contrast"].eq("all")]
        if len(chosen):
            dose = doses.of_row(chosen.iloc[0])
            verdict, reason = _foretold(dose, -settings.overlap, settings.overlap)
            words = "rank correlation of a component's share of the supermask with its ablation effect at the end"
            latent, built = f"> {settings.overlap:g}", f"within ±{settings.overlap:g}"
            yield str(study), doses.row("P8", words, dose, latent, built, verdict, reason, "foretold")


def _foretold(dose: doses.Dose, chance: float, foretold: float) -> tuple[str, str]:
    """Latent above `foretold`, built between the two bounds: with the whole interval."""
    _, ci_low, ci_high, _ = dose
    if pd.isna(ci_low) or pd.isna(ci_high):
        return INCONCLUSIVE, "no interval"
    if ci_low > foretold:
        return LATENT, f"the whole interval is above {foretold:g}"
    if chance <= ci_low and ci_high <= foretold:
        return BUILT, f"the whole interval is between {chance:g} and {foretold:g}"
    return INCONCLUSIVE, "the interval spans a bound" if ci_high > chance else "foretold the wrong way round"
