"""The cross-validated AUC with which a component at step k predicts its role at the end.

A component *has the role* of a score if at the end it is among the highest of its layer on it (ForecastSettings). A
logistic regression predicts the role, layer by layer, from the component at step k: its scores then, and the sizes of
its weights, each standardised within the layer of its network. Scores at step k come from probe 0, roles from probe 1,
so that no prediction rests on a shared sample.

The regression is fitted on all initialisations but one and ranks the components of the one left out, so no network is
on both sides. Only ranks within a layer of one network count, so chance is an AUC of 0.5 exactly: components are
exchangeable at initialisation, and a regression fitted on other networks does not know their numbers. Roles that are
permuted within layers confirm it.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, replace

import numpy as np
import pandas as pd
from scipy.stats import rankdata
from sklearn.linear_model import LogisticRegression

from workflow_scripts.ticketlab.core import statistics
from workflow_scripts.ticketlab.core.random_streams import generator
from workflow_scripts.ticketlab.core.statistics import Estimate
from workflow_scripts.ticketlab.instruments.role_agreement import RESOLUTION
from workflow_scripts.ticketlab.models.network import Network
from workflow_scripts.ticketlab.settings.forecast import ForecastSettings
from workflow_scripts.ticketlab.training.stack import Member, Stack, take

NOT_THERE = Estimate(np.nan, np.nan, np.nan, np.nan, 0)


def by_component(model: Network, tensors: Mapping[str, np.ndarray], layer: int) -> np.ndarray:
    """Mean square of the entries in each part of each component of a layer: (networks, components, parts).

    tensors: (networks, rows, columns) by name, weights or masks (of which it is the share kept).
    """
    components = [model.weights_of(component) for component in model.components if component.layer == layer]
    columns = []
    for part, place in components[0].items():
        own = [places[part].of(tensors[place.tensor]) for places in components]
        matrices = np.concatenate(own, axis=1 + place.axis).astype(np.float64)
        entries = np.moveaxis(matrices, 1 + place.axis, 1).reshape(len(matrices), len(components), -1)
        columns.append(np.square(entries).mean(axis=2))
    return np.stack(columns, axis=2)


def within_layer(values: np.ndarray) -> np.ndarray:
    """(networks, components, features), standardised over components; 0 where components do not differ."""
    centred = values - values.mean(axis=1, keepdims=True)
    deviation = centred.std(axis=1, keepdims=True)
    flat = deviation <= RESOLUTION * np.abs(values).max(axis=1, keepdims=True)
    return np.where(flat, 0.0, centred / np.where(flat, 1.0, deviation))


def roles_of(scores: np.ndarray, top_share: float) -> np.ndarray:
    """The components that have the role of each score: (networks, components, scores) to 0, 1, or NaN where none does.

    They are as many as the share says, at least one, and the first among equals. A layer whose components do not differ
    in a score has no such role, nor has a network that diverged.
    """
    count = max(1, round(top_share * scores.shape[1]))
    ranks = (-scores).argsort(axis=1, kind="stable").argsort(axis=1, kind="stable")
    spread = np.ptp(scores, axis=1, keepdims=True)
    told_apart = spread > RESOLUTION * np.abs(scores).max(axis=1, keepdims=True)
    return np.where(told_apart, (ranks < count).astype(float), np.nan)


def auc(scores: np.ndarray, roles: np.ndarray) -> float:
    """The probability that a component with the role is ranked before one without; ties count half."""
    positive = int(roles.sum())
    ranks = rankdata(scores)
    return float((ranks[roles > 0].sum() - positive * (positive + 1) / 2) / (positive * (len(roles) - positive)))


def leave_one_out(features: np.ndarray, roles: np.ndarray, settings: ForecastSettings) -> np.ndarray:
    """AUC of each role in each network by a regression on all other networks: (networks, scores); NaN without the role.

    features: (networks, components, features), one network per initialisation; roles: as roles_of returns them.
    """
    networks, _, scores = roles.shape
    found = np.full((networks, scores), np.nan)
    usable = np.isfinite(features).all((1, 2))[:, None] & np.isfinite(roles).all(1)
    for out, score in zip(*np.nonzero(usable), strict=True):
        train = usable[:, score] & (np.arange(networks) != out)
        if not train.any():
            continue
        model = LogisticRegression(C=settings.inverse_penalty, solver="newton-cholesky")
        model.fit(features[train].reshape(-1, features.shape[2]), roles[train, :, score].reshape(-1))
        found[out, score] = auc(model.decision_function(features[out]), roles[out, :, score])
    return found


def by_layer(frame: pd.DataFrame, probe: int) -> tuple[list[str], dict[int, np.ndarray]]:
    """Score names, and by layer the scores of networks in order of init seed: (networks, components, scores).

    frame: rows of `roles` of the dense networks at one step.
    """
    rows = frame[frame["probe"] == probe]
    wide = rows.pivot(index=["layer", "init_seed", "component"], columns="score", values="value").sort_index()
    networks = rows["init_seed"].nunique()
    layers = wide.groupby(level="layer")
    return list(wide.columns), {layer: part.to_numpy().reshape(networks, -1, wide.shape[1]) for layer, part in layers}


def arrays(stack: Stack) -> dict[str, np.ndarray]:
    """The tensors of a stack as NumPy arrays (N, *shape)."""
    return {name: tensor.cpu().numpy() for name, tensor in stack.items()}


def supermasks_by_kind(
    members: Sequence[Member], masks: Stack, densities: Sequence[float]
) -> dict[str, dict[str, np.ndarray]]:
    """Supermasks (N, *shape) by their variant and density, in words; level i of a member is the i-th of `densities`."""
    kinds: dict[str, list[int]] = {}
    for index, member in enumerate(members):
        kept = 100 * densities[member.level - 1]
        kinds.setdefault(f"{member.variant}, {kept:g}% kept", []).append(index)
    return {name: arrays(take(masks, indices)) for name, indices in kinds.items()}


def forecasts(
    study: str,
    model: Network,
    early: Mapping[int, tuple[pd.DataFrame, Mapping[str, np.ndarray]]],
    end: pd.DataFrame,
    settings: ForecastSettings,
    alpha: float,
) -> Iterator[dict]:
    """Rows of the `forecast` table about AUCs.

    early: by step, the rows of `roles` there (probe 0 at least) and the weights, (networks in order of init seed, …) by
    tensor; end: rows of `roles` at the last step, both probes. The AUC of a score is the mean over layers, "all" the
    mean over scores.

    The networks left out in turn are predicted by regressions that share most of their data, so the errors of their
    AUCs are correlated, and by chance alone their mean deviates further than their spread suggests. Permuted roles show
    how far (contrast "permuted", at the first step: mean and interval over permutations). The interval is the wider one
    of Student's t over initialisations and that of the mean under permutation.
    """
    names, ends = by_layer(end, 1)
    roles = {layer: roles_of(scores, settings.top_share) for layer, scores in ends.items()}
    inits = [int(init) for init in sorted(end["init_seed"].unique())]
    features = {
        step: {
            layer: within_layer(np.concatenate([scores, by_component(model, weights, layer)], axis=2))
            for layer, scores in by_layer(frame, 0)[1].items()
        }
        for step, (frame, weights) in early.items()
    }
    first = min(early)
    permuted = [_permuted(study, roles, inits, index) for index in range(settings.permutations)]
    by_chance = np.stack([_mean(_by_score(features[first], control, settings), axis=0) for control in permuted])
    strays = [statistics.mean_interval(column, alpha) for column in by_chance.T]
    scores = [*names, "all"]
    for score, chance in zip(scores, strays, strict=True):
        yield _row(first, "AUC", "permuted", score, chance)
    least = (by_chance.std(axis=0, ddof=1) * statistics.quantile(1 - alpha / 2, len(permuted) - 1)).tolist()
    for step in early:
        values = _by_score(features[step], roles, settings)
        for score, column, half in zip(scores, values.T, least, strict=True):
            known = column[np.isfinite(column)]
            found = statistics.mean_interval(known, alpha) if len(known) else NOT_THERE
            low, high = min(found.ci_low, found.estimate - half), max(found.ci_high, found.estimate + half)
            yield _row(step, "AUC", "roles", score, replace(found, ci_low=low, ci_high=high))


def _by_score(features: dict[int, np.ndarray], roles: dict[int, np.ndarray], settings: ForecastSettings) -> np.ndarray:
    """AUC of each network on each score, mean over layers, and last the mean over scores: (networks, scores + 1)."""
    values = _mean(np.stack([leave_one_out(features[layer], roles[layer], settings) for layer in features]), axis=0)
    return np.concatenate([values, _mean(values, axis=1)[:, None]], axis=1)


def _permuted(study: str, roles: dict[int, np.ndarray], inits: list[int], index: int) -> dict[int, np.ndarray]:
    """The roles of each score permuted within each layer of each network."""
    return {
        layer: np.stack(
            [
                generator(study, "foretelling control", int(init), layer, index).permuted(own, axis=0)
                for init, own in zip(inits, values, strict=True)
            ]
        )
        for layer, values in roles.items()
    }


def supermask_overlap(
    model: Network, masks: Mapping[str, Mapping[str, np.ndarray]], end: pd.DataFrame, alpha: float
) -> Iterator[dict]:
    """Rows of the `forecast` table about supermasks: whether they keep more of the components that matter later.

    masks: by name of the supermask, (networks in order of init seed, …) by tensor; end: rows of `roles` at the last
    step. Spearman's correlation, within layers and averaged over them, of the share of a component's weights that the
    supermask keeps with its ablation effect in the trained network, averaged over slices and probes. Contrast "all" is
    the mean over supermasks, "all, other init" that with the effects in the next initialisation's network: chance.
    """
    ablation = end[end["score"].str.startswith("ablation")]
    effects = {}
    for layer, rows in ablation.groupby("layer"):
        # Not pivot_table, which leaves out a diverged network's row.
        effects[layer] = rows.groupby(["init_seed", "component"])["value"].mean().unstack().to_numpy()
    own, other = [], []
    for name, tensors in masks.items():
        chosen = {layer: by_component(model, tensors, layer).mean(axis=2) for layer in effects}
        own.append(np.mean([_spearman(chosen[layer], effects[layer]) for layer in effects], axis=0))
        shifted = [_spearman(chosen[layer], np.roll(effects[layer], -1, axis=0)) for layer in effects]
        other.append(np.mean(shifted, axis=0))
        yield _row(0, "supermask", name, "all", statistics.mean_interval(own[-1], alpha))
    for contrast, values in (("all", own), ("all, other init", other)):
        yield _row(0, "supermask", contrast, "all", statistics.mean_interval(np.mean(values, axis=0), alpha))


def _spearman(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """Rank correlation of each row, (networks,); 0 where one of the two does not differ between components."""
    ranks = [rankdata(values, axis=1) for values in (first, second)]
    a, b = (within_layer(values[:, :, None])[:, :, 0] for values in ranks)
    return (a * b).mean(axis=1)


def _mean(values: np.ndarray, axis: int) -> np.ndarray:
    """The mean of the values that are not NaN; NaN where all are."""
    known = np.isfinite(values)
    count = known.sum(axis=axis)
    return np.where(count > 0, np.where(known, values, 0.0).sum(axis=axis) / np.maximum(count, 1), np.nan)


def _row(step: int, quantity: str, contrast: str, score: str, result: Estimate) -> dict:
    numbers = {name: value for name, value in asdict(result).items() if name != "p"}
    return {"step": step, "quantity": quantity, "contrast": contrast, "score": score, **numbers}
