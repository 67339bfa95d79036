"""The settings that matter for reading the results, in words."""

from typing import Any

import pandas as pd

from workflow_scripts.ticketlab.config.study import Config
from workflow_scripts.ticketlab.report.words import spaced
from workflow_scripts.ticketlab.verdicts.comparisons import TICKETS


def settings(config: Config, comparisons: pd.DataFrame) -> list[dict]:
    """The settings that matter for reading the results: a row each, a cell for each study."""
    table: dict[str, list[str]] = {}
    for name in config.names():
        study = config.studies[name]
        mine = comparisons[comparisons["study"].eq(name) & comparisons["contrast"].eq("ticket")]
        densities = mine[mine["test"] == TICKETS].groupby("level")["density"].first()
        cells: dict[str, Any] = {
            "task": study.task,
            "model": study.model,
            "training": study.training,
            "seeds": study.seeds,
            "pruning schedule": study.pruning.schedule,
            "weights kept (%)": [f"{100 * density:.3g}" for density in densities],
            "rewind steps": study.pruning.rewind_steps,
            "rounds with controls": study.pruning.control_levels,
            "controls": study.pruning.controls,
            "controls of rewound tickets": study.pruning.rewound_controls,
            "supermask": study.supermask or "none",
            "data orders split at steps": study.spawning.split_steps,
            "data orders per split": study.spawning.orders,
            "learning coefficient": study.llc,
            "thresholds": study.judging,
            "negative licensed by": study.licensed_by or "none",
        }
        for label, value in cells.items():
            dumped = value.model_dump(mode="json") if hasattr(value, "model_dump") else value
            table.setdefault(label, []).append(_words(dumped))
    return [{"label": label, "cells": cells} for label, cells in table.items()]


def _words(value: Any) -> str:
    """A config value in words: nested sections as `key value`, absent ones left out."""
    if isinstance(value, dict):
        parts = [f"{key} {_nested(item)}" for key, item in value.items() if item not in (None, {}, [])]
        return ", ".join(map(spaced, parts))
    if isinstance(value, list):
        return ", ".join(spaced(str(item)) for item in value)
    return f"{value:g}" if isinstance(value, float) else str(value)


def _nested(value: Any) -> str:
    if isinstance(value, str) and len(value) > 40:  # a checksum
        return f"{value[:12]}…"
    return f"({_words(value)})" if isinstance(value, dict | list) else _words(value)
