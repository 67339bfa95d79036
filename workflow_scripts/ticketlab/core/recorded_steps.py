"""The training steps that are recorded: evenly spaced in log(step), since development is fast at first."""

import numpy as np


def log_spaced_steps(last: int, count: int, first: int = 0) -> list[int]:
    """0, 1, …, `last`: about `count` steps, evenly spaced in log(step), each once; those before `first` become `first`.

    Runs that start later are thus recorded at the same steps as runs from 0.
    """
    steps = {0, *(round(float(step)) for step in np.geomspace(1, last, count - 1))}
    return sorted({max(step, first) for step in steps})


def choose_checkpoints(checkpoints: int | list[int], recorded: list[int], section: str = "llc") -> list[int]:
    """The steps of the dense run at which the LLC is estimated, out of the `recorded` ones (ascending).

    A number takes this many, evenly spaced in the order of recording (which is logarithmic in the step), including the
    last one. Raises ValueError if a listed step was not recorded.
    """
    if isinstance(checkpoints, list):
        absent = sorted(set(checkpoints) - set(recorded))
        if absent:
            raise ValueError(f"{section}.checkpoints {absent} are not among the recorded steps {recorded}")
        return checkpoints
    count = min(checkpoints, len(recorded))
    last = len(recorded) - 1
    return [recorded[last - round(index * last / max(count - 1, 1))] for index in reversed(range(count))]
