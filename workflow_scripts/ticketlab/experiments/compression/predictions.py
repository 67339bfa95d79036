"""Rows of `predictions` for P7, from the table `compression`: whether λ̂ tells how far a network can be compressed."""

from collections.abc import Iterator

import numpy as np
import pandas as pd

from workflow_scripts.ticketlab.core import readings, statistics
from workflow_scripts.ticketlab.settings.compression import CompressionSettings

SHOWN = ("", "not_a_minimum")  # flags of estimates that are shown along training, as in verdicts/comparisons.py
# By column of `compression`: words, and whether it is compared in logarithms.
SIZES = {"bits": ("critical bits", False), "density": ("log of critical density", True)}


def predictions(
    table: pd.DataFrame, settings: dict[str, CompressionSettings], alpha: dict[str, float]
) -> Iterator[tuple[str, dict]]:
    """P7 as (study, row of `predictions`): the correlation of λ̂ with each size over dense networks along training.

    The networks are those of all initialisations and checkpoints whose λ̂ can be shown; the interval is over
    initialisations, by jackknife of atanh. λ̂, both sizes and the loss change with training: the correlation with the
    loss stands beside it in the reason. That of bits is the positive control, since it is known of large models. λ̂ is
    an estimate at one scale, of networks that may be off a minimum: no side follows for either view.
    """
    shown = table[table["flag"].isin(SHOWN)]
    for study in table["study"].unique():
        own, mine = settings[str(study)], shown[shown["study"] == study]
        for column, (words, logarithmic) in SIZES.items():
            sizes = np.log(mine[column]) if logarithmic else mine[column]
            known = mine.assign(size=sizes).dropna(subset=["size", "llc"])
            dose, reason = _correlation(known, own.least_checkpoints, alpha[str(study)])
            if column == "bits":
                held = not np.isnan(dose[1]) and dose[1] >= own.control
                missed = "is not shown to hold" if np.isnan(dose[2]) or dose[2] >= own.control else "does not hold"
                reason = f"the positive control {'holds' if held else missed}: {reason}"
            quantity = f"correlation of {words} with λ̂ along training"
            yield str(study), readings.no_side("P7", quantity, dose, reason, "compression")


def _correlation(networks: pd.DataFrame, least: int, alpha: float) -> tuple[readings.Dose, str]:
    """Of `llc` and `size` over networks, with its interval and what it says; none at fewer than `least` steps."""
    seeds, steps = networks["init_seed"].unique(), networks["step"].nunique()
    if steps < least or networks["size"].nunique() < 2 or len(seeds) < 2:
        reason = f"λ̂ can be shown at {steps} steps of {len(seeds)} initialisations, or the size never changes"
        return (np.nan, np.nan, np.nan, 0), reason
    whole = _atanh(networks, "llc")
    without = np.array([_atanh(networks[networks["init_seed"] != seed], "llc") for seed in seeds])
    mean = statistics.mean_interval(len(seeds) * whole - (len(seeds) - 1) * without, alpha)
    low, high = np.tanh([mean.ci_low, mean.ci_high]).tolist()
    side = "they rise together" if low > 0 else "one falls as the other rises" if high < 0 else "no relation is shown"
    with_loss = np.tanh(_atanh(networks, "loss"))
    reason = f"{side}, over {len(networks)} networks at {steps} steps; with the loss it is {with_loss:.2f}"
    return (float(np.tanh(whole)), low, high, len(seeds)), reason


def _atanh(networks: pd.DataFrame, column: str) -> float:
    correlation = np.corrcoef(networks[column], networks["size"])[0, 1]
    return float(np.arctanh(np.clip(correlation, -1 + 1e-9, 1 - 1e-9)))
