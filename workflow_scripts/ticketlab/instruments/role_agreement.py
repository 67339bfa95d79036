"""The agreement of role vectors between networks, with its chance level and its ceiling.

The agreement of two networks on a score is the Pearson correlation of the score across the components of a layer,
averaged over layers. Components of a layer are exchangeable at initialisation, so between networks of different
initialisations its expectation is exactly 0: chance. The two networks of a pair are always measured on different
probes (both ways, averaged), so neither agreement nor ceiling profits from a shared sample.

Pairs, for every step at which data orders split; a dense network counts as a sibling of its children, since it is one
more data order from the same weights:
- same_init: two networks of one initialisation and different data orders;
- other_init: two networks of different initialisations, the permanent control, which must be at chance;
- chaos, reordered (split step 0 only): a dense network and its twin from weights a millionth off, on the same batches,
  or from the same weights on the same batches in another order;
- replicate (split step 0 only): a dense network and its exact replicate, trained in another stack: the ceiling;
- measurement (split step 0 only): a dense network and itself on the other probe, which shows the loss of the ceiling
  to sampling.

Matchings:
- identity: component i with component i;
- permuted: the mean over random permutations within layers, an empirical check that chance is 0;
- hungarian: the permutations within layers with the highest agreement on "all" (Kuhn 1955), which shows
  whether the same roles exist somewhere. The best of many is above 0 by chance, which the next one measures:
- hungarian_chance: the same with each score of one network permuted on its own, which keeps the values, not the roles;
- argmax: whether the strongest component is the same. The mean over layers of (hit − 1/n)/(1 − 1/n), n components,
  which is also 0 by chance.

The score "all" is the mean over families of scores, a family being what a name has before its colon: a family has one
vote, however many scores it has. The effects of one ablation on eight slices of the data are hardly more than one
number, and the classes, or frequencies, of hidden units are as many as the task has.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from itertools import combinations

import numpy as np
import pandas as pd
from scipy.optimize import linear_sum_assignment

from workflow_scripts.ticketlab.core.errors import TicketlabError
from workflow_scripts.ticketlab.core.random_streams import CHAOS, REORDERED, generator

NETWORK = ["variant", "init_seed", "data_seed", "rewind_step", "level"]
COMPONENT = ["layer", "component"]
PROBES = [0, 1]
# Scores are float32: a layer whose scores spread by less than this share of their size does not separate components.
RESOLUTION = 1e-6


@dataclass(frozen=True)
class Roles:
    """Role vectors of a study's networks at one step.

    networks: one row each, columns NETWORK; layers: (components,) the layer of each; scores: their names.
    values: (networks, probes, components, scores).
    """

    study: str
    networks: pd.DataFrame
    layers: np.ndarray
    scores: list[str]
    values: np.ndarray

    def blocks(self) -> list[np.ndarray]:
        """The components of each layer."""
        return [np.flatnonzero(self.layers == layer) for layer in np.unique(self.layers)]


def role_vectors(frame: pd.DataFrame) -> Roles:
    """The rows of a study's `roles` tables at its last step, as one array.

    Raises TicketlabError if the rows are of several studies or kinds of component, or if a network lacks a score of a
    component or a probe at that step.
    """
    studies, step = frame["study"].unique(), frame["step"].max()
    if len(studies) != 1 or frame["kind"].nunique() != 1:
        raise TicketlabError(f"roles of studies {sorted(studies)} cannot be compared with each other; give one study's")
    last = frame[frame["step"] == step]
    wide = last.set_index([*NETWORK, "probe", *COMPONENT, "score"])["value"].unstack("score")
    networks = frame[NETWORK].drop_duplicates().sort_values(NETWORK, ignore_index=True)
    components = last[COMPONENT].drop_duplicates().sort_values(COMPONENT, ignore_index=True)
    cells = len(networks) * len(PROBES) * len(components) * wide.shape[1]
    if len(last) != cells or sorted(last["probe"].unique()) != PROBES:
        raise TicketlabError(
            f"study {studies[0]}: at step {step} the roles of some networks lack a score, a component or one of probes "
            f"{PROBES} ({len(last)} values, not {cells}); score every network at its last step on both probes"
        )
    values = wide.sort_index().to_numpy().reshape(len(networks), len(PROBES), len(components), wide.shape[1])
    return Roles(studies[0], networks, components["layer"].to_numpy(), list(wide.columns), values)


def standardise(roles: Roles) -> np.ndarray:
    """Scores centred and scaled within layers, so that a product summed over components is the mean correlation.

    (networks, probes, components, scores). A layer whose components do not differ in a score contributes 0: such a
    score does not distinguish roles. NaN, from a network that diverged, stays NaN.
    """
    scaled = np.empty_like(roles.values)
    blocks = roles.blocks()
    for block in blocks:
        part = roles.values[:, :, block]
        centred = part - part.mean(axis=2, keepdims=True)
        norm = np.sqrt((centred**2).sum(axis=2, keepdims=True))
        flat = norm <= RESOLUTION * np.abs(part).max(axis=2, keepdims=True)
        scaled[:, :, block] = np.where(flat, 0.0, centred / np.where(flat, 1.0, norm * np.sqrt(len(blocks))))
    return scaled


def strongest(roles: Roles) -> Roles:
    """The roles with 1 for a layer's strongest component on a score and 0 for the others.

    The correlation of two such vectors of n components is (hit − 1/n)/(1 − 1/n). Where all tie, none is strongest.
    """
    hits = np.full_like(roles.values, np.nan)
    for block in roles.blocks():
        part = roles.values[:, :, block]
        hits[:, :, block] = np.where(np.isnan(part), np.nan, part == part.max(axis=2, keepdims=True))
    return replace(roles, values=hits)


def pairs_of(networks: pd.DataFrame) -> pd.DataFrame:
    """The pairs to compare: split_step, pair, and the two networks' rows `a` and `b` (module docstring)."""
    inits, rows = networks["init_seed"], networks.reset_index(names="row")
    dense = rows[rows["variant"] == "dense"]
    own = dense.set_index("init_seed")[["data_seed", "row"]].add_prefix("parent_")
    spawned = rows[rows["variant"] == "spawned"].join(own, on="init_seed", how="inner")
    is_replicate = (spawned["rewind_step"] == 0) & (spawned["data_seed"] == spawned["parent_data_seed"])
    replicates = spawned.loc[is_replicate, ["parent_row", "row"]].to_numpy()
    found = [(0, "measurement", row, row) for row in dense["row"]]
    found += [(0, "replicate", parent, child) for parent, child in replicates]
    twins = rows[rows["variant"].isin([CHAOS, REORDERED])].join(own, on="init_seed", how="inner")
    found += list(twins.assign(split_step=0)[["split_step", "variant", "parent_row", "row"]].itertuples(index=False))
    for split_step, children in spawned[~is_replicate].groupby("rewind_step"):
        for a, b in combinations([*dense["row"], *children["row"]], 2):
            found.append((split_step, "same_init" if inits[a] == inits[b] else "other_init", a, b))
    return pd.DataFrame(found, columns=["split_step", "pair", "a", "b"])


def votes(scores: list[str]) -> np.ndarray:
    """The weight of each score in the score "all", (scores,): the same for all families, split evenly in each."""
    families = pd.Series(scores).str.split(":").str[0]
    return (1 / families.map(families.value_counts()) / families.nunique()).to_numpy()


def compare(frame: pd.DataFrame, permutations: int) -> pd.DataFrame:
    """The `agreement` table of a study from its `roles` tables; permutations: number behind matching "permuted".

    Raises TicketlabError if there is nothing to compare or role_vectors refuses the rows.
    """
    roles = role_vectors(frame)
    pairs = pairs_of(roles.networks)
    if pairs.empty:
        raise TicketlabError(f"study {roles.study}: no dense networks among the roles; give score_roles their weights")
    weights = votes(roles.scores)
    scaled, hits, blocks = standardise(roles), standardise(strongest(roles)), roles.blocks()
    random = generator(roles.study, "role permutations", 0)
    # Agreement is linear in each network: its mean over permutations is the agreement with the mean permuted network.
    permuted = np.mean([scaled[:, :, _permuted_within(blocks, random)] for _ in range(permutations)], axis=0)
    results = {
        "identity": _through_both_probes(_products, scaled, scaled, pairs),
        "permuted": _through_both_probes(_products, scaled, permuted, pairs),
        "argmax": _through_both_probes(_products, hits, hits, pairs),
        "hungarian": _through_both_probes(lambda a, b: _best_matching(a, b, blocks, weights), scaled, scaled, pairs),
        "hungarian_chance": _through_both_probes(
            lambda a, b: _best_matching(a, _scores_apart(b, blocks, random), blocks, weights), scaled, scaled, pairs
        ),
    }
    keys = pair_keys(roles.study, roles.networks, pairs)
    return pd.concat(
        [
            keys.assign(matching=matching, score=score, agreement=column)
            for matching, values in results.items()
            for score, column in zip([*roles.scores, "all"], [*values.T, values @ weights], strict=True)
        ],
        ignore_index=True,
    )


def pair_keys(study: str, networks: pd.DataFrame, pairs: pd.DataFrame) -> pd.DataFrame:
    """The columns of an `agreement` table that name the networks a row compares, with a row for each of `pairs`."""
    seeds = networks[["init_seed", "data_seed"]].to_numpy()
    return pairs[["split_step", "pair"]].assign(
        study=study,
        init_seed=seeds[pairs["a"], 0],
        other_init_seed=seeds[pairs["b"], 0],
        data_seed=seeds[pairs["a"], 1],
        other_data_seed=seeds[pairs["b"], 1],
    )


def _through_both_probes(
    agree: Callable[[np.ndarray, np.ndarray], np.ndarray], left: np.ndarray, right: np.ndarray, pairs: pd.DataFrame
) -> np.ndarray:
    """The mean over the two ways to give the networks of a pair different probes, (pairs, scores)."""
    a, b = pairs["a"].to_numpy(), pairs["b"].to_numpy()
    return np.mean([agree(left[a, probe], right[b, 1 - probe]) for probe in PROBES], axis=0)


def _products(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    return np.einsum("pcs,pcs->ps", a, b)


def _permuted_within(blocks: list[np.ndarray], random: np.random.Generator) -> np.ndarray:
    return np.concatenate([random.permutation(block) for block in blocks])


def _scores_apart(values: np.ndarray, blocks: list[np.ndarray], random: np.random.Generator) -> np.ndarray:
    """Each score of each network permuted within layers on its own, (pairs, components, scores)."""
    return np.concatenate([random.permuted(values[:, block], axis=1) for block in blocks], axis=1)


def _best_matching(a: np.ndarray, b: np.ndarray, blocks: list[np.ndarray], weights: np.ndarray) -> np.ndarray:
    """Agreement after the within-layer permutations of `b` that maximise its weighted mean, (pairs, scores)."""
    matched = b.copy()
    for index in np.flatnonzero(np.isfinite(a).all((1, 2)) & np.isfinite(b).all((1, 2))):
        for block in blocks:
            _, order = linear_sum_assignment(a[index, block] * weights @ b[index, block].T, maximize=True)
            matched[index, block] = b[index, block[order]]
    return _products(a, matched)
