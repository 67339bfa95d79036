"""Who holds a role in each network: the part that leads in it, by how much, and in which role it leads.

Whether *the same* part does it under another data order is the question of test 2; agreement (role_agreement.py) says
how much of all roles is shared on average.

- Heads: the holder of `previous_token`, `duplicate_token`, `induction` or `attention:<relation>` is the head, of any
  layer, with the highest score; `key` is the role itself.
- Hidden units: many share a class or a frequency, so the question is turned round: which role does *one unit* have. The
  unit is the one that leads most in the dense network of its initialisation; `key` is its class or frequency.

A holder counts only if its lead over the next (head, or class or frequency) is clear. The lead is in standard errors: s
is the standard deviation of a score on one probe, from the differences between the probes, and a difference of two
means over both probes has the standard error s. Where the two probes name different holders the lead is 0.
"""

import numpy as np
import pandas as pd

from workflow_scripts.ticketlab.instruments.role_agreement import NETWORK, Roles, role_vectors

OF_HEADS = ("previous_token", "duplicate_token", "induction", "attention")
OF_UNITS = ("selectivity", "frequency")


def holders(frame: pd.DataFrame) -> pd.DataFrame:
    """The `role_holders` table of a study from its `roles` tables.

    value: the holder's score as a share from 0 to 1, of attention or of the unit's variance. A unit's selectivity s for
    one of C classes makes up s²/(C − 1) of its variance where classes are equally frequent.
    """
    roles = role_vectors(frame)
    parts = [_of_heads(roles, score) for score in roles.scores if score.split(":")[0] in OF_HEADS]
    parts += [_of_units(roles, family) for family in OF_UNITS if any(_is(score, family) for score in roles.scores)]
    columns = ["study", *NETWORK, "step", "role", "layer", "component", "key", "value", "lead"]
    found = [part.assign(step=frame["step"].max())[columns] for part in parts]
    return pd.concat(found) if found else pd.DataFrame(columns=columns)


def _is(score: str, family: str) -> bool:
    return score.startswith(f"{family}:")


def _of_heads(roles: Roles, score: str) -> pd.DataFrame:
    seen = roles.values[..., roles.scores.index(score)]
    best, lead = _leading(seen)
    return _table(roles, score, best, np.full(len(seen), score), _at(seen.mean(1), best), lead)


def _of_units(roles: Roles, family: str) -> pd.DataFrame:
    names = [score for score in roles.scores if _is(score, family)]
    seen = roles.values[..., [roles.scores.index(name) for name in names]]
    keys, leads = _leading(seen.transpose(0, 2, 1, 3).reshape(-1, *seen.shape[1::2]))
    keys, leads = (found.reshape(seen.shape[0], seen.shape[2]) for found in (keys, leads))
    dense = roles.networks["variant"] == "dense"
    unit_of = dict(zip(roles.networks.loc[dense, "init_seed"], leads[dense].argmax(1), strict=True))
    unit = roles.networks["init_seed"].map(unit_of).to_numpy()
    key, lead = _at(keys, unit), _at(leads, unit)
    value = _at(_at(seen.mean(1), unit), key)
    if family == "selectivity":
        value = value * np.abs(value) / (len(names) - 1)
    return _table(roles, family, unit, np.array(names)[key], value, lead)


def _leading(seen: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The place of the highest score and its lead over the next, in standard errors: seen (…, probes, places)."""
    mean = seen.mean(axis=-2)
    second, first = np.moveaxis(np.sort(mean, axis=-1)[..., -2:], -1, 0)
    error = np.sqrt((np.diff(seen, axis=-2) ** 2 / 2).mean(axis=(-2, -1)))
    best = seen.argmax(axis=-1)
    lead = np.divide(first - second, error, out=np.full_like(error, np.inf), where=error > 0)
    agreed = (best == best[..., :1]).all(axis=-1) & (first > second)  # NaN, of a network that diverged, leads nowhere
    return mean.argmax(axis=-1), np.where(agreed, lead, 0.0)


def _at(values: np.ndarray, places: np.ndarray) -> np.ndarray:
    """values[i, places[i]]"""
    return values[np.arange(len(values)), places]


def _table(
    roles: Roles, role: str, part: np.ndarray, key: np.ndarray, value: np.ndarray, lead: np.ndarray
) -> pd.DataFrame:
    within = np.concatenate([np.arange(len(block)) for block in roles.blocks()])
    return roles.networks.assign(
        study=roles.study,
        role=role,
        layer=roles.layers[part],
        component=within[part],
        key=key,
        value=value,
        lead=lead,
    )


def changes(found: pd.DataFrame, clear: float, held: float) -> pd.DataFrame:
    """For each role, kind of pair and initialisation whether the role has another holder than in the dense network.

    found: a `role_holders` table; clear: the lead that a holder needs, in standard errors; held: the score it needs.
    An initialisation counts for a pair if its dense network and one network of the pair have a clear holder, and if the
    exact replicate's is the same as the dense network's. With several data orders one other holder makes a change.

    Returns columns split_step, pair, role, init_seed, changed, before and after: the holders by layer and component, or
    the key of a unit, in the dense network and in the first that differs (else in the first).
    """
    sound = found[found["lead"].ge(clear) & found["value"].ge(held)]
    units = sound["role"].isin(OF_UNITS)
    place = sound["layer"].astype(str) + "." + sound["component"].astype(str)
    sound = sound.assign(holder=place.where(~units, sound["key"].str.split(":").str[-1]))
    dense = sound[sound["variant"] == "dense"].set_index(["role", "init_seed"])[["data_seed", "holder"]]
    others = sound[sound["variant"] != "dense"].join(dense.add_prefix("dense_"), on=["role", "init_seed"], how="inner")
    keys = ["split_step", "pair", "role", "init_seed"]
    if others.empty:
        return pd.DataFrame(columns=[*keys, "changed", "before", "after"])
    own = (
        others["variant"].eq("spawned")
        & others["rewind_step"].eq(0)
        & others["data_seed"].eq(others["dense_data_seed"])
    )
    pair = others["variant"].mask(others["variant"] == "spawned", "same_init").mask(own, "replicate")
    others = others.assign(pair=pair, changed=others["holder"] != others["dense_holder"])
    replicates = others[others["pair"] == "replicate"].set_index(["role", "init_seed"])["changed"]
    repeated = ~others.join(replicates.rename("not_repeated"), on=["role", "init_seed"])["not_repeated"].eq(True)
    counted = others[repeated | others["pair"].eq("replicate")]
    first = counted.sort_values(["changed", "data_seed"], ascending=[False, True], kind="stable")
    first = first.rename(columns={"rewind_step": "split_step", "dense_holder": "before", "holder": "after"})
    return first.drop_duplicates(keys).sort_values(keys)[[*keys, "changed", "before", "after"]]
