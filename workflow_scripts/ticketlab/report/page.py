"""The report as one HTML page: the verdict table in an order and in words that a reader can follow.

Nothing here decides or computes a result: `page` arranges rows of `verdicts` and `comparisons`, the config and the
measured run time, and the template (page.html.j2) puts them on a page. The page loads no other files.
"""

import json
import subprocess
from base64 import b64encode
from collections.abc import Iterator, Mapping, Sequence
from hashlib import sha256
from itertools import groupby
from pathlib import Path
from typing import Any

import jinja2
import pandas as pd
import yaml

from workflow_scripts.ticketlab.config.study import Config
from workflow_scripts.ticketlab.core.instruments import INSTRUMENTS
from workflow_scripts.ticketlab.core.readings import NOT_MEASURED
from workflow_scripts.ticketlab.report.words import (
    LIKE_CLAIMS,
    case_of,
    claim,
    duration,
    interval,
    number,
    p_value,
    spaced,
)
from workflow_scripts.ticketlab.verdicts import clock, kinds
from workflow_scripts.ticketlab.verdicts.comparisons import AGREEMENT, DETERMINACY, EMPTIED, LLC, TICKETS, of_roles
from workflow_scripts.ticketlab.verdicts.judge import RESTS_ON
from workflow_scripts.ticketlab.verdicts.predictions import RESTS_ON as PREDICTIONS_REST_ON
from workflow_scripts.ticketlab.verdicts.predictions import TITLES
from workflow_scripts.ticketlab.verdicts.rows import ANSWERS, STRONG_FORM, T1, T2, T3, VERDICTS

# The side that a claim supports if it is true.
IF_SO = {T1: "for LTH", STRONG_FORM: "for LTH", T2: "for LTH", T3: "against LTH"}  # the order of the tests, too
# Kinds with many claims per study: the test, the kind, the side that each claim supports if it is true.
MANY = (
    (T1, kinds.DENSE_TOTAL, "for neither"),
    (T1, kinds.TICKET_TOTAL, "for neither"),
    (T1, kinds.EARLY_STOP, "for neither"),
    (STRONG_FORM, kinds.SUPERMASK, "for LTH"),
    (T2, kinds.LATER_ROLES, "for neither"),
)
FEW = 6  # claims of one kind that are named one by one
ESTIMATES = {
    T1: "The estimate is the difference ticket − dense in the study's test metric (lower is better), or what the "
    "claim names: a density, or a difference in early-stopping steps (the recorded step of the least validation "
    "loss). A ticket is matching if it is not worse than dense by the margin δ, and winning if it is also better than "
    "its re-initialised and its shuffled control by more than δ. A control that matches dense too is said to. From θ₀ "
    "and after rewinding are two claims.",
    STRONG_FORM: "The estimate is the difference masked, untrained − dense, trained in the study's test metric. The "
    "dense network has the study's own width; `_x2` is a masked network of twice that width. Of the study the mask is "
    "shown that matches at the smallest width, or the best one.",
    T2: "The estimate is determinacy D: 1 if networks from one initialisation agree as exact replicates do, 0 if "
    "as networks from different ones. The margin is the determinacy above which roles count as fixed.",
    T3: "The estimate is F, the share of what was acquired that is lost again by the end (A, the share of the "
    "distance at step 0 that was covered, where nothing was acquired). The margin is the F that counts as "
    "forgotten.",
}
# The words for the quantities of the clock; {} is the object of a quantity.
QUANTITY_WORDS = {
    clock.LLC: "learning coefficient or complexity, {}",
    clock.ACQUIRED: "{}: acquired",
    clock.FORGOTTEN: "{}: forgotten",
    clock.MASK: "mask of step t against {}, beyond |θ₀|",
    clock.TICKET: "{} of the ticket with the mask of step t, − dense",
    clock.ROLES: "roles, data orders split at t: determinacy",
    clock.SPLIT_MASK: "final weights, data orders split at t: correlation of updates",
    clock.BARRIER: "barrier, data orders split at t: {}",
}


def page(
    config: Config,
    *,
    comparisons: pd.DataFrame,
    verdicts: pd.DataFrame,
    calibration: pd.DataFrame,
    predictions: pd.DataFrame,
    clock_rows: pd.DataFrame,
    figures: Mapping[str, bytes],
    captions: Mapping[str, str],
    calibration_figures: Mapping[str, bytes],
    times: pd.DataFrame,
    origin: dict,
    commit: str,
) -> dict:
    """The content of the template.

    figures, captions: PNG files and what they show, by name; times: from `run_times`; origin: the provenance in the
    verdict table's metadata.
    """
    studies = config.names()
    return {
        "studies": studies,
        "answers": answers(verdicts, studies),
        "counts": counts(verdicts),
        "verdicts": [{"name": study, "tests": list(_tests(verdicts[verdicts["study"] == study]))} for study in studies],
        "predictions": list(predicted(predictions)),
        "clock": [{"name": study, "rows": list(half_way_steps(clock_rows, study))} for study in studies],
        "figures": [
            {"name": name, "png": b64encode(png).decode(), **_caption(captions[name])} for name, png in figures.items()
        ],
        "basis": [_basis(config, comparisons, study) for study in studies],
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


def answers(verdicts: pd.DataFrame, studies: Sequence[str]) -> list[dict]:
    """The answer to each test by study: the main claim's decision and reason, then the other claims' at a glance."""
    found = []
    for kind, test in ANSWERS.items():
        rows = verdicts[verdicts["kind"] == kind].set_index("study")
        cells = [[_row(rows.loc[study])] if study in rows.index else [] for study in studies]
        found.append({"test": test, "claim": claim({"kind": kind}), "if_so": IF_SO[test], "cells": cells})
    for test, kind, if_so in MANY:
        rows = verdicts[verdicts["kind"] == kind]
        cells = [list(_at_a_glance(rows[rows["study"] == study])) for study in studies]
        found.append({"test": test, "claim": LIKE_CLAIMS[kind], "if_so": if_so, "cells": cells})
    return sorted(found, key=lambda answer: list(IF_SO).index(answer["test"]))


def _at_a_glance(rows: pd.DataFrame) -> Iterator[dict]:
    """The cases of many claims of one kind that got each decision."""
    for decision, group in rows.groupby("decision", sort=False):
        cases = [case_of(row) for row in group.to_dict("records")]
        where = f"at {'; '.join(cases)}" if len(cases) <= FEW else f"in {len(cases)} cases"
        yield {"decision": decision, "reason": where}


def counts(verdicts: pd.DataFrame) -> dict[str, int]:
    """The number of verdicts on the hypothesis by decision, without those on single tickets."""
    rows = verdicts[~verdicts["kind"].isin(kinds.OF_ONE_TICKET)]
    return {decision: int((rows["decision"] == decision).sum()) for decision in VERDICTS}


def _tests(rows: pd.DataFrame) -> Iterator[dict]:
    """The tests of one study: rows to show at once (the main claim first), and those about one ticket each."""
    for test, of_test in groupby(rows.to_dict("records"), key=lambda row: row["test"]):
        found = list(of_test)
        shown = [row for row in found if row["kind"] not in kinds.OF_ONE_TICKET]
        shown.sort(key=lambda row: row["kind"] not in ANSWERS)
        yield {
            "name": test,
            "explanation": ESTIMATES[test],
            "shown": [_row(row) for row in shown],
            "more": [_row(row) for row in found if row["kind"] in kinds.OF_ONE_TICKET],
        }


def _row(row: Mapping | pd.Series) -> dict:
    return {
        "claim": claim(row),
        "estimate": interval(row),
        "p": p_value(row["p"]),
        "n": row["n"],
        "margin": number(row["margin"]),
        "detectable": number(row["detectable"]),
        "decision": row["decision"],
        "reason": row["reason"],
    }


def predicted(predictions: pd.DataFrame) -> Iterator[dict]:
    """Each prediction with its measurements in all studies, and the studies that did not measure it."""
    for key, title in TITLES.items():
        rows = predictions[predictions["prediction"] == key]
        absent = rows["verdict"].eq(NOT_MEASURED)
        shown = [{**row, "dose": interval(row, "dose")} for row in rows[~absent].to_dict("records")]
        yield {"name": key, "title": title, "rows": shown, "absent": rows.loc[absent, "study"].tolist()}


def half_way_steps(rows: pd.DataFrame, study: str) -> Iterator[dict]:
    """A study's rows of the clock in their order, those without a half-way step last."""
    mine = rows[rows["study"] == study]
    for _, row in mine.sort_values("rank", key=lambda rank: rank.where(rank > 0, len(mine) + 1)).iterrows():
        determined = not pd.isna(row["step"])
        yield {
            "rank": row["rank"] if determined else "–",
            "quantity": QUANTITY_WORDS[row["quantity"]].format(spaced(row["of"])),
            "step": interval(row, "step"),
            "between": f"{row['recorded_before']}–{row['recorded_after']}" if determined else "–",
            "values": f"{number(row['first'])} → {number(row['last'])}",
            "n": row["n"],
            "order": "yes" if row["before_next"] else "",
            "reason": row["reason"],
        }


def instrument_states(comparisons: pd.DataFrame, study: str) -> Iterator[dict]:
    """The instruments' reports on themselves in this study, only as far as measured."""
    mine = comparisons[comparisons["study"] == study]
    for (variant, part), rows in mine[mine["test"] == EMPTIED].groupby(["contrast", "quantity"]):
        where = (f"{row['estimate']:.0%} at {row['density']:.1%} kept" for _, row in rows.iterrows())
        yield {
            "instrument": f"pruning, {spaced(variant)}",
            "state": f"left no weight in {part}",
            "detail": f"of {int(rows['n'].max())} networks: {', '.join(where)}",
        }
    flags = mine[mine["test"].eq(LLC) & mine["quantity"].eq("flagged")]
    for variant, rows in flags.groupby("contrast"):
        flagged, total = (rows["estimate"] * rows["n"]).sum(), rows["n"].sum()
        worst = ", ".join(f"{row['estimate']:.0%} at {_where(row)}" for _, row in rows.iterrows())
        yield {
            "instrument": f"learning coefficient, {variant}",
            "state": f"{flagged:.0f} of {total} estimates flagged, left out of the LLC",
            "detail": worst,
        }
    agreement = of_roles(mine, AGREEMENT)
    for contrast, words in (
        ("replicate", "roles, exact replicates (the ceiling)"),
        ("measurement", "roles, a network with itself through two probes"),
    ):
        for _, row in agreement[agreement["contrast"] == contrast].iterrows():
            reached = "reproducible" if row["ci_low"] > 0 else "not shown reproducible"
            yield {"instrument": words, "state": reached, "detail": f"agreement {interval(row)}"}
    control = of_roles(mine[mine["contrast"] == "other_init"], DETERMINACY)
    if len(control):
        inside = (control["ci_low"] <= 0) & (control["ci_high"] >= 0)
        yield {
            "instrument": "roles, different initialisations (must be at chance)",
            "state": "at chance" if inside.all() else f"at chance at {inside.sum()} of {len(control)} split steps",
            "detail": "; ".join(f"D {interval(row)} split at {row['step']}" for _, row in control.iterrows()),
        }


def calibrations(checks: pd.DataFrame, figures: Mapping[str, bytes]) -> list[dict]:
    """For each instrument its state and its checks, those that failed first."""
    found, rests_on = [], RESTS_ON | PREDICTIONS_REST_ON
    for instrument in INSTRUMENTS:
        rows = checks[checks["instrument"] == instrument]
        required = rows[rows["required"]]
        failed = int((~required["passed"]).sum())
        found.append(
            {
                "instrument": instrument,
                "rests": ", ".join(name for name, names in rests_on.items() if instrument in names),
                "state": "never calibrated" if rows.empty else "out of calibration" if failed else "in calibration",
                "passed": f"{len(required) - failed} of {len(required)} required checks passed",
                "informative": f"{int((~rows['required']).sum())} more not required",
                "png": b64encode(figures[instrument]).decode(),
                "checks": [_check(row) for _, row in rows.sort_values(["passed", "required"]).iterrows()],
            }
        )
    return found


def _check(row: pd.Series) -> dict:
    at = "" if pd.isna(row["x"]) else f", at {row['x']:.3g}"
    truth, estimate = ("" if pd.isna(row[key]) else f"{row[key]:.4g}" for key in ("truth", "estimate"))
    between = "" if pd.isna(row["ci_low"]) else f" [{row['ci_low']:.4g}, {row['ci_high']:.4g}]"
    return {
        "case": f"{row['family']}, {row['case']}: {row['quantity']}{at}",
        "truth": truth,
        "estimate": estimate + between,
        "flag": row["flag"],
        "outcome": ("passed" if row["passed"] else "failed") + ("" if row["required"] else " (not required)"),
    }


def _where(row: pd.Series) -> str:
    return f"step {row['step']}" if row["contrast"] == "dense" else f"{row['density']:.1%} kept"


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


def _basis(config: Config, comparisons: pd.DataFrame, study: str) -> dict:
    """The facts on each study that the captions need: seeds, interval, margin."""
    judging = config.studies[study].judging
    return {
        "study": study,
        "seeds": config.studies[study].seeds,
        "confidence": f"{1 - judging.alpha:.0%}",
        "metric": judging.metric,
        "margin": f"{judging.margin:g}",
    }


def run_times(folder: Path, studies: Sequence[str]) -> pd.DataFrame:
    """Wall and CPU seconds and peak memory (MB) by rule, from Snakemake's benchmark files of these studies' jobs.

    Columns rule, jobs, wall, cpu, memory; the last row is the total. The report's own job is left out, since it is not
    finished.
    """
    jobs = []
    for path in sorted(folder.rglob("*.tsv")):
        rule = path.relative_to(folder).parts[0].removesuffix(".tsv")
        of_study = any(path.stem == study or path.stem.startswith(f"{study}-") for study in studies)
        of_all = path.parent == folder or rule == "calibrate"
        if rule == "report" or not (of_study or of_all):
            continue
        measured = pd.read_csv(path, sep="\t", na_values="-").iloc[-1]
        jobs.append({"rule": rule, "wall": measured["s"], "cpu": measured["cpu_time"], "memory": measured["max_rss"]})
    table = pd.DataFrame(jobs, columns=["rule", "wall", "cpu", "memory"])
    by_rule = table.groupby("rule").agg(
        jobs=("wall", "size"), wall=("wall", "sum"), cpu=("cpu", "sum"), memory=("memory", "max")
    )
    by_rule = by_rule.sort_values("cpu", ascending=False).reset_index()
    total = {
        "rule": "total",
        "jobs": len(table),
        "wall": table["wall"].sum(),
        "cpu": table["cpu"].sum(),
        "memory": table["memory"].max(),
    }
    return pd.concat([by_rule, pd.DataFrame([total])], ignore_index=True)


def commit() -> str:
    """The commit of this code, and whether tracked files differ from it; "unknown" outside a git repository."""
    folder = Path(__file__).parent

    def git(*arguments: str) -> str:
        return subprocess.run(
            ["git", *arguments], cwd=folder, capture_output=True, text=True, check=True
        ).stdout.strip()

    try:
        head = git("rev-parse", "HEAD")
        return f"{head}, with local changes" if git("status", "--porcelain", "--untracked-files=no") else head
    except (OSError, subprocess.CalledProcessError):
        return "unknown (not a git repository)"


def config_digest(config: Config) -> str:
    """16 hexadecimal digits that change when any value of the config does."""
    return sha256(json.dumps(config.model_dump(mode="json"), sort_keys=True).encode()).hexdigest()[:16]


def config_yaml(config: Config) -> str:
    """The resolved config as YAML, every default written out; reading it gives the same config again."""
    header = "# The config of these results: defaults, overlays and command line merged.\n"
    return header + yaml.safe_dump(config.model_dump(mode="json"), sort_keys=False, allow_unicode=True)


def render(template: str, content: dict) -> str:
    """The page. Every value is escaped; a name that the template uses and `content` lacks is an error."""
    environment = jinja2.Environment(
        autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    environment.filters |= {"duration": duration, "number": number}
    return environment.from_string(template).render(content)
