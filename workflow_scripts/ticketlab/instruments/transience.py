"""The numbers of test 3: how much of a structure was acquired, how much of that forgotten, and how much is retained."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

# How a distance of table `retained` was found (instruments/nearest_part.py).
PART, ELSEWHERE, CONTEXT, PATH = "part", "part of another", "context", "path"


class Course(NamedTuple):
    """Acquisition and forgetting of each seed: (seeds,) each.

    acquired: A = 1 − min d / d(0); 1 if the network came to equal the predictor, 0 or less if it never came nearer.
    forgotten: F = (d(end) − min d) / (d(0) − min d); 0 if it stayed at its nearest point, 1 if it returned all the way.
    turning_step: the step taken as the minimum.
    """

    acquired: np.ndarray
    forgotten: np.ndarray
    turning_step: np.ndarray


def acquisition_and_forgetting(steps: Sequence[int], distances: np.ndarray) -> Course:
    """A and F of a structure from its distances (seeds, steps), the first at step 0.

    The minimum of a noisy curve lies below the curve, so locating and evaluating it on the same seed makes F positive
    where nothing was forgotten. Here the seeds fall into two halves (even and odd places), and each half is evaluated
    at the minimum of the other half's mean curve (cross-fitting).

    A seed with A ≤ 0 never acquired the structure at that step, and its F is NaN: nothing can be forgotten. A seed with
    a distance that is not finite (a diverged network) is NaN and takes no part in locating the other half's minimum.
    Where no seed is left to locate it, as with fewer than two seeds, A and F are NaN and the turning step is −1.
    Raises ValueError if the shapes disagree or the steps do not rise from 0.
    """
    distances = np.asarray(distances, dtype=np.float64)
    if distances.ndim != 2 or distances.shape[1] != len(steps):
        raise ValueError(f"distances must be (seeds, {len(steps)} steps), not {distances.shape}")
    if not len(steps) or steps[0] != 0 or any(np.diff(steps) <= 0):
        raise ValueError(f"steps must rise from 0, not {list(steps)}")
    seeds = len(distances)
    usable = np.isfinite(distances).all(axis=1)
    half = np.arange(seeds) % 2
    acquired, forgotten, turning = np.full(seeds, np.nan), np.full(seeds, np.nan), np.full(seeds, -1)
    for evaluated in (0, 1):
        located_on = usable & (half != evaluated)
        seeds_here = np.flatnonzero(usable & (half == evaluated))
        if not located_on.any():
            continue
        index = int(distances[located_on].mean(axis=0).argmin())
        start, lowest, end = (distances[seeds_here, place] for place in (0, index, -1))
        gained = start - lowest
        acquired[seeds_here] = np.divide(gained, start, out=np.zeros_like(gained), where=start > 0)
        forgotten[seeds_here] = np.divide(end - lowest, gained, out=np.full_like(gained, np.nan), where=gained > 0)
        turning[seeds_here] = steps[index]
    return Course(acquired, forgotten, turning)


def share_retained(steps: Sequence[int], distances: np.ndarray, turning_step: np.ndarray) -> np.ndarray:
    """R of each seed: the share of what a part of the network had of a structure that it has at the end, (seeds,).

    R = (d(0) − d(end)) / (d(0) − d(turning step)), from the distances (seeds, steps) of a part of the network
    (instruments/nearest_part.py): 1 where a part of the end network is as near to the predictor as ever, 0 where it is
    no nearer than one of the initial network. turning_step: of `acquisition_and_forgetting`, located on other seeds.
    NaN where the part was no nearer at the turning step than at first.
    """
    distances = np.asarray(distances, dtype=np.float64)
    places = [list(steps).index(step) if step in steps else 0 for step in turning_step]
    start, end = distances[:, 0], distances[:, -1]
    gained = start - distances[np.arange(len(distances)), places]
    return np.divide(start - end, gained, out=np.full_like(gained, np.nan), where=gained > 0)
