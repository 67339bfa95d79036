"""Rows of `predictions` for P4 and P5, from the table `development`."""

from collections.abc import Iterator, Mapping, Sequence
from math import nan

import numpy as np
import pandas as pd

from workflow_scripts.ticketlab.core import readings, statistics
from workflow_scripts.ticketlab.core.readings import BUILT, INCONCLUSIVE, LATENT
from workflow_scripts.ticketlab.experiments.development.summary import (
    DENSE,
    END,
    EQUAL_LOSS,
    LEARNED,
    OVER,
    OWN,
    SCALED,
    SHUFFLED,
    gap,
    one_row,
)
from workflow_scripts.ticketlab.settings.judging import JudgingSettings

# The courses that a structure may take.
SKIPPED, THROUGH, KEPT, UNCLEAR = "skipped", "gone through", "acquired and kept", "unclear"

MATCHES, FAILS = "matches", "does not match"

OF_STAGES = {"dense": DENSE, "ticket": END, "shuffled": END + SHUFFLED}


def predictions(
    development: pd.DataFrame, studies: dict[str, JudgingSettings], winning: Mapping[str, Sequence[float]]
) -> Iterator[tuple[str, dict]]:
    """(study, readings.row) of predictions P4 and P5.

    development: the table of all studies, studies: their settings. winning: by study, the densities of the tickets from
    θ₀ that T1 counts as winning.
    """
    for study, rows in development.groupby("study", sort=False):
        settings = studies[study]
        for row in (*transients(rows, settings, winning[study]), *stages_of_tickets(rows, settings)):
            yield study, row


def transients(rows: pd.DataFrame, settings: JudgingSettings, winning: Sequence[float]) -> Iterator[dict]:
    """P4, for each structure whose peak gave a mask: the mask of the end first, then that of the peak.

    The latent view predicts only the effect of the end's mask. A mask of the peak keeps the weights that are large
    there, so both views allow it to go through the transient.
    """
    networks = rows["network"].unique()
    for name in sorted(rows["structure"].unique()):
        if f"peak_{name}" not in networks:
            continue
        dense = fate(rows, DENSE, name, settings)
        for network, words in ((END, "mask of the end"), (f"peak_{name}", "mask of its peak")):
            acquired = one_row(rows, network, "acquired", OWN, name)
            if acquired is None:
                continue
            quantity = f"{name} acquired (A) by the ticket at {acquired['density']:.1%} kept, {words}"
            dose = readings.of_row(acquired)
            numbers = describe(rows, network, name, settings)
            numbers += f"; shuffled: {describe(rows, network + SHUFFLED, name, settings)}"
            if network != END:
                reason = f"neither view is tied to this mask: {numbers}"
                yield readings.no_side("P4", quantity, dose, reason, "development")
                continue
            wins = bool(np.isclose(winning, acquired["density"]).any())
            verdict, why = _judged(rows, name, dense, wins, settings)
            latent = f"A < {settings.acquired:g}"
            built = f"A > {settings.acquired:g} and F > {settings.forgotten:g}"
            yield readings.row("P4", quantity, dose, latent, built, verdict, f"{why}: {numbers}", "development")


def _judged(rows: pd.DataFrame, name: str, dense: str, wins: bool, settings: JudgingSettings) -> tuple[str, str]:
    """The verdict on the ticket with the end's mask, by the table of predictions, with its reason."""
    mine, control = (fate(rows, network, name, settings) for network in (END, END + SHUFFLED))
    if dense != THROUGH:
        return INCONCLUSIVE, f"the dense network has no transient here ({dense})"
    if not wins:
        return INCONCLUSIVE, "T1 does not count this ticket as winning"
    if mine == THROUGH:
        return BUILT, "a winning ticket goes through the transient"
    if mine != SKIPPED:
        return INCONCLUSIVE, f"the transient's fate is what neither view predicts ({mine})"
    learned = one_row(rows, END + SHUFFLED, LEARNED, OWN)
    if learned is None or not learned["ci_low"] > settings.acquired:
        return INCONCLUSIVE, "it skips the transient, but its shuffled mask does not learn: sparsity may be enough"
    if control == SKIPPED:
        return INCONCLUSIVE, "it skips the transient, but so does its shuffled mask: sparsity is enough"
    if control == THROUGH:
        return LATENT, "a winning ticket skips the transient, and its shuffled mask goes through it"
    return INCONCLUSIVE, f"it skips the transient, but what its shuffled mask does is unclear ({control})"


def fate(rows: pd.DataFrame, network: str, name: str, settings: JudgingSettings) -> str:
    """The course of a structure in a network: the whole intervals of A and F compared with the study's thresholds.

    A must be below (or above) its threshold both as a share of the network's own first distance and of the dense
    network's.
    """
    acquired, scaled, forgotten = (
        one_row(rows, network, quantity, contrast, name)
        for quantity, contrast in (("acquired", OWN), ("acquired", SCALED), ("forgotten", OWN))
    )
    both = pd.DataFrame([row for row in (acquired, scaled) if row is not None])
    if both.empty or both["ci_low"].isna().any():
        return UNCLEAR
    if (both["ci_high"] < settings.acquired).all():
        return SKIPPED
    if not (both["ci_low"] > settings.acquired).all() or forgotten is None or pd.isna(forgotten["ci_low"]):
        return UNCLEAR
    if forgotten["ci_low"] > settings.forgotten:
        return THROUGH
    return KEPT if forgotten["ci_high"] < settings.forgotten else UNCLEAR


def match(rows: pd.DataFrame, network: str, settings: JudgingSettings) -> str:
    """Whether a network is as good as dense at the end, as T1 judges it: not worse by the margin δ."""
    lost = gap(rows, network, settings)
    if lost is not None and lost["ci_high"] < settings.margin:
        return MATCHES
    return FAILS if lost is not None and lost["ci_low"] > settings.margin else UNCLEAR


def describe(rows: pd.DataFrame, network: str, name: str, settings: JudgingSettings) -> str:
    """A network's course in words and numbers."""
    parts = [fate(rows, network, name, settings)]
    for letter, quantity in (("A", "acquired"), ("F", "forgotten")):
        row = one_row(rows, network, quantity, OWN, name)
        if row is not None:
            parts.append(f"{letter} {statistics.in_words(row['estimate'], row['ci_low'], row['ci_high'])}")
    scaled = one_row(rows, network, "acquired", SCALED, name)
    if scaled is not None:
        parts[1] += f" ({scaled['estimate']:.2f} on dense's scale)"
    lost = gap(rows, network, settings)
    if lost is not None:
        parts.append(f"{settings.metric} {lost['estimate']:+.3f} to dense, {match(rows, network, settings)}")
    return ", ".join(parts)


def stages_of_tickets(rows: pd.DataFrame, settings: JudgingSettings) -> Iterator[dict]:
    """P5: the stages of λ̂ along training, and its level at equal training loss. Neither supports a view."""
    estimated = rows[rows["network"].eq(END) & rows["quantity"].eq("llc")]
    if estimated.empty:
        return
    found = {name: stages(rows, network, settings) for name, network in OF_STAGES.items()}
    words = "; ".join(f"{name}: {', '.join(run) or 'none'}" for name, run in found.items())
    yield readings.no_side(
        "P5",
        f"stages of λ̂ along training, ticket at {estimated['density'].iloc[0]:.1%} kept",
        (float(len(found["ticket"])), nan, nan, int(estimated["n"].max())),
        f"a network that does not learn can have the same stages ({words})",
        "development",
    )
    for network, what in ((END, "ticket"), (END + SHUFFLED, "shuffled control")):
        ratio = one_row(rows, network, EQUAL_LOSS, OVER)
        if ratio is not None:
            yield readings.no_side(
                "P5",
                f"λ̂ of the {what} at {ratio['density']:.1%} kept / dense, at equal training loss",
                readings.of_row(ratio),
                "the level of λ̂ speaks for neither (statement 8)",
                "development",
            )


def stages(rows: pd.DataFrame, network: str, settings: JudgingSettings) -> list[str]:
    """The rises and falls of a network's mean λ̂ along training, in order, each once.

    A change between adjacent steps counts if it is significant after Holm's adjustment; consecutive changes in one
    direction are one stage.
    """
    mine = rows[rows["network"].eq(network) & rows["quantity"].eq("llc_change")].sort_values("step")
    significant = mine.loc[mine["p"] < settings.alpha, "estimate"]
    directions = ["rise" if change > 0 else "fall" for change in significant]
    return [now for before, now in zip([None, *directions], directions, strict=False) if now != before]
