"""The report page of two example studies, and an example of roles scored at one step or at several."""

from itertools import product
from pathlib import Path

import numpy as np
import pandas as pd
import yaml

from tests.unit.example_results import calibration_of, clock_of, example, judged, judging
from workflow_scripts.ticketlab.config import rule_params
from workflow_scripts.ticketlab.config import study as configuration
from workflow_scripts.ticketlab.core.instruments import INSTRUMENTS
from workflow_scripts.ticketlab.instruments.role_holders import OF_HEADS, OF_UNITS
from workflow_scripts.ticketlab.report.page import document
from workflow_scripts.ticketlab.verdicts.predictions import predict

ROOT = Path(__file__).parents[3]
REPORT = ROOT / "workflow_scripts/ticketlab/report"
SOURCES = document.Sources(
    *((REPORT / "page" / name).read_text(encoding="utf-8") for name in ("page.html.j2", "page.css", "page.js"))
)
CAPTIONS = {file.stem: file.read_text(encoding="utf-8") for file in (REPORT / "captions").glob("*.rst")}
ORIGIN = {"spec": "s", "code": "c0de", "lock": "10cc", "packages": {"torch": "2.0", "numpy": "1.0"}}
NO_TIMES = pd.DataFrame(columns=["rule", "jobs", "wall", "cpu", "memory"])


def config_of():
    """The default config with the two studies of the tables."""
    return configuration.validate(
        yaml.safe_load((ROOT / "config.yaml").read_text(encoding="utf-8")) | {"run": ["text", "digits"]}
    )


def example_tables():
    """Comparisons and verdicts of two studies."""
    sections = {"text": judging(), "digits": judging("error", 0.02)}
    frame = pd.concat([example(name, section) for name, section in sections.items()], ignore_index=True)
    return frame, judged(frame, **sections)


def roles_of(study, steps=(8,), seeds=2):
    """The `roles` table of networks with 2 layers of 4 heads: head 1 of layer 0 stands out in the last step alone."""
    random, rows = np.random.default_rng(0), []
    for step, seed, probe, layer, head in product(steps, range(seeds), range(2), range(2), range(4)):
        holder = step == max(steps) and (layer, head) == (0, 1)
        values = {
            "previous_token": 0.9 if holder else 0.1 + 0.01 * random.standard_normal(),
            "induction": 0.1 + 0.01 * random.standard_normal(),
            "ablation:early": 0.5 if holder else 0.001,
        }
        at = {"study": study, "init_seed": seed, "data_seed": seed, "variant": "dense", "rewind_step": 0, "level": 0}
        at |= {"step": step, "probe": probe, "layer": layer, "kind": "head", "component": head}
        rows += [at | {"score": score, "value": value} for score, value in values.items()]
    return pd.DataFrame(rows)


def page(config, frame, verdicts, figures=None, times=NO_TIMES, commit="f00", steps=(8,)):
    specs = rule_params.figures(config)["studies"]
    return document.page(
        config,
        specs,
        comparisons=frame,
        verdicts=verdicts,
        calibration=calibration_of(roles="a broken case"),
        calibration_figures=dict.fromkeys(INSTRUMENTS, b"png"),
        clock_rows=clock_of(**{study: judging() for study in config.names()}),
        predictions=predict(frame, verdicts, specs, calibration_of()),
        roles=pd.concat([roles_of(study, steps) for study in config.names()], ignore_index=True),
        families=(*OF_HEADS, *OF_UNITS),
        figures=figures or {},
        captions=CAPTIONS,
        times=times,
        origin=ORIGIN,
        commit=commit,
    )
