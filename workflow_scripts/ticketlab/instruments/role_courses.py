"""The roles of heads along training: the course of each score, and from which step on its final holder holds it.

A head *holds* a role at a step if it leads there as at the end (role_holders.py), by `clear` standard errors, and its
score is above chance by `clear` standard deviations. Chance is what untrained networks do: the mean and the standard
deviation of the score over all heads of all dense networks at step 0, of which one in forty is two deviations above it.

Siblings are the networks of the same initialisation on other data orders. Whether they end with the same holder says
whether the role was decided where the orders split; the first split step from which on they all do is `agreed_from`.
"""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from workflow_scripts.ticketlab.instruments.role_agreement import NETWORK
from workflow_scripts.ticketlab.instruments.role_holders import OF_HEADS, holders

PLACE = ["layer", "component"]
HELD_FROM = ["study", *NETWORK, "role", *PLACE, "step", "step_before", "half_step", "half_step_before"]
HELD_FROM += ["value", "lead", "orders", "orders_agreed", "agreed_from"]


def courses(frame: pd.DataFrame) -> pd.DataFrame:
    """The `role_courses` table of a study from the `roles` tables of its dense networks at several steps, 0 among them.

    value: the mean over probes; chance, spread: the mean and the standard deviation over the heads of untrained
    networks. Empty if no role of heads was scored.
    """
    named = frame[frame["score"].str.split(":").str[0].isin(OF_HEADS) & frame["variant"].eq("dense")]
    keys = ["study", *NETWORK, "step", *PLACE, "role"]
    found = named.rename(columns={"score": "role"}).groupby(keys, as_index=False)["value"].mean()
    untrained = found[found["step"] == 0].groupby("role")["value"]
    return found.assign(chance=found["role"].map(untrained.mean()), spread=found["role"].map(untrained.std(ddof=0)))


def held_from(frame: pd.DataFrame, ends: pd.DataFrame, clear: float) -> pd.DataFrame:
    """The `held_from` table of a study: one row for each dense network and role that a head holds at the end.

    frame: as for `courses`; ends: the study's `role_holders` table; clear: standard errors, and deviations.

    step: the first recorded step from which on the final holder holds the role at every recorded step; step_before:
    the recorded step before it, at which it does not, so that the change lies between the two; NaN where it holds the
    role from the start. half_step, half_step_before: the same for a score that is at least half-way from chance to its
    final value. orders: siblings split at step 0 in which a head holds the role; orders_agreed: those in which it is
    the same head. agreed_from: NaN if the siblings of the last split step do not all agree, or none has a holder.
    """
    course = courses(frame)
    if course.empty:
        return pd.DataFrame(columns=HELD_FROM)
    steps = sorted(course["step"].unique())
    chance = course.drop_duplicates("role").set_index("role")[["chance", "spread"]]
    everywhere = pd.concat([_leading(frame[frame["step"] == step]) for step in steps])
    leading, sound_ends = (_holding(found, chance, clear) for found in (everywhere, ends))
    rows = []
    for _, final in leading[leading["step"].eq(steps[-1]) & leading["holds"]].iterrows():
        mine = [*NETWORK, "role"]
        own = leading[leading[mine].eq(final[mine]).all(axis=1)].set_index("step").loc[steps]
        held = own["holds"] & own[PLACE].eq(final[PLACE]).all(axis=1)
        values = course[course[[*mine, *PLACE]].eq(final[[*mine, *PLACE]]).all(axis=1)].set_index("step")["value"]
        half = (chance.loc[final["role"], "chance"] + final["value"]) / 2
        step, before = _for_good(steps, held.to_numpy())
        half_step, half_before = _for_good(steps, values.loc[steps].ge(half).to_numpy())
        siblings = _siblings(sound_ends, final)
        at_start = siblings[siblings["rewind_step"] == 0]
        rows.append(
            {
                **{key: final[key] for key in ["study", *mine, *PLACE, "value", "lead"]},
                "step": step,
                "step_before": before,
                "half_step": half_step,
                "half_step_before": half_before,
                "orders": len(at_start),
                "orders_agreed": int(at_start["same"].sum()),
                "agreed_from": _agreed_from(siblings),
            }
        )
    return pd.DataFrame(rows, columns=HELD_FROM)


def _leading(frame: pd.DataFrame) -> pd.DataFrame:
    """The heads that lead in a role, as a `role_holders` table of one step."""
    found = holders(frame)
    return found[found["role"].str.split(":").str[0].isin(OF_HEADS)]


def _holding(found: pd.DataFrame, chance: pd.DataFrame, clear: float) -> pd.DataFrame:
    """A `role_holders` table with the column `holds`."""
    limits = chance["chance"] + clear * chance["spread"]
    return found.assign(holds=found["lead"].ge(clear) & found["value"].gt(found["role"].map(limits)))


def _for_good(steps: Sequence[int], held: np.ndarray) -> tuple[float, float]:
    """The first of the steps from which on all are held, and the one before it (NaN if there is none)."""
    first = len(steps) - int(np.logical_and.accumulate(held[::-1]).sum())
    return steps[first], steps[first - 1] if first else np.nan


def _siblings(ends: pd.DataFrame, final: pd.Series) -> pd.DataFrame:
    """The clear holders of a role in the networks of the same initialisation on other data orders."""
    of_init = ends["init_seed"].eq(final["init_seed"]) & ends["role"].eq(final["role"])
    other = ends["variant"].eq("spawned") & ends["data_seed"].ne(final["data_seed"])
    found = ends[of_init & other & ends["holds"]]
    return found.assign(same=found[PLACE].eq(final[PLACE]).all(axis=1))


def _agreed_from(siblings: pd.DataFrame) -> float:
    agreed = siblings.groupby("rewind_step")["same"].all()
    held = np.logical_and.accumulate(agreed.to_numpy()[::-1])
    return float(agreed.index[len(agreed) - int(held.sum())]) if held.any() else np.nan
