"""Rows of `predictions` for P8, from the table `forecast`."""

from collections.abc import Iterator

import pandas as pd

from workflow_scripts.ticketlab.core import readings
from workflow_scripts.ticketlab.core.readings import BUILT, INCONCLUSIVE, LATENT
from workflow_scripts.ticketlab.settings.forecast import ForecastSettings


def predictions_of_roles(table: pd.DataFrame, studies: dict[str, ForecastSettings]) -> Iterator[tuple[str, dict]]:
    """P8 as (study, row of `predictions`): whether step 0 predicts roles, and supermasks the components that matter.

    table: `forecast` of these studies. Where the end does not predict itself on the other probe there is no role to
    predict, and where permuted roles are predicted the instrument leaks: then nothing is decided.
    """
    for study, group in table.groupby("study", sort=False):
        settings = studies[study]
        own = group[group["quantity"].eq("AUC") & group["score"].eq("all")].set_index(["contrast", "step"])
        first, last = own.loc["roles", 0], own.loc["roles"].sort_index().iloc[-1]
        permuted = own.loc["permuted", 0]
        dose = readings.of_row(first)
        if not last["ci_low"] > settings.predicted:
            verdict, reason = INCONCLUSIVE, f"the end does not predict itself (AUC {last['estimate']:.2f})"
        elif not settings.chance < permuted["estimate"] < settings.predicted:
            verdict, reason = INCONCLUSIVE, f"permuted roles are predicted as well (AUC {permuted['estimate']:.2f})"
        else:
            verdict, reason = _side(dose, settings.chance, settings.predicted)
        latent, built = f"> {settings.predicted:g}", f"{settings.chance:g} to {settings.predicted:g}"
        words = "AUC of roles at the end from components at step 0"
        yield str(study), readings.row("P8", words, dose, latent, built, verdict, reason, "forecast")
        chosen = group[group["quantity"].eq("supermask") & group["contrast"].eq("all")]
        if len(chosen):
            dose = readings.of_row(chosen.iloc[0])
            verdict, reason = _side(dose, -settings.overlap, settings.overlap)
            words = "rank correlation of a component's share of the supermask with its ablation effect at the end"
            latent, built = f"> {settings.overlap:g}", f"within ±{settings.overlap:g}"
            yield str(study), readings.row("P8", words, dose, latent, built, verdict, reason, "forecast")


def _side(dose: readings.Dose, chance: float, predicted: float) -> tuple[str, str]:
    """Latent if the whole interval lies above `predicted`, built if between the two bounds."""
    _, ci_low, ci_high, _ = dose
    if pd.isna(ci_low) or pd.isna(ci_high):
        return INCONCLUSIVE, "no interval"
    if ci_low > predicted:
        return LATENT, f"the whole interval is above {predicted:g}"
    if chance <= ci_low and ci_high <= predicted:
        return BUILT, f"the whole interval is between {chance:g} and {predicted:g}"
    return INCONCLUSIVE, "the interval spans a bound" if ci_high > chance else "predicted the wrong way round"
