"""A small study's `comparisons` and `verdicts` as the workflow would make them, for tests of figures and report.

The numbers are drawn, but the rows are made by verdicts/comparisons.py and verdicts/judge.py, so they keep to the
contract.
"""

from itertools import chain, combinations, product

import numpy as np
import pandas as pd

from workflow_scripts.ticketlab.core.instruments import INSTRUMENTS
from workflow_scripts.ticketlab.core.random_streams import CHAOS, REORDERED
from workflow_scripts.ticketlab.instruments.transience import PART, PATH
from workflow_scripts.ticketlab.settings.judging import JudgingSettings
from workflow_scripts.ticketlab.settings.pruning import TOTALS
from workflow_scripts.ticketlab.tables.schemas.roles import ROLE_HOLDERS
from workflow_scripts.ticketlab.verdicts import clock, comparisons
from workflow_scripts.ticketlab.verdicts.judge import judge

SEEDS, LAST = range(4), 100
STEPS = [0, 1, 3, 10, 30, LAST]
REWINDS, LEVELS, CONTROLLED = [0, 10], [1, 2, 3], [2, 3]
CONTROLS = [
    "reinitialised",
    "shuffled",
    "random",
    "initial_magnitude",
    "signed_constant",
    "one_shot",
    "mask_at_step_10",
]
PROCEDURE = {"scope": "global", "keep": 0.5, "schedule": "constant", "metric": "loss"}
# How much worse than dense each kind ends, per round.
WORSE = {"ticket": 0.0, "dense": 0.0, "dense_total": -0.2, "ticket_total": -0.2}


def judging(metric: str = "loss", margin: float = 0.1) -> dict:
    return JudgingSettings(metric=metric, margin=margin).model_dump(mode="json")


def figure_settings(**studies: dict) -> dict[str, dict]:
    """What rule_params.figures gives, for studies by name (each its judging section)."""
    return {
        name: {
            "judging": section,
            "last_step": LAST,
            "clock_level": 2,
            "rewind_steps": REWINDS,
            "structure_split": "validation",
        }
        for name, section in studies.items()
    }


def example(study: str = "example", section: dict | None = None) -> pd.DataFrame:
    """The `comparisons` table of one study in which everything was measured."""
    settings = JudgingSettings(**(section or judging()))
    random = np.random.default_rng(len(study))
    rows = chain(
        comparisons.tickets(_metrics(settings.metric, random), settings, LAST),
        comparisons.supermasks(_metrics(settings.metric, random), settings),
        comparisons.roles(_agreement(study, random), settings),
        comparisons.changed_roles(holders_of(study), settings),
        comparisons.structure(*_structure_and_retained(random), settings),
        comparisons.learning_coefficients(_llc(random), pd.Series({level: 0.5**level for level in LEVELS}), settings),
        comparisons.masks(_overlap(random), settings),
    )
    return pd.DataFrame(rows).assign(study=study)


def clock_of(**studies: dict) -> pd.DataFrame:
    """The `clock` table of these studies (each its judging section)."""
    parts = []
    for study, section in studies.items():
        random = np.random.default_rng(len(study))
        parts.append(
            {
                "llc": _llc(random),
                "structure": _structure(random),
                "overlap": _overlap(random),
                "metrics": _metrics(section["metric"], random),
                "agreements": _agreement(study, random),
                "barriers": _barriers(section["metric"], random),
            }
        )
    tables = {
        name: pd.concat([part[name].assign(study=study) for study, part in zip(studies, parts, strict=True)])
        for name in parts[0]
    }
    return clock.read(tables, figure_settings(**studies))


def barrier_curves(**studies: dict) -> pd.DataFrame:
    """The rows that the clock's figure draws in addition to `comparisons`."""
    parts = []
    for study, section in studies.items():
        measured = _barriers(section["metric"], np.random.default_rng(0))
        parts.append(pd.DataFrame(comparisons.barriers(measured, section["alpha"])).assign(study=study))
    return pd.concat(parts)


def judged(frame: pd.DataFrame, **studies: dict) -> pd.DataFrame:
    """The `verdicts` table of these studies (each its judging section)."""
    common = {"licensed_by": None, "procedure": PROCEDURE, "drawn_once": None, "last_step": LAST}
    specs = {name: {"judging": section} | common for name, section in studies.items()}
    return judge(frame, specs, calibration_of())


def calibration_of(**failing: str) -> pd.DataFrame:
    """A `calibration` table with one required check per instrument, failed for `failing` (its case by instrument)."""
    rows = [
        {
            "instrument": name,
            "family": "example",
            "case": failing.get(name, "all is well"),
            "widths": None,
            "rank": None,
            "quantity": "detectable_effect" if name == "statistics" else "value",
            "x": np.nan,
            "truth": 1.0,
            "estimate": 1.0,
            "ci_low": 0.9,
            "ci_high": 1.1,
            "tolerance": np.nan,
            "n": 8,
            "flag": "",
            "required": True,
            "passed": name not in failing,
        }
        for name in INSTRUMENTS
    ]
    return pd.DataFrame(rows)


def _metrics(metric: str, random: np.random.Generator) -> pd.DataFrame:
    members = [("dense", 0, 0, STEPS)]
    members += [("ticket", rewind, level, STEPS) for rewind in REWINDS for level in LEVELS]
    members += [(control, 0, level, STEPS) for control in CONTROLS for level in CONTROLLED]
    members += [(control, 10, level, STEPS) for control in comparisons.DECISIVE_CONTROLS for level in CONTROLLED]
    members += [(total, 0, level, [*STEPS, level * LAST]) for total in TOTALS for level in CONTROLLED]
    members += [("supermask_kaiming", 0, level, [0, LAST]) for level in (1, 2)]
    rows = []
    for variant, rewind, level, steps in members:
        worse = WORSE.get(variant, 0.3) * level
        density = 1.0 if variant.startswith("dense") else 0.5**level
        for seed, step in product(SEEDS, steps):
            value = (1.0 + worse + 2.0 / (1 + step)) * 0.3 + 0.01 * random.standard_normal()
            at = (seed, variant, rewind, level, step, density)
            rows += [(*at, split, name, value) for split in ("validation", "test") for name in {metric, "loss"}]
    columns = ["init_seed", "variant", "rewind_step", "level", "step", "density", "split", "metric", "value"]
    return pd.DataFrame(rows, columns=columns)


def _agreement(study: str, random: np.random.Generator) -> pd.DataFrame:
    pairs = [(0, pair, seed, seed, 0, 0) for pair in ("replicate", "measurement") for seed in SEEDS]
    networks = [(seed, order) for seed in SEEDS for order in (0, 1)]
    for step in (0, 10):
        for (a, first), (b, second) in combinations(networks, 2):
            pairs.append((step, "same_init" if a == b else "other_init", a, b, first, second))
    pairs += [(0, pair, seed, seed, 0, 0) for pair in (CHAOS, REORDERED) for seed in SEEDS]
    levels = {"replicate": 0.8, "measurement": 0.8, "same_init": 0.5, "other_init": 0.0, CHAOS: 0.75, REORDERED: 0.6}
    chance = {"identity": 0.0, "permuted": 0.0, "hungarian": 0.2, "hungarian_chance": 0.2}
    rows = [
        (study, *pair, matching, score, levels[pair[1]] * (matching in ("identity", "hungarian")) + at + noise)
        for pair in pairs
        for matching, at in chance.items()
        for score in ("induction", "all")
        for noise in [0.02 * random.standard_normal()]
    ]
    keys = ["study", "split_step", "pair", "init_seed", "other_init_seed", "data_seed", "other_data_seed"]
    return pd.DataFrame(rows, columns=[*keys, "matching", "score", "agreement"])


def holders_of(*studies: str) -> pd.DataFrame:
    """The `role_holders` table of these studies: under another data order head 1 has the roles, but in init 0."""
    networks = [("dense", 0, 0), ("spawned", 0, 0), ("spawned", 1000, 1), (CHAOS, 0, 0), (REORDERED, 0, 0)]
    rows = [
        (study, seed, seed + order, variant, 0, 0, LAST, role, 0, moved * (seed > 0), role, 0.6, 9.0)
        for study in studies
        for seed in SEEDS
        for variant, order, moved in networks
        for role in ("induction", "previous_token")
    ]
    return pd.DataFrame(rows, columns=list(ROLE_HOLDERS.columns))


def _structure(random: np.random.Generator) -> pd.DataFrame:
    courses = {"unigram": [2.0, 1.0, 0.2, 0.9, 1.3, 1.5], "tri_gram": [2.5, 2.2, 1.9, 1.2, 0.6, 0.3]}
    rows = [
        (seed, step, name, distance + 0.02 * random.standard_normal())
        for name, course in courses.items()
        for seed in SEEDS
        for step, distance in zip(STEPS, course, strict=True)
    ]
    return pd.DataFrame(rows, columns=["init_seed", "step", "structure", "distance"])


def _structure_and_retained(random: np.random.Generator) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Of "unigram", a part keeps all; "tri_gram" is measured on a component, which has no other part."""
    structure = _structure(random)
    part = structure[structure["structure"] == "unigram"].assign(way=PART)
    part["distance"] = part.groupby("init_seed")["distance"].cummin()
    path = structure[structure["step"] == STEPS[-1]].assign(way=PATH, distance=0.5)
    return structure, pd.concat([part, path])


def _llc(random: np.random.Generator) -> pd.DataFrame:
    # Early checkpoints are away from a minimum in all seeds, one in the middle in all but the first.
    rows = [
        ("dense", 0, step, seed, "not_a_minimum" if step < 30 or (step == 30 and seed) else "")
        for step in (0, 10, 30, LAST)
        for seed in SEEDS
    ]
    rows += [("ticket", level, LAST, seed, "") for level in CONTROLLED for seed in SEEDS]
    frame = pd.DataFrame(rows, columns=["variant", "level", "step", "init_seed", "flag"])
    return frame.assign(llc=5 - frame["level"] + 0.1 * random.standard_normal(len(frame)))


def _barriers(metric: str, random: np.random.Generator) -> pd.DataFrame:
    levels = {(0, "replicate"): 0.0, (0, "same_init"): 0.6, (10, "same_init"): 0.2, (0, "other_init"): 2.0}
    rows = [
        (split_step, pair, seed, metric, level * (1 + 0.1 * random.random()))
        for (split_step, pair), level in levels.items()
        for seed in SEEDS
    ]
    return pd.DataFrame(rows, columns=["split_step", "pair", "init_seed", "metric", "barrier"])


def _overlap(random: np.random.Generator) -> pd.DataFrame:
    rows = [
        ("dense", 0, reference, 2, step, seed, 0.5, 0.3, 0.3 + 0.01 * random.standard_normal())
        for reference in ("final_magnitude", "imp", "imp_other_init")
        for step in STEPS
        for seed in SEEDS
    ]
    rows += [
        ("spawned", split, reference, 2, LAST, seed, 0.5, 0.3, excess + 0.01 * random.standard_normal())
        for split, same in ((0, 0.1), (10, 0.9))
        for reference, excess in (("dense_final", same), ("dense_final_other_init", 0.0))
        for seed in SEEDS
    ]
    columns = ["variant", "rewind_step", "reference", "level", "step", "init_seed", "jaccard", "chance", "excess"]
    return pd.DataFrame(rows, columns=columns).assign(
        given_initial=0.4,
        beyond_initial=lambda table: table["excess"] - 0.01,
        update_correlation=lambda table: table["excess"].where(table["variant"] == "spawned"),
    )
