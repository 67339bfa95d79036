"""The developmental clock: the training step at which each quantity is half-way to its final value, with an interval.

A *course* holds one quantity along an axis of training steps, for each seed. Its half-way step is that of the mean
curve over seeds: the step from which the curve stays on the final side of the mean of its first and its last value
(linear between recorded steps in log(step + 1), as the steps are spaced). That is the last crossing, not the first:
a change that reverses is not determined yet. Structures come and may go: their acquisition is half-way between the
first value and the lowest, their forgetting half-way between the lowest and the last, each on its part of the curve.
The learning coefficient may rise and fall again, so its rise and its fall are separated at the highest value, if both
are there when that is located on one half of the seeds and measured on the other (as in instruments/transience.py).

The axis is the step t of one of three things: the state at step t (learning coefficient, distances, mask overlap), a
product of that state (the ticket whose mask was taken at t), or the agreement of networks whose data orders split at t
(roles, masks, the barrier between them). The last kind is known if the split is the end of training, since the
networks are then the same. If such networks already agree when their orders split at step 0, by the thresholds of
`judging`, the agreement was not determined during training and has no half-way step: the row says so. The same holds
for tickets that match dense at every step of their mask, or that do not match in the end.

Interval: the jackknife over seeds (Tukey 1958) of the logarithm of the half-way step, with Student's t. In simulated
courses with 8 seeds, 95 % intervals cover in 93 to 96 % of cases if the noise of a seed's curve is a twentieth of the
curve's change, in 90 to 96 % at three twentieths and, with many recorded steps, in 88 % at three tenths; those of a
percentile bootstrap in 86 to 89 % throughout. Means of the seeds' own half-way steps cover as well but are late: the
last crossing of one noisy curve is that of its noise. Between two recorded steps the curve is unknown, so the interval
is given as a *bracket*: it is widened to the recorded steps around it, and is never narrower than the gap that holds
the half-way step. An order is claimed only for quantities whose brackets do not meet.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from workflow_scripts.ticketlab.core import statistics
from workflow_scripts.ticketlab.core.statistics import Estimate
from workflow_scripts.ticketlab.instruments.determinacy import determinacy, less_chance
from workflow_scripts.ticketlab.instruments.transience import acquisition_and_forgetting
from workflow_scripts.ticketlab.settings.judging import JudgingSettings

LLC, MASK, TICKET, ROLES, SPLIT_MASK, BARRIER = "llc", "mask", "ticket", "roles", "mask_of_split", "barrier"
ACQUIRED, FORGOTTEN = "structure_acquired", "structure_forgotten"
QUANTITIES = (LLC, ACQUIRED, FORGOTTEN, MASK, TICKET, ROLES, SPLIT_MASK, BARRIER)
RISES, FALLS = "dense, rises", "dense, falls"  # the parts of LLC's course
# With fewer recorded steps, both ends included, the half-way point would come from the interpolation alone.
FEWEST_STEPS = 3
NAN = float("nan")
Part = Callable[[np.ndarray], slice]


@dataclass(frozen=True)
class Course:
    """A quantity along training: `values` (seeds × steps, both ascending; NaN where a seed has none), and its object
    `of`.

    part: from the mean curve to the stretch of it that is used (all of it, up to its minimum, or from there on).
    absent: the reason why it has no half-way step; else empty.
    """

    quantity: str
    of: str
    values: pd.DataFrame
    part: Part = lambda curve: slice(None)
    absent: str = ""


def half_way(steps: np.ndarray, curve: np.ndarray) -> float:
    """The step from which the curve stays on its final side of half-way (module docstring); NaN if it ends as it
    began or is not finite.
    """
    if len(curve) < 2 or not np.isfinite(curve).all() or curve[0] == curve[-1]:
        return NAN
    beyond = (curve - (curve[0] + curve[-1]) / 2) * np.sign(curve[-1] - curve[0])
    before = int(np.flatnonzero(beyond < 0)[-1])
    low, high = np.log(steps[before] + 1), np.log(steps[before + 1] + 1)
    return float(np.exp(low + (high - low) * beyond[before] / (beyond[before] - beyond[before + 1])) - 1)


def usable(values: pd.DataFrame) -> pd.DataFrame:
    """The steps at which at least half of the seeds, and two of them, have a value; without seeds that never have."""
    values = values[np.isfinite(values).any(axis=1)]
    finite = pd.DataFrame(np.isfinite(values), values.index, values.columns)
    return values.where(finite).loc[:, (finite.sum() >= 2) & (finite.mean() >= 0.5)]


def determined(course: Course, alpha: float) -> dict:
    """A row of the `clock` table, without study and order.

    A course has no step, but a reason, if it was not measured, has fewer than FEWEST_STEPS, or does not move: the mean
    change from first to last, paired by seed, has an interval (Student's t) with 0 in it.
    """
    row: dict[str, float | int | str] = {"quantity": course.quantity, "of": course.of, "n": 0, "reason": course.absent}
    row |= dict.fromkeys(("first", "last", "step", "ci_low", "ci_high"), NAN)
    row |= {"recorded_before": -1, "recorded_after": -1}
    values = usable(course.values)
    if values.empty:
        return row | {"reason": course.absent or "not measured in two or more seeds at any step"}
    steps, table = values.columns.to_numpy(), values.to_numpy()
    mean = np.nanmean(table, axis=0)
    stretch = np.arange(len(steps))[course.part(mean)]
    first, last = stretch[[0, -1]]
    row |= {"first": mean[first], "last": mean[last], "n": int(np.isfinite(table[:, stretch]).sum(axis=0).min())}
    if course.absent:
        return row
    if len(stretch) < FEWEST_STEPS:
        return row | {"reason": f"too few steps: {', '.join(map(str, steps[stretch]))}"}
    change = table[:, last] - table[:, first]
    moved = statistics.mean_interval(change[np.isfinite(change)], alpha)
    if not (moved.ci_low > 0 or moved.ci_high < 0):
        reason = f"does not move: changes by {_interval(moved)} from step {steps[first]} to {steps[last]}"
        return row | {"reason": reason}

    def logarithm(some: np.ndarray) -> float:
        curve = np.nanmean(some, axis=0)
        part = course.part(curve)
        return float(np.log1p(half_way(steps[part], curve[part])))

    centre = logarithm(table)
    without = [logarithm(np.delete(table, seed, axis=0)) for seed in range(len(table))]
    half = statistics.jackknife_margin(without, alpha)
    step = float(np.expm1(centre))
    after = int(np.searchsorted(steps, step))
    before = max(after - 1, 0)
    row |= {"step": step, "recorded_before": int(steps[before]), "recorded_after": int(steps[after])}
    low, high = bracket(steps[first : last + 1], *np.expm1([centre - half, centre + half]))
    return row | {"ci_low": float(np.minimum(low, steps[before])), "ci_high": float(np.maximum(high, steps[after]))}


def bracket(steps: np.ndarray, low: float, high: float) -> tuple[float, float]:
    """The recorded steps around an interval; the ends of `steps` where it goes beyond, NaN where it has no ends."""
    if not np.isfinite([low, high]).all():
        return NAN, NAN
    before, after = int(np.searchsorted(steps, low, "right")) - 1, int(np.searchsorted(steps, high))
    return float(steps[max(before, 0)]), float(steps[min(after, len(steps) - 1)])


def in_order(rows: pd.DataFrame) -> pd.DataFrame:
    """The rows of a study by their steps, with `rank` (from 1; 0 without a step) and `before_next`.

    before_next: the bracket ends before the next quantity's begins.
    """
    rows = rows.sort_values("step", kind="stable", ignore_index=True)
    has = rows["step"].notna()
    apart = rows["ci_high"].lt(rows["ci_low"].shift(-1))  # without an interval no order is claimed
    return rows.assign(rank=np.where(has, np.arange(1, len(rows) + 1), 0), before_next=apart & has)


def courses(
    *,
    llc: pd.DataFrame,
    structure: pd.DataFrame,
    overlap: pd.DataFrame,
    metrics: pd.DataFrame,
    agreements: pd.DataFrame,
    barriers: pd.DataFrame,
    settings: JudgingSettings,
    last_step: int,
    clock_level: int,
    rewind_step: int,
) -> Iterator[Course]:
    """The courses of one study from its tables; the `overlap` rows of dense and of spawned networks together."""
    yield from complexity(llc, settings.alpha)
    yield from structures(structure, settings)
    yield from masks(overlap, settings, last_step)
    yield tickets(metrics, settings, last_step, clock_level, rewind_step)
    yield roles(agreements, settings, last_step)
    yield barrier(barriers, settings, last_step)


def complexity(llc: pd.DataFrame, alpha: float) -> Iterator[Course]:
    """λ̂ of the dense network: its rise up to the highest value and its fall from there on.

    Away from a minimum λ̂ is only a complexity at this scale. Where only one of rise and fall is there, it has the whole
    course, since the highest of noisy values is no turning point.
    """
    sound = llc[llc["variant"].eq("dense") & llc["flag"].isin(["", "not_a_minimum"])]
    values = _by_seed(sound, "step", "llc")
    seen = usable(values)
    if seen.empty:
        yield from (Course(LLC, of, values) for of in (RISES, FALLS))
        return
    rise, fall = (_over_seeds(changes, alpha) for changes in _around_the_highest(seen))
    rises, falls = rise.ci_low > 0, fall.ci_high < 0
    reason = "" if rises else f"nothing to rise: changes by {_interval(rise)} up to its highest value"
    yield Course(LLC, RISES, values, lambda curve: slice(0, int(curve.argmax()) + 1 if falls else None), reason)
    reason = "" if falls else f"nothing to fall: changes by {_interval(fall)} from its highest value on"
    yield Course(LLC, FALLS, values, lambda curve: slice(int(curve.argmax()) if rises else 0, None), reason)


def _around_the_highest(values: pd.DataFrame) -> tuple[np.ndarray, np.ndarray]:
    """Each seed's change up to the step of the highest mean and from there on; the other half of the seeds gives that
    step.

    The highest value of a noisy curve lies above the curve, so if it were located on the same seeds, every curve would
    rise and fall.
    """
    table, half = values.to_numpy(), np.arange(len(values)) % 2
    means = [values[half != own].mean().fillna(-np.inf).to_numpy() for own in (0, 1)]
    at_highest = table[np.arange(len(table)), np.array([mean.argmax() for mean in means])[half]]
    return at_highest - table[:, 0], table[:, -1] - at_highest


def structures(structure: pd.DataFrame, settings: JudgingSettings) -> Iterator[Course]:
    """Distance to each reference predictor, up to the nearest point and from there on.

    A course has a step only where the thresholds of T3 say that the structure was acquired, or forgotten (as test 3
    does for each predictor alone).
    """
    for name, group in structure.groupby("structure"):
        distances = _by_seed(group, "step", "distance")
        found = acquisition_and_forgetting(distances.columns.tolist(), distances.to_numpy())
        reason = _not_above("A", found.acquired, settings.acquired, settings.alpha)
        yield Course(ACQUIRED, name, distances, lambda curve: slice(0, int(curve.argmin()) + 1), reason)
        reason = reason and f"nothing to forget: {reason}"
        forgotten = found.forgotten[~np.isnan(found.forgotten)]
        reason = reason or _not_above("F", forgotten, settings.forgotten, settings.alpha)
        yield Course(FORGOTTEN, name, distances, lambda curve: slice(int(curve.argmin()), None), reason)


def _not_above(letter: str, values: np.ndarray, threshold: float, alpha: float) -> str:
    if len(values):
        found = statistics.exceeds(values, threshold, alpha)
        if found.p < alpha:
            return ""
        about = statistics.in_words(found.estimate, found.ci_low, found.ci_high)
        return f"{letter} = {about} is not above {threshold:g}"
    return f"no seed has an {letter}"


def masks(overlap: pd.DataFrame, settings: JudgingSettings, last_step: int) -> Iterator[Course]:
    """Overlap beyond what |θ₀| explains of the magnitude mask at step t with the final one and with IMP's; and the
    correlation of updates of networks whose data orders split at t, on the scale of the agreement of roles.
    """
    dense = overlap[overlap["variant"] != "spawned"]
    for reference in ("final_magnitude", "imp"):
        rows = dense[dense["reference"] == reference]
        yield Course(MASK, reference, _by_seed(rows, "step", "beyond_initial"))
    spawned = overlap[overlap["variant"].eq("spawned") & overlap["reference"].eq("dense_final")]
    values = _by_seed(spawned, "rewind_step", "update_correlation")
    yield Course(SPLIT_MASK, "dense_final", _ended(values, last_step, 1.0), absent=_determined_at_0(values, settings))


def tickets(metrics: pd.DataFrame, settings: JudgingSettings, last_step: int, level: int, rewind_step: int) -> Course:
    """The loss of training from θ₀ under the magnitude mask of step t minus dense's, on the test split at the end.

    The mask by initial magnitude is that of step 0, the one-shot mask that of the last step, where the study has these
    controls. If the first mask loses less than the margin δ, none of it was determined during training; if the last one
    loses more, it never became one that matches.
    """
    metric, margin = settings.metric, settings.margin
    rows = metrics[metrics["split"].eq("test") & metrics["metric"].eq(metric) & metrics["step"].eq(last_step)]
    dense = rows[rows["variant"] == "dense"].set_index("init_seed")["value"]
    rows = rows[rows["level"].eq(level) & rows["rewind_step"].eq(rewind_step)]
    at = rows["variant"].str.extract(r"^mask_at_step_(\d+)$")[0].astype(float)
    at = at.fillna(rows["variant"].map({"initial_magnitude": 0.0, "one_shot": float(last_step)}))
    masked = rows.assign(at=at).dropna(subset="at").astype({"at": int})
    values = _by_seed(masked, "at", "value").sub(dense, axis="index")
    steps, reason = usable(values).columns, ""
    if len(steps):
        first, last = (_over_seeds(values[step], settings.alpha) for step in steps[[0, -1]])
        if last.estimate > margin:
            reason = f"never matches for good ({_interval(last)} at step {steps[-1]} against δ = {margin:g})"
        elif first.ci_high < margin:
            reason = f"matches from step {steps[0]} on: {_interval(first)} is within δ = {margin:g}"
    return Course(TICKET, metric, values, absent=reason)


def roles(agreements: pd.DataFrame, settings: JudgingSettings, last_step: int) -> Course:
    """Each initialisation's determinacy by split step: agreement over the mean ceiling, as the mean over scores. For a
    split at the end, it is the network's agreement with itself on different probes.
    """
    rows = less_chance(agreements, "identity")
    rows = rows[rows["score"] == "all"]
    found = determinacy(agreements, permutations=1)
    reasons = found.loc[found["score"].eq("all") & found["reason"].ne(""), "reason"]
    ceiling = rows.loc[rows["pair"] == "replicate", "agreement"].mean()
    same = rows[rows["pair"] == "same_init"]
    itself = rows[rows["pair"] == "measurement"].set_index("init_seed")["agreement"]
    values = _by_seed(same, "split_step", "agreement")
    if len(reasons):
        return Course(ROLES, "all", values.iloc[:0], absent=reasons.iloc[0])
    reason = _determined_at_0(values / ceiling, settings)
    return Course(ROLES, "all", _ended(values, last_step, itself) / ceiling, absent=reason)


def barrier(barriers: pd.DataFrame, settings: JudgingSettings, last_step: int) -> Course:
    """The barrier between networks of one initialisation by split step, the mean over data orders.

    A maximum over a line is never negative, so barriers of noise do not vanish before the end; networks whose barrier
    is within the margin δ are connected (Frankle et al. 2020 call networks stable with a barrier of up to 2 %).
    """
    rows = barriers[barriers["pair"].eq("same_init") & barriers["metric"].eq(settings.metric)]
    values = _by_seed(rows, "split_step", "barrier")
    if barriers.empty:
        return Course(BARRIER, settings.metric, values, absent="not measured")
    first = _over_seeds(values.get(0, []), settings.alpha)
    connected = first.ci_high <= settings.margin
    reason = f"connected from step 0 on: {_interval(first)} is within δ = {settings.margin:g}" if connected else ""
    return Course(BARRIER, settings.metric, _ended(values, last_step, 0.0), absent=reason)


def _determined_at_0(values: pd.DataFrame, settings: JudgingSettings) -> str:
    first = _over_seeds(values.get(0, []), settings.alpha)
    if first.ci_low >= settings.determined:
        return f"determined from step 0 on: {_interval(first)} is above {settings.determined:g}"
    return ""


def _over_seeds(values: Sequence[float] | np.ndarray | pd.Series, alpha: float) -> Estimate:
    """The mean interval over the seeds that have a value; NaN if none has."""
    finite = np.asarray(values, dtype=float)
    finite = finite[np.isfinite(finite)]
    return statistics.mean_interval(finite, alpha) if len(finite) else Estimate(NAN, NAN, NAN, NAN, 0)


def _interval(found: Estimate) -> str:
    return statistics.in_words(found.estimate, found.ci_low, found.ci_high, ".3g")


def _by_seed(rows: pd.DataFrame, step: str, value: str) -> pd.DataFrame:
    """Means by seed and step, as seeds × steps; NaN where one of the values is NaN."""
    means = rows.groupby(["init_seed", step])[value].agg(lambda values: values.mean(skipna=False))
    return means.unstack(step).sort_index().sort_index(axis=1)


def _ended(values: pd.DataFrame, last_step: int, known: float | pd.Series) -> pd.DataFrame:
    """The values with the known value of a split at the last step; a seed without any other value gets none."""
    return values.assign(end=known).rename(columns={"end": last_step}).where(values.notna().any(axis=1), axis=0)


def read(tables: dict[str, pd.DataFrame], studies: dict[str, dict]) -> pd.DataFrame:
    """The `clock` table of all studies.

    tables: as the keywords of `courses`, the rows of all studies. studies: by name `judging` (settings), `last_step`,
    `clock_level` and `rewind_steps`.
    """
    parts = []
    for study, spec in studies.items():
        mine = {name: table[table["study"] == study] for name, table in tables.items()}
        settings = JudgingSettings(**spec["judging"])
        at = {
            "last_step": spec["last_step"],
            "clock_level": spec["clock_level"],
            "rewind_step": spec["rewind_steps"][0],
        }
        rows = [determined(course, settings.alpha) for course in courses(**mine, settings=settings, **at)]
        parts.append(in_order(pd.DataFrame(rows)).assign(study=study))
    return pd.concat(parts, ignore_index=True)
