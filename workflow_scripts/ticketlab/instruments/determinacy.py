"""How far the initialisation decides roles: agreement between data orders over the agreement of exact replicates."""

import numpy as np
import pandas as pd

from workflow_scripts.ticketlab.core import statistics
from workflow_scripts.ticketlab.core.random_streams import generator

CONFIDENCE = 0.95


def determinacy(
    frame: pd.DataFrame, pair: str = "same_init", matching: str = "identity", permutations: int = 2000
) -> pd.DataFrame:
    """D = (agreement − chance)/(ceiling − chance) by split step and score, from an `agreement` table.

    Agreement is that of `pair`, a mean over inits (or pairs of inits) of the mean over data orders; ceiling is the mean
    over inits of the exact replicates' agreement; chance is 0, or hungarian_chance for matching "hungarian".

    Interval, 95 %: pairs share networks, so it comes from the jackknife over inits (Tukey 1958) with Student's t,
    which suits the ratio and both kinds of pairs.
    p, one-sided, for same_init: init labels are permuted among all networks of the split step. Under the hypothesis
    that an init (and the steps before the split) tells nothing about roles, the networks are exchangeable, so the test
    is exact, also with pairs that share networks. m networks on each of n inits have (nm)!/(m!^n n!) groupings, 105 at
    n = 4, m = 2; a sign test on one value per init could not go below 2^−n, at n = 4 not below .06.

    Returns columns study, split_step, pair, matching, score, agreement and ceiling (both less chance), estimate,
    ci_low, ci_high, p, n (inits), reason. Where exact replicates do not agree above chance (the 95 % interval of their
    mean reaches 0), or inits are too few, estimate and interval are NaN and `reason` says why; else it is empty.
    """
    rows = less_chance(frame, matching)
    columns = ["study", "split_step", "pair", "matching", "score", "agreement", "ceiling"]
    columns += ["estimate", "ci_low", "ci_high", "p", "n", "reason"]
    results = []
    for (study, split_step), group in rows.groupby(["study", "split_step"]):
        if not (group["pair"] == pair).any():
            continue
        replicates = rows[(rows["study"] == study) & (rows["pair"] == "replicate")]
        for score, compared in group.groupby("score"):
            ceilings = replicates[replicates["score"] == score].groupby("init_seed")["agreement"].mean()
            result = _ratio(compared[compared["pair"] == pair], ceilings)
            p = np.nan
            if pair == "same_init":
                labelled = compared[compared["pair"].isin(["same_init", "other_init"])]
                p = _label_permutation(labelled, permutations, generator(study, "init labels", int(split_step)))
            keys = {"study": study, "split_step": split_step, "pair": pair, "matching": matching, "score": score}
            results.append({**keys, **result, "p": p})
    return pd.DataFrame(results, columns=columns)


def pooled(frame: pd.DataFrame, pair: str) -> dict:
    """D of a kind of pair over all split steps, as `determinacy` gives it; identity matching, mean over scores."""
    rows = less_chance(frame[frame["score"] == "all"], "identity")
    ceilings = rows[rows["pair"] == "replicate"].groupby("init_seed")["agreement"].mean()
    return _ratio(rows[rows["pair"] == pair], ceilings)


def difference(frame: pd.DataFrame, pair: str, reference: str) -> dict:
    """D of a kind of pair minus D of another, at split step 0; identity matching, mean over scores.

    Paired by init: the jackknife leaves the same init out of both. Keys estimate, ci_low, ci_high, n, as `determinacy`.
    """
    rows = less_chance(frame[frame["score"].eq("all") & frame["split_step"].eq(0)], "identity")
    by_pair = rows.groupby(["pair", "init_seed"])["agreement"].mean().unstack("pair")
    columns = [pair, reference, "replicate"]
    values = by_pair.reindex(columns=columns).dropna().to_numpy()
    n, undecided = len(values), {"estimate": np.nan, "ci_low": np.nan, "ci_high": np.nan}
    if n < 2 or _least(values[:, 2]) <= 0:
        return undecided | {"n": n}

    def found(kept: np.ndarray) -> float:
        first, second, ceiling = kept.mean(axis=0)
        return float((first - second) / ceiling)

    margin = statistics.jackknife_margin([found(np.delete(values, i, axis=0)) for i in range(n)], 1 - CONFIDENCE)
    estimate = found(values)
    return {"estimate": estimate, "ci_low": estimate - margin, "ci_high": estimate + margin, "n": n}


def less_chance(frame: pd.DataFrame, matching: str) -> pd.DataFrame:
    """The rows of a matching, each minus its chance, without networks that diverged."""
    keys = [column for column in frame.columns if column not in ("matching", "agreement")]
    rows = frame[frame["matching"] == matching].set_index(keys)["agreement"]
    if matching == "hungarian":
        rows = rows - frame[frame["matching"] == "hungarian_chance"].set_index(keys)["agreement"]
    return rows.dropna().reset_index()


def _ratio(compared: pd.DataFrame, ceilings: pd.Series) -> dict:
    """Mean agreement over mean ceiling with its jackknife interval over the inits that have both."""
    inits = sorted(set(compared["init_seed"]) | set(compared["other_init_seed"]))
    inits = [init for init in inits if init in ceilings.index]
    by_inits = compared.groupby(["init_seed", "other_init_seed"])["agreement"].mean()
    first, second = (by_inits.index.get_level_values(level) for level in (0, 1))

    def means(kept: list[int]) -> tuple[float, float]:
        within = first.isin(kept) & second.isin(kept)
        return by_inits[within].mean(), ceilings[kept].mean()

    n = len(inits)
    without = [means([other for other in inits if other != init]) for init in inits]
    agreement, ceiling = means(inits) if n else (np.nan, np.nan)
    result: dict[str, float | str] = {"agreement": agreement, "ceiling": ceiling, "n": n, "reason": ""}
    result |= {"estimate": np.nan, "ci_low": np.nan, "ci_high": np.nan}
    if n < 2 or np.isnan(without).any():
        return result | {"reason": f"too few inits ({n}) with this pair and an exact replicate"}
    least = _least(ceilings[inits])
    if least <= 0:
        return result | {"reason": f"not reproducible: exact replicates agree at {ceiling:.2f} ± {ceiling - least:.2f}"}
    margin = statistics.jackknife_margin([some / most for some, most in without], 1 - CONFIDENCE)
    estimate = agreement / ceiling
    return result | {"estimate": estimate, "ci_low": estimate - margin, "ci_high": estimate + margin}


def _least(ceilings: np.ndarray | pd.Series) -> float:
    """The lower end of the interval of exact replicates' mean agreement; their common value where all are the same."""
    found = statistics.mean_interval(ceilings, 1 - CONFIDENCE)
    return found.estimate if np.isnan(found.ci_low) else found.ci_low


def _label_permutation(pairs: pd.DataFrame, permutations: int, random: np.random.Generator) -> float:
    """p of the mean agreement within inits under permutation of the networks' init labels; pairs: all, of one score."""
    first = pd.MultiIndex.from_frame(pairs[["init_seed", "data_seed"]])
    second = pd.MultiIndex.from_frame(pairs[["other_init_seed", "other_data_seed"]], names=first.names)
    networks = first.union(second).unique()
    labels = networks.get_level_values(0).to_numpy()
    a, b = networks.get_indexer(first), networks.get_indexer(second)
    shuffled = np.stack([labels, *(random.permutation(labels) for _ in range(permutations))])
    within = shuffled[:, a] == shuffled[:, b]
    observed, *permuted = within @ pairs["agreement"].to_numpy() / within.sum(axis=1)
    return (1 + (np.array(permuted) >= observed - 1e-12).sum()) / (1 + permutations)
