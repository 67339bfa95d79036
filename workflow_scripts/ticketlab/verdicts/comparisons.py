"""Estimates with intervals from the tables of one study: everything that a verdict or a figure compares.

Rows are in the `comparisons` table. `contrast` is either the name of one thing ("ticket", "dense", "acquired"), whose
mean over seeds is the estimate, or a difference "a - b", paired by seed. Lower is better for losses and errors.
Differences of networks at their ends have intervals over seeds and test examples, all others over seeds.
"""

from collections.abc import Iterator, Mapping
from itertools import product

import numpy as np
import pandas as pd

from workflow_scripts.ticketlab.core import statistics
from workflow_scripts.ticketlab.core.random_streams import CHAOS, REORDERED
from workflow_scripts.ticketlab.core.statistics import Estimate
from workflow_scripts.ticketlab.instruments.determinacy import determinacy, difference, pooled
from workflow_scripts.ticketlab.instruments.role_holders import changes
from workflow_scripts.ticketlab.instruments.transience import (
    CONTEXT,
    ELSEWHERE,
    PART,
    PATH,
    acquisition_and_forgetting,
    share_retained,
)
from workflow_scripts.ticketlab.settings.judging import JudgingSettings
from workflow_scripts.ticketlab.settings.pruning import DECISIVE, TOTALS
from workflow_scripts.ticketlab.verdicts import best_rates as choice

CELL = ["rewind_step", "level"]
# The controls that a winning ticket must beat, by more than the margin δ.
DECISIVE_CONTROLS = DECISIVE
DENSE_TOTAL, TICKET_TOTAL = TOTALS
OTHER_ORDER = "other_order"  # the control whose mask another data order found
EARLY_STOP = "early_stop"  # the quantity of TICKETS that is counted in steps
TICKETS, SUPERMASKS, ROLES, STRUCTURE, LLC, MASKS = "tickets", "supermask", "roles", "structure", "llc", "masks"
BEST_RATES = "best_rates"  # as TICKETS at the end, each kind of network at its best learning rate
EMPTIED = "emptied"
DENSE = ("dense", 0, 0)
# The metric of networks at their ends, seeds × test examples, by variant, rewind step and level.
ByExample = Mapping[tuple[str, int, int], pd.DataFrame]
NOT_BY_EXAMPLE: ByExample = {}
NOT_AT_RATES: Mapping[float, ByExample] = {}
BARRIERS = "barriers"  # only the clock's figure has them
LOG_RATIO = "log of llc"  # a quantity of LLC
AGREEMENT, DETERMINACY, CHANCE, CHANGES = "agreement", "determinacy", "chance", "changes"  # the quantities of ROLES
OF_PART, OF_CONTEXT = f"distance, {PART}", f"distance, {CONTEXT}"  # contrasts of STRUCTURE


def ends_by_example(examples: pd.DataFrame, metric: str) -> ByExample:
    """This metric in table `examples`."""
    mine = examples[examples["metric"] == metric]
    return {
        key: pd.DataFrame(np.stack(group["values"].tolist()).astype(float), index=group["init_seed"]).sort_index()
        for key, group in mine.groupby(["variant", *CELL])
    }


def tickets(
    metrics: pd.DataFrame, settings: JudgingSettings, last_step: int, by_example: ByExample = NOT_BY_EXAMPLE
) -> Iterator[dict]:
    """T1: each variant's course, its difference to dense at equal steps, and the ticket's to each control at the end.

    Networks that train for IMP's total steps end later than `last_step`; they are compared at their own end. The steps
    of the least validation loss are compared as well.

    by_example: of ends_by_example; without it every interval is over seeds only.
    """
    rows = metrics[metrics["split"].eq("test") & metrics["metric"].eq(settings.metric)]
    density = rows.groupby(["variant", *CELL])["density"].mean()
    dense = _by_seed(rows[rows["variant"] == "dense"])
    for step in dense.columns:
        yield _row(TICKETS, settings.metric, "dense", statistics.mean_interval(dense[step], settings.alpha), step=step)
    for (variant, rewind_step, level), group in rows[rows["variant"] != "dense"].groupby(["variant", *CELL]):
        if variant.startswith("supermask"):
            continue
        values = _by_seed(group)
        at = {"rewind_step": rewind_step, "level": level, "density": density[variant, rewind_step, level]}
        for step in values.columns:
            mean = statistics.mean_interval(values[step], settings.alpha)
            yield _row(TICKETS, settings.metric, variant, mean, step=step, **at)
            if variant not in TOTALS and step in dense.columns:
                difference: pd.Series | np.ndarray = _paired(values[step], dense[step])
                if step == last_step:
                    ends = (variant, rewind_step, level), DENSE
                    difference = _crossed(difference, *ends, by_example)
                result = statistics.not_worse(difference, settings.margin, settings.alpha)
                yield _row(TICKETS, settings.metric, f"{variant} - dense", result, step=step, **at)
        if variant == "ticket":
            yield from _against_controls(rows, settings, at, last_step, by_example)
    yield from _early_stopping(metrics, settings, density)


def best_rates(
    metrics: pd.DataFrame,
    rates: pd.DataFrame,
    settings: JudgingSettings,
    last_step: int,
    by_example: Mapping[float, ByExample] = NOT_AT_RATES,
) -> Iterator[dict]:
    """T1 at the end with every kind of network at its own best learning rate, chosen on validation (best_rates.py).

    rates: table `rates`. by_example: of ends_by_example, by rate. The validation loss at every rate
    is given as well. Differences are paired by seed.
    """
    networks = choice.at_all_rates(metrics, rates, last_step)
    density = networks.groupby(choice.KIND)["density"].mean()
    losses = networks[networks["split"].eq("validation") & networks["metric"].eq("loss")]
    for (variant, rewind_step, level, rate), group in losses.groupby([*choice.KIND, "rate"]):
        at = {"rewind_step": rewind_step, "level": level, "density": density[variant, rewind_step, level]}
        result = statistics.mean_interval(_by_seed(group).iloc[:, -1], settings.alpha)
        yield _row(BEST_RATES, choice.VALIDATION_LOSS, variant, result, step=last_step, rate=rate, **at)
    chosen = choice.best(networks)
    rows = chosen[chosen["split"].eq("test") & chosen["metric"].eq(settings.metric)]
    at_best = {
        kind: by_example[group["rate"].iloc[0]][kind]
        for kind, group in rows.groupby(choice.KIND)
        if kind in by_example.get(group["rate"].iloc[0], {})
    }
    kinds = {kind: (group["rate"].iloc[0], _by_seed(group).iloc[:, -1]) for kind, group in rows.groupby(choice.KIND)}
    for (variant, rewind_step, level), (rate, values) in kinds.items():
        at = {"rewind_step": rewind_step, "level": level, "density": density[variant, rewind_step, level]}
        mean = statistics.mean_interval(values, settings.alpha)
        yield _row(BEST_RATES, settings.metric, variant, mean, step=last_step, rate=rate, **at)
        others = {} if variant == "dense" else {"dense": (DENSE, settings.margin)}
        if variant == "ticket":
            others |= {name: ((name, rewind_step, level), -settings.margin) for name in DECISIVE_CONTROLS}
        for other, (kind, margin) in others.items():
            other_rate, compared = kinds[kind]
            difference = _crossed(_paired(values, compared), (variant, rewind_step, level), kind, at_best)
            result = statistics.not_worse(difference, margin, settings.alpha)
            both = {"step": last_step, "rate": rate, "other_rate": other_rate}
            yield _row(BEST_RATES, settings.metric, f"{variant} - {other}", result, **both, **at)


def at_the_end(rows: pd.DataFrame, settings: JudgingSettings, last_step: int) -> pd.DataFrame:
    """T1's rows at the end of training; those at best rates in the place of those at the recipe's, where they exist.

    Networks that were trained at the recipe's rate alone are compared with dense at that rate.
    """
    end = rows[rows["quantity"].eq(settings.metric) & rows["step"].eq(last_step)]
    best = end[end["test"] == BEST_RATES]
    return pd.concat([best, end[end["test"] == TICKETS]]).drop_duplicates([*CELL, "contrast"]).sort_index()


def emptied(metrics: pd.DataFrame) -> Iterator[dict]:
    """The parts of networks in which pruning left no weight, by variant and round: the share of networks, if any.

    The part is the quantity, the variant is the contrast.
    """
    networks = metrics.drop_duplicates(["variant", *CELL, "init_seed", "data_seed"])
    for (variant, rewind_step, level), group in networks.groupby(["variant", *CELL]):
        parts = group["emptied"].str.split(", ").explode()
        for part, count in parts[parts != ""].value_counts().sort_index().items():
            share = Estimate(count / len(group), np.nan, np.nan, np.nan, len(group))
            at = {"rewind_step": rewind_step, "level": level, "density": group["density"].mean()}
            yield _row(EMPTIED, part, variant, share, **at)


def _against_controls(
    rows: pd.DataFrame,
    settings: JudgingSettings,
    at: dict,
    last_step: int,
    by_example: ByExample,
) -> Iterator[dict]:
    """p is of "not better by more than δ" for a control of the ticket's own size, of "worse by δ" for dense_total."""
    here = rows[rows["rewind_step"].eq(at["rewind_step"]) & rows["level"].eq(at["level"])]
    ends = {variant: _by_seed(group).iloc[:, -1] for variant, group in here.groupby("variant")}
    cell = (at["rewind_step"], at["level"])

    def difference(first: str, second: str) -> pd.Series | np.ndarray:
        return _crossed(_paired(ends[first], ends[second]), (first, *cell), (second, *cell), by_example)

    for variant in ends:
        if variant in ("ticket", TICKET_TOTAL, "dense", "spawned") or variant.startswith("supermask"):
            continue
        margin = settings.margin if variant == DENSE_TOTAL else -settings.margin
        result = statistics.not_worse(difference("ticket", variant), margin, settings.alpha)
        yield _row(TICKETS, settings.metric, f"ticket - {variant}", result, step=last_step, **at)
    if ends.keys() >= {OTHER_ORDER, "shuffled"}:
        result = statistics.not_worse(difference(OTHER_ORDER, "shuffled"), -settings.margin, settings.alpha)
        yield _row(TICKETS, settings.metric, f"{OTHER_ORDER} - shuffled", result, step=last_step, **at)
    if ends.keys() >= {*TOTALS}:
        result = statistics.not_worse(difference(TICKET_TOTAL, DENSE_TOTAL), settings.margin, settings.alpha)
        step = here.loc[here["variant"] == TICKET_TOTAL, "step"].max()
        yield _row(TICKETS, settings.metric, f"{TICKET_TOTAL} - {DENSE_TOTAL}", result, step=step, **at)


def _early_stopping(metrics: pd.DataFrame, settings: JudgingSettings, density: pd.Series) -> Iterator[dict]:
    """The early-stopping step (Frankle & Carbin 2019) of tickets and their controls against dense's, paired by seed.

    Dense is taken from the step on at which the other network exists.
    """
    rows = metrics[metrics["split"].eq("validation") & metrics["metric"].eq("loss")]
    dense = _by_seed(rows[rows["variant"] == "dense"])
    kept = rows["variant"].isin(["ticket", *DECISIVE_CONTROLS])
    for (variant, rewind_step, level), group in rows[kept].groupby(["variant", *CELL]):
        values = _by_seed(group)
        mine, of_dense = least_loss_steps(values), least_loss_steps(dense[dense.columns.intersection(values.columns)])
        at = {"rewind_step": rewind_step, "level": level, "density": density[variant, rewind_step, level]}
        yield _row(TICKETS, EARLY_STOP, variant, statistics.mean_interval(mine, settings.alpha), **at)
        later = statistics.mean_interval(_paired(mine, of_dense), settings.alpha)
        yield _row(TICKETS, EARLY_STOP, f"{variant} - dense", later, **at)


def least_loss_steps(values: pd.DataFrame) -> pd.Series:
    """For each seed the first recorded step at which its curve (seeds × recorded steps) is lowest; NaN if it diverged.

    It is no finer than the recorded steps.
    """
    finite = np.isfinite(values).all(axis=1)
    return values[finite].idxmin(axis=1).astype(float).reindex(values.index)


def supermasks(
    metrics: pd.DataFrame,
    settings: JudgingSettings,
    by_example: ByExample = NOT_BY_EXAMPLE,
    rates: pd.DataFrame | None = None,
    at_rates: Mapping[float, ByExample] = NOT_AT_RATES,
) -> Iterator[dict]:
    """The strong form: masked but untrained networks against dense ones, and against a random mask (step 0).

    rates, at_rates: as of best_rates; with them the dense network is the one at its own best rate, as in T1.
    """
    rows = metrics[metrics["split"].eq("test") & metrics["metric"].eq(settings.metric)]
    trained, rate = rows[rows["variant"] == "dense"], 1.0
    if rates is not None:
        best = choice.best(choice.at_all_rates(metrics, rates, trained["step"].max()))
        trained = best[best["variant"].eq("dense") & best["split"].eq("test") & best["metric"].eq(settings.metric)]
        rate = trained["rate"].iloc[0]
        dense_ends = {key: ends for key, ends in at_rates.get(rate, {}).items() if key == DENSE}
        by_example = {key: ends for key, ends in by_example.items() if key != DENSE} | dense_ends
    dense = _by_seed(trained).iloc[:, -1]
    masked = rows[rows["variant"].str.startswith("supermask")]
    for (variant, level), group in masked.groupby(["variant", "level"]):
        values = _by_seed(group)
        found, random = values.iloc[:, -1], values.iloc[:, 0]
        at = {"level": level, "density": group["density"].mean(), "step": values.columns[-1]}
        yield _row(SUPERMASKS, settings.metric, variant, statistics.mean_interval(found, settings.alpha), **at)
        difference = _crossed(_paired(found, dense), (variant, 0, level), DENSE, by_example)
        against_dense = statistics.not_worse(difference, settings.margin, settings.alpha)
        yield _row(SUPERMASKS, settings.metric, f"{variant} - dense", against_dense, **at, other_rate=rate)
        against_random = statistics.better(_paired(found, random), settings.alpha)
        yield _row(SUPERMASKS, settings.metric, f"{variant} - random mask", against_random, **at)


def roles(agreements: pd.DataFrame, settings: JudgingSettings) -> Iterator[dict]:
    """T2: agreement of each kind of pair over inits, and determinacy by split step, score and matching.

    Also the differences between the determinacies of same_init, chaos and reordered pairs, paired by init, and that of
    other initialisations over all split steps ("chance"), the control.
    Pairs of different inits share networks, so their agreements get no interval here; their determinacy has one.
    """
    kinds = ["split_step", "pair", "matching", "score"]
    for (step, pair, matching, score), group in agreements.groupby(kinds):
        by_init = group.groupby("init_seed")["agreement"].agg(lambda values: values.mean(skipna=False))
        result = statistics.mean_interval(by_init, settings.alpha)
        if pair == "other_init":
            result = Estimate(result.estimate, np.nan, np.nan, np.nan, result.n)
        yield _row(ROLES, AGREEMENT, pair, result, step=step, matching=matching, score=score)
    for pair, matching in product(("same_init", "other_init", CHAOS, REORDERED), ("identity", "hungarian")):
        for _, row in determinacy(agreements, pair, matching).iterrows():
            result = Estimate(row["estimate"], row["ci_low"], row["ci_high"], row["p"], row["n"])
            at = {"step": row["split_step"], "matching": matching, "score": row["score"]}
            yield _row(ROLES, DETERMINACY, pair, result, **at)
    for first, second in (("same_init", CHAOS), ("same_init", REORDERED), (REORDERED, CHAOS)):
        if {first, second} <= set(agreements["pair"]):
            yield _row(
                ROLES,
                DETERMINACY,
                f"{first} - {second}",
                _of(difference(agreements, first, second)),
                matching="identity",
                score="all",
            )
    yield _row(ROLES, CHANCE, "other_init", _of(pooled(agreements, "other_init")), matching="identity", score="all")


def _of(found: dict) -> Estimate:
    return Estimate(found["estimate"], found["ci_low"], found["ci_high"], np.nan, found["n"])


def changed_holders(found: pd.DataFrame, settings: JudgingSettings) -> pd.DataFrame:
    """The roles of table `role_holders` with and without another holder (`changes`), by the study's thresholds."""
    return changes(found, settings.clear, settings.held)


def changed_roles(found: pd.DataFrame, settings: JudgingSettings) -> Iterator[dict]:
    """T2, existence: the share of initialisations in which another part holds a role, with its exact interval.

    p is of the hypothesis that no more change than a test at α finds where nothing does.
    """
    changed = changed_holders(found, settings)
    for (step, pair, role), group in changed.groupby(["split_step", "pair", "role"]):
        hits, n = int(group["changed"].sum()), len(group)
        interval = statistics.share(hits, n, settings.alpha)
        result = Estimate(hits / n, *interval, statistics.at_least(hits, n, settings.alpha), n)
        yield _row(ROLES, CHANGES, pair, result, step=step, score=role)


def of_roles(rows: pd.DataFrame, quantity: str, matching: str = "identity") -> pd.DataFrame:
    """The rows on roles that answer T2, by one matching: the mean over scores."""
    mine = rows["test"].eq(ROLES) & rows["quantity"].eq(quantity)
    return rows[mine & rows["matching"].eq(matching) & rows["score"].eq("all")]


def structure(distances: pd.DataFrame, retained: pd.DataFrame, settings: JudgingSettings) -> Iterator[dict]:
    """T3: distance to each reference predictor over training; the shares acquired, forgotten and retained.

    distances, retained: tables `structure` and `retained`. Contrasts: "acquired" A; "forgotten" F; "beyond path", A
    less that of the straight path, paired by seed; "retained" R, by the way that shows most of it in that seed, since
    one is enough; "retained, by another's part", its null. Where the distance is of a component of the network, this
    component is the part. OF_PART and OF_CONTEXT are the mean distances of what is left.
    """
    for name, group in distances.groupby("structure"):
        values = _distances(group)
        for step in values.columns:
            result = statistics.mean_interval(values[step], settings.alpha)
            yield _row(STRUCTURE, name, "distance", result, step=step)
        course = acquisition_and_forgetting(values.columns.tolist(), values.to_numpy())
        # The two halves of the seeds may turn at different steps: the earlier one is given for both, and was recorded.
        turning = int(course.turning_step.min())
        ways = {way: _distances(part) for way, part in retained[retained["structure"] == name].groupby("way")}
        # Rounded, since what is nearest at an end of the path is as near there, to the last digit of a sum.
        beyond = np.round(course.acquired - (1 - ways.pop(PATH).iloc[:, -1] / values[0]).to_numpy(), 12)
        for contrast, shares, threshold in (
            ("acquired", course.acquired, settings.acquired),
            ("beyond path", beyond, settings.detour),
            ("forgotten", course.forgotten[~np.isnan(course.forgotten)], settings.forgotten),
        ):
            if len(shares):  # a seed that never came nearer cannot forget
                result = statistics.exceeds(shares, threshold, settings.alpha)
                yield _row(STRUCTURE, name, contrast, result, step=turning)
        for way, course_of_way in ways.items():
            for step in course_of_way.columns:
                result = statistics.mean_interval(course_of_way[step], settings.alpha)
                yield _row(STRUCTURE, name, f"distance, {way}", result, step=step)
        left = {way: share_retained(values.columns.tolist(), found, course.turning_step) for way, found in ways.items()}
        of_another = left.pop(ELSEWHERE, None)
        kept = (
            share_retained(values.columns.tolist(), values, course.turning_step)
            if not left
            else np.fmax.reduce(list(left.values()))
        )
        for contrast, shares in (("retained", kept), ("retained, by another's part", of_another)):
            if shares is not None and not np.isnan(shares).all():
                known = shares[~np.isnan(shares)]
                result = statistics.not_worse(known, settings.retained, settings.alpha)
                yield _row(STRUCTURE, name, contrast, result, step=turning)


def learning_coefficients(estimates: pd.DataFrame, densities: pd.Series, settings: JudgingSettings) -> Iterator[dict]:
    """LLC of dense checkpoints and of tickets, over the seeds whose estimate carries no flag; flagged ones counted.

    densities: of the tickets, by level. Of flagged estimates, only those away from a minimum are still shown, as a
    complexity at this scale (quantity "complexity"), since early checkpoints are never at one. LOG_RATIO: the logarithm
    of a ticket's λ̂ over the dense network's at the same step, paired by seed, over the seeds where neither estimate
    carries a flag and both are positive.
    """
    sound = estimates[estimates["flag"].eq("") & estimates["llc"].gt(0)]
    of_dense = sound[sound["variant"] == "dense"].set_index("init_seed")[["step", "llc"]]
    for (variant, level, step), group in estimates.groupby(["variant", "level", "step"]):
        at = {"level": level, "density": densities.get(level, 1.0), "step": step}
        good = group[group["flag"] == ""]
        if len(good):
            yield _row(LLC, "llc", variant, statistics.mean_interval(good["llc"], settings.alpha), **at)
        shown = group[group["flag"].isin(["", "not_a_minimum"])]
        if len(shown):
            yield _row(LLC, "complexity", variant, statistics.mean_interval(shown["llc"], settings.alpha), **at)
        share = statistics.mean_interval((group["flag"] != "").astype(float), settings.alpha)
        yield _row(LLC, "flagged", variant, share, **at)
        mine = good[good["llc"] > 0].set_index("init_seed")["llc"]
        paired = np.log(mine / of_dense.loc[of_dense["step"] == step, "llc"]).dropna()
        if variant != "dense" and len(paired):
            yield _row(LLC, LOG_RATIO, f"{variant} / dense", statistics.mean_interval(paired, settings.alpha), **at)


def masks(overlaps: pd.DataFrame, settings: JudgingSettings) -> Iterator[dict]:
    """Overlap of the magnitude mask at step t with a reference mask, over chance: the mean over tensors, by seed.

    For spawned networks, whose final masks are compared, the step is the one at which their data orders split.
    """
    at = overlaps["rewind_step"].where(overlaps["variant"] == "spawned", overlaps["step"])
    for (reference, level, step), group in overlaps.assign(step=at).groupby(["reference", "level", "step"]):
        for contrast in ("jaccard", "chance", "excess", "given_initial", "beyond_initial", "update_correlation"):
            if group[contrast].isna().all():
                continue  # the reference is a mask alone
            by_seed = group.groupby("init_seed")[contrast].mean()
            result = statistics.mean_interval(by_seed, settings.alpha)
            yield _row(MASKS, reference, contrast, result, level=level, step=step)
    # The control of P2: updates of different initialisations, whose correlation no split step should change.
    others = overlaps[overlaps["reference"] == "dense_final_other_init"].dropna(subset=["update_correlation"])
    if len(others):
        by_seed = others.groupby("init_seed")["update_correlation"].mean()
        yield _row(MASKS, CHANCE, "update_correlation", statistics.mean_interval(by_seed, settings.alpha))


def barriers(frame: pd.DataFrame, alpha: float) -> Iterator[dict]:
    """For the clock's figure: the barrier by metric, kind of pair and split step; frame: of table `barriers`.

    The data orders of one initialisation are averaged. Pairs of different initialisations form a ring, so each network
    is in two of them and their interval is a little too narrow.
    """
    for (metric, pair, split_step), group in frame.groupby(["metric", "pair", "split_step"]):
        by_init = group.groupby("init_seed")["barrier"].agg(lambda values: values.mean(skipna=False))
        yield _row(BARRIERS, metric, pair, statistics.mean_interval(by_init, alpha), step=split_step)


def _distances(rows: pd.DataFrame) -> pd.DataFrame:
    """Distances as seeds × steps, both ascending."""
    return rows.pivot(index="init_seed", columns="step", values="distance").sort_index().sort_index(axis=1)


def _by_seed(rows: pd.DataFrame) -> pd.DataFrame:
    """Values as seeds × steps, both ascending."""
    return rows.pivot(index="init_seed", columns="step", values="value").sort_index().sort_index(axis=1)


def _paired(first: pd.Series, second: pd.Series) -> pd.Series:
    """first − second, seed by seed; both must have the same seeds."""
    if not first.index.equals(second.index):
        raise ValueError(f"unpaired seeds: {first.index.tolist()} and {second.index.tolist()}")
    return first - second


def _crossed(
    difference: pd.Series, first: tuple[str, int, int], second: tuple[str, int, int], by_example: ByExample
) -> pd.Series | np.ndarray:
    """The paired difference, on each example (seeds, examples) if both networks have that; its means are the same."""
    if not {first, second} <= by_example.keys():
        return difference
    mine, others = by_example[first], by_example[second]
    if not difference.index.equals(mine.index) or not mine.index.equals(others.index):
        raise ValueError(f"examples of other seeds: {mine.index.tolist()} and {others.index.tolist()}")
    return (mine - others).to_numpy()


def _row(
    test: str,
    quantity: str,
    contrast: str,
    result: Estimate,
    *,
    rewind_step: int = 0,
    level: int = 0,
    density: float = 1.0,
    step: int = 0,
    matching: str | None = None,
    score: str | None = None,
    rate: float = 1.0,
    other_rate: float = 1.0,
) -> dict:
    return {
        "test": test,
        "quantity": quantity,
        "contrast": contrast,
        "matching": matching,
        "score": score,
        "rate": rate,
        "other_rate": other_rate,
        "rewind_step": rewind_step,
        "level": level,
        "density": density,
        "step": step,
        "estimate": result.estimate,
        "ci_low": result.ci_low,
        "ci_high": result.ci_high,
        "p": result.p,
        "n": result.n,
    }
