"""The map of a study's heads or units: which role each stands out in, and what its ablation costs, at scored steps.

`role_map` returns it as plain values for template and script; None where no roles were scored.
"""

import colorsys
from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from workflow_scripts.ticketlab.report.words import number, spaced

MOST_NETWORKS = 6  # that are shown
CLEAR = 2.0  # standard deviations above chance from which a role has a colour
IN_A_ROW = {"head": 16, "unit": 24}
PITCH = {"head": 26, "unit": 11}
SMALLEST = 0.3  # radius of a component without effect, as a share of the largest


def role_map(roles: pd.DataFrame, families: Sequence[str]) -> dict[str, Any] | None:
    """roles: the `roles` tables of a study's dense networks, at one or more steps. families: of the scores that
    name a role (instruments/role_holders.py).

    A role's score is compared with chance: its mean and standard deviation over all components of the untrained
    networks, where step 0 is scored, else over all components at that same step. The strongest role is the one furthest
    above, in standard deviations. The effect is the largest rise of the loss on any slice of the data (nats).

    Returns steps; roles (name, colour); networks, each with its places (layer, component, x, y), size and seed; and
    by step and component `role` (an index, −1 below CLEAR), `radius` and `words`.
    """
    dense = roles[roles["variant"] == "dense"]
    family = dense["score"].str.split(":").str[0]
    wanted = family.isin(families)
    keys = ["step", "init_seed", "layer", "component"]
    scores = dense[wanted].groupby([*keys, "score"], sort=False)["value"].mean().unstack("score")
    if scores.empty:
        return None
    scores = scores[list(dense.loc[wanted, "score"].unique())].sort_index()
    by_slice = dense[family == "ablation"].groupby([*keys, "score"])["value"].mean().unstack("score")
    effects = by_slice.max(axis=1).reindex(scores.index)
    steps = sorted(map(int, dense["step"].unique()))
    seeds = sorted(map(int, dense["init_seed"].unique()))[:MOST_NETWORKS]
    kind = str(dense["kind"].iloc[0])
    at_zero = scores.xs(0, level="step") if 0 in steps else None
    largest = max(float(effects.max()), 1e-12)
    frames = []
    for step in steps:
        here = scores.xs(step, level="step")
        chance = here if at_zero is None else at_zero
        deviation = chance.std(ddof=0).replace(0.0, np.nan)
        beyond = ((here - chance.mean()) / deviation).fillna(0.0)
        effect = effects.xs(step, level="step")
        frames.append(
            [_component(beyond.loc[key], effect.get(key, np.nan), largest, kind) for key in _order(here, seeds)]
        )
    names = [spaced(name.replace(":", " ")) for name in scores.columns]
    return {
        "kind": kind,
        "steps": steps,
        "roles": [{"name": name, "colour": _colour(place, len(names))} for place, name in enumerate(names)],
        "used": sorted({component["role"] for frame in frames for component in frame} - {-1}),
        "chance": "the untrained networks" if at_zero is not None else "all components at the same step",
        "networks": [_places(scores.xs(steps[-1], level="step"), seed, kind) for seed in seeds],
        "frames": [
            {key: [component[key] for component in frame] for key in ("role", "radius", "words")} for frame in frames
        ],
        "more": len(dense["init_seed"].unique()) - len(seeds),
    }


def _order(here: pd.DataFrame, seeds: list[int]) -> list[tuple]:
    return [key for seed in seeds for key in here.index if key[0] == seed]


def _component(beyond: pd.Series, effect: float, largest: float, kind: str) -> dict[str, Any]:
    strongest = int(np.argmax(beyond.to_numpy()))
    name = spaced(str(beyond.index[strongest]).replace(":", " "))
    clear = bool(beyond.iloc[strongest] >= CLEAR)
    share = 0.0 if np.isnan(effect) else max(effect, 0.0) / largest
    said = f"{name} {number(beyond.iloc[strongest])} sd above chance" if clear else "no role above chance"
    return {
        "role": strongest if clear else -1,
        "radius": round((SMALLEST + (1 - SMALLEST) * share**0.5) * PITCH[kind] * 0.46, 1),
        "words": f"{said}; ablation {number(effect)} nats",
    }


def _places(here: pd.DataFrame, seed: int, kind: str) -> dict[str, Any]:
    """Where a network's components stand: a row for each layer, wrapped where it is long."""
    pitch, longest, top = PITCH[kind], IN_A_ROW[kind], 0
    found: list[dict[str, Any]] = []
    mine = [key for key in here.index if key[0] == seed]
    for layer in sorted({key[1] for key in mine}):
        components = [key[2] for key in mine if key[1] == layer]
        for place, component in enumerate(components):
            row, column = divmod(place, longest)
            found.append(
                {
                    "name": f"layer {layer}, {kind} {component}",
                    "x": pitch * (column + 0.5),
                    "y": pitch * (top + row + 0.5),
                }
            )
        top += -(-len(components) // longest)
    width = max(place["x"] for place in found) + pitch / 2
    return {"seed": seed, "places": found, "width": width, "height": pitch * top}


def _colour(place: int, of: int) -> str:
    """Colours that differ in hue and lightness, the same for the same number of roles."""
    fixed = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9")  # Okabe & Ito 2008
    if of <= len(fixed):
        return fixed[place]
    red, green, blue = colorsys.hls_to_rgb(place / of, 0.42 + 0.16 * (place % 2), 0.65)
    return f"#{round(255 * red):02x}{round(255 * green):02x}{round(255 * blue):02x}"
