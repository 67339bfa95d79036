"""At which training steps things are recorded: evenly spaced in log(step), since development is fast at first."""

import numpy as np


def log_spaced_steps(last: int, count: int, first: int = 0) -> list[int]:
    """0, 1, …, `last`: about `count` steps, evenly spaced in log(step), each once; those before `first` become `first`.

    So runs that start later are recorded at the same steps as those from 0.
    """
    steps = {0, *(round(float(step)) for step in np.geomspace(1, last, count - 1))}
    return sorted({max(step, first) for step in steps})
