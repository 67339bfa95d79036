"""Rows of `predictions` for P3, from the table `resampling`."""

from collections.abc import Iterator

import pandas as pd

from workflow_scripts.ticketlab.core import readings
from workflow_scripts.ticketlab.core.readings import BUILT, INCONCLUSIVE, LATENT, NO_SIDE
from workflow_scripts.ticketlab.experiments.resampling.summary import MASKS, ROLES
from workflow_scripts.ticketlab.settings.judging import JudgingSettings


def predictions_of_parts(table: pd.DataFrame, studies: dict[str, JudgingSettings]) -> Iterator[tuple[str, dict]]:
    """P3 as (study, row of `predictions`): the shares kept with the ticket and with the rest, and their differences.

    table: `resampling` of these studies. "Latent" predicts a share of at least `determined` with the ticket and of at
    most `undetermined` with the rest, so a difference of at least determined − undetermined. "Built" predicts that it
    makes no difference which part is kept. The ticket must keep more than as many random weights, by more than
    `undetermined`; otherwise its size alone explains it. Both views allow the largest weights of θ₀ to do as well,
    since the latent structure may be there. For masks only the differences count: no part keeps a mask in full, since
    weights that are drawn again can start large and stay so.
    """
    for study, group in table.groupby("study", sort=False):
        for quantity in (ROLES, MASKS):
            shares = group[group["quantity"] == f"{quantity}: share"].set_index("contrast")
            for contrast, (words, *judged) in _judged(shares, studies[str(study)]).items():
                words = f"share of the determinacy of {quantity} {words}"
                latent, built, verdict, reason = judged
                if quantity == MASKS and contrast in ("ticket", "rest"):
                    latent, built, verdict = readings.ANY, readings.ANY, NO_SIDE
                    reason = "weights drawn anew can start large and stay so: no part keeps a mask in full"
                reason = shares.loc[contrast, "reason"] or reason
                dose = readings.of_row(shares.loc[contrast])
                yield str(study), readings.row("P3", words, dose, latent, built, verdict, reason, "resampling")


def _judged(shares: pd.DataFrame, settings: JudgingSettings) -> dict[str, tuple[str, str, str, str, str]]:
    """By measured contrast: words, the prediction of each view, verdict and reason."""
    low, high = settings.undetermined, settings.determined
    measured = {contrast: readings.of_row(row) for contrast, row in shares.iterrows()}
    ticket = readings.side(measured["ticket"], low, high)
    found = {"ticket": ("kept with the ticket's initial weights", f"≥ {high:g}", "as with the rest", *ticket)}
    if "rest" in measured:
        verdict, reason = readings.side(measured["rest"], low, high)
        # A large share with the rest counts against the ticket; a small one only if the ticket keeps more.
        verdict = {LATENT: BUILT, BUILT: LATENT}.get(verdict, verdict)
        if verdict == LATENT and ticket[0] == BUILT:
            verdict, reason = BUILT, "neither part keeps it"
        elif verdict == LATENT and ticket[0] == INCONCLUSIVE:
            verdict, reason = INCONCLUSIVE, "little is kept, but whether the ticket keeps more is open"
        found["rest"] = ("kept with all other initial weights", f"≤ {low:g}", "as with the ticket", verdict, reason)
        more = readings.side(measured["ticket - rest"], low, high - low)
        words = "more with the ticket than with the rest"
        found["ticket - rest"] = (words, f"≥ {high - low:g}", f"≤ {low:g}", *more)
    if "random" in measured:
        more = readings.side(measured["ticket - random"], low, low)
        words = "more with the ticket than with as many random weights"
        found["ticket - random"] = (words, f"≥ {low:g}", f"≤ {low:g}", *more)
    if "largest" in measured:
        reason = _against_the_largest(measured["ticket - largest"], low)
        words = "more with the ticket than with as many of the largest initial weights"
        found["ticket - largest"] = (words, readings.ANY, readings.ANY, NO_SIDE, reason)
    return found


def _against_the_largest(more: readings.Dose, low: float) -> str:
    verdict, reason = readings.side(more, low, low)
    dose, ci_low, ci_high, _ = more
    if verdict == LATENT:
        return "a ticket is more than its large initial weights"
    if ci_low > 0:
        return f"keeps more than its largest initial weights do, by {dose:.2f} [{ci_low:.2f}, {ci_high:.2f}]"
    if ci_high < 0:
        return f"keeps less than its largest initial weights do, by {-dose:.2f} [{-ci_high:.2f}, {-ci_low:.2f}]"
    return "what a ticket keeps, its large initial weights keep" if verdict == BUILT else reason
