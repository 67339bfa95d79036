"""Comparisons of known truth, made of drawn ends or row by row, and what the decision rules say to them."""

from typing import Any

import numpy as np
import pandas as pd

from tests.unit.example_results import PROCEDURE, calibration_of
from workflow_scripts.ticketlab.core import statistics
from workflow_scripts.ticketlab.settings.judging import JudgingSettings
from workflow_scripts.ticketlab.settings.pruning import TOTALS
from workflow_scripts.ticketlab.verdicts import comparisons, kinds
from workflow_scripts.ticketlab.verdicts.judge import judge

JUDGING: dict[str, Any] = {"metric": "loss", "margin": 0.1}
SETTINGS = JudgingSettings(**JUDGING)
SEEDS, LAST, DENSE = 8, 10, 2.0
NAN = float("nan")


def noise(*name, size=SEEDS, scale=0.02):
    return np.random.default_rng([ord(letter) for letter in "".join(map(str, name))]).normal(0, scale, size)


def metrics(ends, seeds=SEEDS, rewind_step=0):
    """A metrics table of a dense network that ends at 2, and of others: {(variant, level, density): its mean end}.

    An end may be an array with one value per seed. rewind_step: of all but dense.
    """
    rows = []
    for (variant, level, density), end in ({("dense", 0, 1.0): DENSE} | ends).items():
        last = 40 if variant in TOTALS else LAST
        values = np.broadcast_to(end, seeds) + noise(variant, level, size=seeds)
        for seed in range(seeds):
            for step, value in ((0, 4.0 + noise(variant, seed, size=1)[0]), (last, values[seed])):
                rows.append((seed, seed, variant, rewind_step * (level > 0), level, step, density, value))
    columns = ["init_seed", "data_seed", "variant", "rewind_step", "level", "step", "density", "value"]
    frame = pd.DataFrame(rows, columns=columns).assign(study="s", metric="loss")
    return pd.concat([frame.assign(split=split) for split in ("test", "validation")], ignore_index=True)


def compared(frame):
    rows = [*comparisons.tickets(frame, SETTINGS, LAST), *comparisons.supermasks(frame, SETTINGS)]
    return pd.DataFrame(rows).assign(study="s")


def ticket(level, density, end, reinitialised=None, shuffled=None):
    ends = {("ticket", level, density): end}
    if reinitialised is not None:
        ends[("reinitialised", level, density)] = reinitialised
    if shuffled is not None:
        ends[("shuffled", level, density)] = shuffled
    return ends


def judged(*parts, licensed_by=None, aspects=None, calibration=None, **others):
    """The verdicts of study s on these comparisons, and of others.

    aspects: scopes of the procedure of s and of the others'.
    """
    frames = [pd.concat(parts, ignore_index=True), *others.values()]
    names = ["s", *others]
    frame = pd.concat([part.assign(study=name) for name, part in zip(names, frames, strict=True)], ignore_index=True)
    studies = {
        name: {
            "judging": JUDGING,
            "licensed_by": licensed_by if name == "s" else None,
            "drawn_once": None,
            "procedure": PROCEDURE | {"scope": aspects[name != "s"] if aspects else "global"},
            "last_step": LAST,
        }
        for name in names
    }
    table = judge(frame, studies, calibration_of() if calibration is None else calibration)
    return table[table["study"] == "s"]


def verdict(table, kind, **about):
    """The one row of this kind about these keys."""
    found = table[table["kind"] == kind]
    for key, value in about.items():
        found = found[found[key] == value]
    assert len(found) == 1, (kind, about, table[["kind", *kinds.KEYS]])
    return found.iloc[0]


GOOD, CLOSE, BAD = 1.9, 2.08, 2.5  # better than dense, within the margin's reach, clearly worse


ALL_FAIL = ticket(1, 0.3, BAD, 3.0, 3.0) | ticket(2, 0.1, BAD, 3.0, 3.0)
WINS = ticket(1, 0.3, GOOD, BAD, BAD)


def with_nan(frame, variant, level=None, seed=3):
    hit = frame["variant"].eq(variant) & frame["init_seed"].eq(seed) & frame["step"].gt(0)
    if level is not None:
        hit &= frame["level"].eq(level)
    assert hit.any()
    return frame.assign(value=frame["value"].mask(hit))


FULL = (
    WINS
    | {("dense_total", 1, 1.0): 1.9, ("supermask_kaiming", 1, 0.3): 3.0}
    | ticket(2, 0.1, BAD, 3.0, 3.0)
    | {("dense_total", 2, 1.0): 1.9}
)


def row(test, quantity, contrast, estimate, low, high, p=0.5, n=SEEDS, step=0):
    return {
        "study": "s", "test": test, "rewind_step": 0, "level": 0, "density": 1.0, "step": step, "quantity": quantity,
        "contrast": contrast, "matching": None, "score": None, "rate": 1.0, "other_rate": 1.0,
        "estimate": estimate, "ci_low": low, "ci_high": high, "p": p, "n": n,
    }  # fmt: skip


def roles(
    estimate, low, high, other=(0.0, -0.05, 0.05), step=0, agreement=0.5, replicate=0.9, chaos=None, gap=None, n=SEEDS
):
    """Rows on determinacy; other: of other initialisations; chaos: determinacy under it; gap: same_init - chaos."""
    rows = [
        row("roles", "agreement", "same_init", agreement, 0.4, 0.6, n=n, step=step),
        row("roles", "agreement", "other_init", 0.0, NAN, NAN, n=n, step=step),
        row("roles", "agreement", "replicate", replicate, 0.8, 1.0, n=n, step=0),
        row("roles", "determinacy", "same_init", estimate, low, high, n=n, step=step),
    ]
    if other is not None:
        rows.append(row("roles", "chance", "other_init", *other, n=n, step=0))
    if chaos is not None:
        rows.append(row("roles", "determinacy", "chaos", chaos, chaos - 0.1, chaos + 0.1, n=n))
        rows.append(row("roles", "determinacy", "same_init - chaos", *gap, n=n))
    return pd.DataFrame(rows).assign(matching="identity", score="all")


def changing(hits, n=SEEDS, pair="same_init", **by_role):
    """Rows on roles that change: `hits` of `n` initialisations for induction; other roles by name, (hits, n)."""
    counts = {"induction": (hits, n)} | by_role
    rows = [
        row("roles", "changes", pair, k / m, *statistics.share(k, m, 0.05), statistics.at_least(k, m, 0.05), n=m)
        | {"score": role}
        for role, (k, m) in counts.items()
    ]
    return pd.DataFrame(rows)


def base():
    return compared(metrics(WINS))


def structure(
    name="bigram",
    acquired=(0.9, 0.8, 1.0),
    beyond=(0.3, 0.2, 0.4),
    forgotten=(0.4, 0.3, 0.5),
    retained=(0.1, 0.0, 0.2),
    p=1e-6,
    n=SEEDS,
):
    """Rows on a structure that was acquired on a detour and lost; p: of what was lost and of the detour."""
    rows = [row("structure", name, "acquired", *acquired, p=1e-6, n=n, step=8)]
    rows.append(row("structure", name, "beyond path", *beyond, p=p, n=n, step=8))
    for contrast, numbers in (("forgotten", forgotten), ("retained", retained)):
        if numbers is not None:
            rows.append(row("structure", name, contrast, *numbers, p=p, n=n, step=8))
    return pd.DataFrame(rows)
