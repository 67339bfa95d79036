"""Rows of `predictions` for P4 and P5, from the table `development`."""

from collections.abc import Iterator, Sequence
from math import nan

import pandas as pd

from workflow_scripts.ticketlab.core import readings
from workflow_scripts.ticketlab.core.readings import BUILT, INCONCLUSIVE, LATENT
from workflow_scripts.ticketlab.experiments.development.summary import (
    DENSE,
    END,
    EQUAL_LOSS,
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


def predictions(development: pd.DataFrame, studies: dict[str, JudgingSettings]) -> Iterator[tuple[str, dict]]:
    """(study, readings.row) of predictions P4 and P5; `development`: the table of all studies, `studies`: their
    settings."""
    for study, rows in development.groupby("study", sort=False):
        settings = studies[study]
        for row in (*transients(rows, settings), *stages_of_tickets(rows, settings)):
            yield study, row


def transients(rows: pd.DataFrame, settings: JudgingSettings) -> Iterator[dict]:
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
            reason = describe(rows, network, name, settings)
            if network == END:
                latent = f"A < {settings.acquired:g}, matching"
                verdict, why = _judged(rows, name, dense, settings)
            else:
                latent = "any"
                verdict, why = INCONCLUSIVE, "neither view is tied to this mask"
            yield readings.row(
                "P4",
                f"{name} acquired (A) by the ticket at {acquired['density']:.1%} kept, {words}",
                readings.of_row(acquired),
                latent,
                f"A > {settings.acquired:g} and F > {settings.forgotten:g}; or not matching",
                verdict,
                f"{why}: {reason}; shuffled: {describe(rows, network + SHUFFLED, name, settings)}",
                "development",
            )


def _judged(rows: pd.DataFrame, name: str, dense: str, settings: JudgingSettings) -> tuple[str, str]:
    """The verdict on the ticket with the end's mask, by the table of predictions, with its reason."""
    mine, end = fate(rows, END, name, settings), match(rows, END, settings)
    control = (fate(rows, END + SHUFFLED, name, settings), match(rows, END + SHUFFLED, settings))
    if dense != THROUGH:
        return INCONCLUSIVE, f"the dense network has no transient here ({dense})"
    if end == FAILS:
        return BUILT, "it does not match, as 'built' allows, though that refutes nothing"
    if end != MATCHES:
        return INCONCLUSIVE, "it is shown neither to match nor to fail"
    if mine == THROUGH:
        return BUILT, "a matching ticket goes through the transient"
    if mine == SKIPPED and control == (SKIPPED, MATCHES):
        return INCONCLUSIVE, "it skips the transient, but so does its shuffled mask: sparsity is enough"
    if mine == SKIPPED:
        return LATENT, "a matching ticket skips the transient"
    return INCONCLUSIVE, f"the transient's fate is what neither view predicts ({mine})"


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
            parts.append(f"{letter} {row['estimate']:.2f} [{row['ci_low']:.2f}, {row['ci_high']:.2f}]")
    scaled = one_row(rows, network, "acquired", SCALED, name)
    if scaled is not None:
        parts[1] += f" ({scaled['estimate']:.2f} on dense's scale)"
    lost = gap(rows, network, settings)
    if lost is not None:
        parts.append(f"{settings.metric} {lost['estimate']:+.3f} to dense, {match(rows, network, settings)}")
    return ", ".join(parts)


def stages_of_tickets(rows: pd.DataFrame, settings: JudgingSettings) -> Iterator[dict]:
    """P5: the stages of λ̂ along training, and its level at equal training loss, which supports neither view."""
    estimated = rows[rows["network"].eq(END) & rows["quantity"].eq("llc")]
    if estimated.empty:
        return
    dense, ticket, control = (stages(rows, network, settings) for network in (DENSE, END, END + SHUFFLED))
    verdict, why = _compared(dense, ticket, control, match(rows, END, settings) == MATCHES)
    words = "; ".join(
        f"{name}: {', '.join(found) or 'none'}"
        for name, found in (("dense", dense), ("ticket", ticket), ("shuffled", control))
    )
    yield readings.row(
        "P5",
        f"stages of λ̂ along training, ticket at {estimated['density'].iloc[0]:.1%} kept",
        (float(len(ticket)), nan, nan, int(estimated["n"].max())),
        f"fewer than dense's {len(dense)}, in no control",
        f"dense's {len(dense)}",
        verdict,
        f"{why} ({words})",
        "development",
    )
    for network, what in ((END, "ticket"), (END + SHUFFLED, "shuffled control")):
        ratio = one_row(rows, network, EQUAL_LOSS, OVER)
        if ratio is not None:
            yield readings.row(
                "P5",
                f"λ̂ of the {what} at {ratio['density']:.1%} kept / dense, at equal training loss",
                readings.of_row(ratio),
                "any level",
                "any level",
                INCONCLUSIVE,
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


def _compared(dense: Sequence[str], ticket: Sequence[str], control: Sequence[str], matches: bool) -> tuple[str, str]:
    if len(dense) < 2:
        return INCONCLUSIVE, "the dense network has fewer than two stages to tell apart"
    if ticket == dense:
        return BUILT, "the same stages in the same order"
    if not _within(ticket, dense):
        return INCONCLUSIVE, "the ticket has other stages"
    if _within(control, dense) and control != dense:
        return INCONCLUSIVE, "a stage is missing, but in the shuffled control too"
    if not matches:
        return INCONCLUSIVE, "a stage is missing, but the ticket is not shown to match"
    if control != dense:
        return INCONCLUSIVE, "a stage is missing, and the shuffled control has others"
    return LATENT, "a stage is missing in the ticket and in no control"


def _within(part: Sequence[str], whole: Sequence[str]) -> bool:
    """Whether `part` is `whole` with some stages left out."""
    left = iter(whole)
    return all(stage in left for stage in part)
