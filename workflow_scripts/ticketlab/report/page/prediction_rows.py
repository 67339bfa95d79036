"""The predictions as dots on a line from built to latent; what no study measured is named and folded away."""

from collections.abc import Iterator, Mapping
from typing import Any

import pandas as pd

from workflow_scripts.ticketlab.core.readings import ANY, BUILT, LATENT, MIXED, NOT_MEASURED
from workflow_scripts.ticketlab.report.page.svg import on_a_line
from workflow_scripts.ticketlab.report.words import interval
from workflow_scripts.ticketlab.settings.judging import JudgingSettings
from workflow_scripts.ticketlab.verdicts.predictions import TITLES

AT_AN_END = {BUILT: 0.0, MIXED: 0.5, LATENT: 1.0}


def predicted(predictions: pd.DataFrame, settings: Mapping[str, JudgingSettings]) -> Iterator[dict[str, Any]]:
    """Each prediction with its measurements in all studies, and the studies that did not measure it."""
    for key, title in TITLES.items():
        rows = predictions[predictions["prediction"] == key]
        absent = rows["verdict"].eq(NOT_MEASURED)
        shown = [_row(row, settings.get(row["study"])) for row in rows[~absent].to_dict("records")]
        yield {"name": key, "title": title, "rows": shown, "absent": rows.loc[absent, "study"].tolist()}


def _row(row: dict[str, Any], settings: JudgingSettings | None) -> dict[str, Any]:
    dose, sure = interval(row, "dose"), row["verdict"] in AT_AN_END
    words = f"{dose}; latent: {row['sign_if_latent']}, built: {row['sign_if_built']}; reads as {row['verdict']}"
    return {**row, "dose": dose, "line": on_a_line(place(row, settings), words, sure=sure)}


def place(row: Mapping[str, Any], settings: JudgingSettings | None) -> tuple[float, float, float] | None:
    """The dose and its interval on a line on which 0 is the bound of "built" and 1 that of "latent".

    Where the two views do not name the two bounds of `judging`, only the reading has a place: at an end, or midway.
    None where the views do not differ.
    """
    if row["sign_if_latent"] == row["sign_if_built"] or pd.isna(row["dose"]):
        return None
    bounds = _bounds(row["sign_if_latent"], row["sign_if_built"], settings)
    if bounds is None:
        at = AT_AN_END.get(row["verdict"], 0.5)
        return at, at, at
    built, latent = bounds
    ends = [row[key] if not pd.isna(row[key]) else row["dose"] for key in ("ci_low", "ci_high")]
    dose, *others = ((value - built) / (latent - built) for value in (row["dose"], *ends))
    return dose, min(others), max(others)


def _bounds(latent: str, built: str, settings: JudgingSettings | None) -> tuple[float, float] | None:
    """The bounds (built, latent) of a row whose views name the thresholds of its study."""
    if settings is None:
        return None
    low, high, margin = settings.undetermined, settings.determined, settings.margin
    known: dict[tuple[str, str], tuple[float, float]] = {
        (f"≥ {high:g}", f"≤ {low:g}"): (low, high),
        (f"≤ {low:g}", f"≥ {high:g}"): (high, low),
        (f"≥ {high:g}", ANY): (low, high),
        (f"> {margin:g}", f"within ±{margin:g}"): (0.0, margin),
    }
    return known.get((latent, built))
