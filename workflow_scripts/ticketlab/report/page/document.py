"""The report as one HTML page: `page` arranges the tables of a run, `render` puts them into the template.

Nothing here decides or computes a result. The page is one file, loads no other, and reads without script.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

import jinja2
import pandas as pd
from markupsafe import Markup

from workflow_scripts.ticketlab.config.study import Config
from workflow_scripts.ticketlab.core.readings import NOT_MEASURED
from workflow_scripts.ticketlab.report import answer
from workflow_scripts.ticketlab.report.page import svg
from workflow_scripts.ticketlab.report.page.clock import half_way_steps
from workflow_scripts.ticketlab.report.page.heads import role_map
from workflow_scripts.ticketlab.report.page.instruments import calibrations, instrument_states
from workflow_scripts.ticketlab.report.page.pictures import small
from workflow_scripts.ticketlab.report.page.prediction_rows import predicted
from workflow_scripts.ticketlab.report.page.provenance import config_digest
from workflow_scripts.ticketlab.report.page.settings import settings
from workflow_scripts.ticketlab.report.page.strip import Panel, looks, panels
from workflow_scripts.ticketlab.report.page.verdict_rows import anchor, verdict_rows
from workflow_scripts.ticketlab.report.words import duration, interval, number
from workflow_scripts.ticketlab.settings.judging import JudgingSettings
from workflow_scripts.ticketlab.verdicts.kinds import (
    REWOUND_TICKET,
    ROLES_CHANGE,
    STRONG_FORM,
    TRANSIENCE,
    WINNING_TICKET,
)

# Where the evidence of each answer is drawn: a panel of the study's strip, or a figure of all studies.
DRAWN_IN = {
    WINNING_TICKET: "{study}-tickets",
    REWOUND_TICKET: "{study}-tickets",
    STRONG_FORM: "figure-strong_form",
    ROLES_CHANGE: "{study}-roles",
    TRANSIENCE: "{study}-transience",
}
SHARES = (ROLES_CHANGE, TRANSIENCE)  # estimates from 0 to 1; the others are differences to dense
UNITS = {
    WINNING_TICKET: "ticket − dense",
    REWOUND_TICKET: "ticket − dense",
    STRONG_FORM: "masked − dense",
    ROLES_CHANGE: "share that changes",
    TRANSIENCE: "share retained",
}


@dataclass(frozen=True)
class Sources:
    """The files that make up the page: template, style sheet and script, each as text."""

    template: str
    style: str
    script: str


def page(
    config: Config,
    specs: Mapping[str, dict],
    *,
    comparisons: pd.DataFrame,
    verdicts: pd.DataFrame,
    calibration: pd.DataFrame,
    predictions: pd.DataFrame,
    clock_rows: pd.DataFrame,
    roles: pd.DataFrame,
    families: Sequence[str],
    figures: Mapping[str, bytes],
    captions: Mapping[str, str],
    calibration_figures: Mapping[str, bytes],
    times: pd.DataFrame,
    origin: dict,
    commit: str,
) -> dict[str, Any]:
    """The content of the template.

    specs: of the studies, as rule_params.figures gives them. roles, families: as for `role_map`. figures, captions:
    PNG files and what they show, by name; times: from `run_times`; origin: the provenance in the verdict table's
    metadata.
    """
    studies = config.names()
    judging = {study: JudgingSettings(**specs[study]["judging"]) for study in studies}
    metrics = {study: str(judging[study].metric) for study in studies}
    return {
        "studies": studies,
        "sentence": answer.sentence(verdicts),
        "tests": list(answer.TESTS.values()),
        "units": list(UNITS.values()),
        "matrix": [
            {"study": study, "cells": [_cell(verdicts, study, kind, figures) for kind in answer.TESTS]}
            for study in studies
        ],
        "lamps": answer.lamps(comparisons, verdicts, calibration, metrics),
        "strips": [
            _strip(config, specs[study], study, comparisons, verdicts, clock_rows, roles, families) for study in studies
        ],
        "verdicts": list(verdict_rows(verdicts)),
        "predictions": list(predicted(predictions, judging)),
        "unmeasured": int(predictions["verdict"].eq(NOT_MEASURED).sum()),
        "clock": [{"name": study, "rows": list(half_way_steps(clock_rows, study))} for study in studies],
        "figures": [{"name": name, "png": small(png), **_caption(captions[name])} for name, png in figures.items()],
        "instruments": [{"name": study, "states": list(instrument_states(comparisons, study))} for study in studies],
        "calibrations": calibrations(calibration, calibration_figures),
        "settings": settings(config, comparisons),
        "times": times.to_dict("records"),
        "origin": {
            "git commit of the code": commit,
            "digest of the config": config_digest(config),
            "digest of the lock file": origin["lock"],
            "digest of the code behind the verdicts": origin["code"],
            "packages": ", ".join(f"{name} {version}" for name, version in sorted(origin["packages"].items())),
        },
    }


def _caption(text: str) -> dict[str, str]:
    """A caption, whose first paragraph is for readers who do not see the figure, too."""
    seen, _, caption = text.partition("\n\n")
    return {"alt": " ".join(seen.split()), "caption": caption}


def _cell(verdicts: pd.DataFrame, study: str, kind: str, figures: Mapping[str, bytes]) -> dict[str, Any] | None:
    """One answer: its decision, number, small interval, and where its figure and its reason are."""
    row = answer.answer(verdicts, study, kind)
    if row is None:
        return None
    shown, place = row["shown"], DRAWN_IN[kind].format(study=study)
    drawn = not place.startswith("figure-") or place.removeprefix("figure-") in figures
    return {
        "decision": row["decision"],
        "reason": row["reason"],
        "number": "" if pd.isna(shown["estimate"]) else interval(shown),
        "of": shown["structure"] if kind == TRANSIENCE and not pd.isna(shown["structure"]) else "",
        "drawing": svg.against_margin(shown, share=kind in SHARES),
        "figure": place if drawn else "",
        "verdict": anchor(row["index"]),
    }


def _strip(
    config: Config,
    spec: dict,
    study: str,
    comparisons: pd.DataFrame,
    verdicts: pd.DataFrame,
    clock_rows: pd.DataFrame,
    roles: pd.DataFrame,
    families: Sequence[str],
) -> dict[str, Any]:
    """A study: its panels with legend and data, the steps of the slider, the map of its components."""
    mine = [table[table["study"] == study] for table in (comparisons, verdicts, clock_rows)]
    drawn, last = panels(mine[0], mine[1], mine[2], spec), int(spec["last_step"])
    judging = config.studies[study].judging
    found = role_map(roles[roles["study"] == study], families)
    recorded = {step for panel in drawn if not panel.marks for one in panel.series for step in one.rows["step"]}
    steps = sorted({int(step) for step in recorded if step <= last} | set(found["steps"] if found else []) | {0, last})
    return {
        "name": study,
        "seeds": config.studies[study].seeds,
        "confidence": f"{1 - judging.alpha:.0%}",
        "metric": judging.metric,
        "margin": number(judging.margin),
        "last": last,
        "steps": steps,
        "legend": looks(drawn),
        "panels": [
            {
                "key": panel.key,
                "title": panel.title,
                "unit": panel.unit,
                "drawing": svg.panel(panel, last),
                "csv": csv_link(panel),
            }
            for panel in drawn
        ],
        "map": found,
    }


def csv_link(panel: Panel) -> str:
    """The data behind a panel as the address of a link, which needs neither a file nor a script."""
    return f"data:text/csv;charset=utf-8,{quote(text)}" if (text := panel.csv()) else ""


def render(sources: Sources, content: dict[str, Any]) -> str:
    """The page. Every value is escaped; a name that the template uses and `content` lacks is an error."""
    environment = jinja2.Environment(
        autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    environment.filters |= {"duration": duration, "number": number}
    # jinja2's own `tojson` escapes what could end the element that holds it.
    own = {"style": Markup(sources.style), "script": Markup(sources.script)}
    return environment.from_string(sources.template).render(**content, **own)
