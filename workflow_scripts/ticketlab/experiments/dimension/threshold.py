"""The smallest size at which a noisy metric is good enough."""

import numpy as np
from sklearn.isotonic import IsotonicRegression

NOT_REACHED, AT_THE_EDGE, DIVERGED = "not reached", "at the smallest size tried", "diverged"


def crossing(sizes: np.ndarray, values: np.ndarray, bound: float) -> tuple[float, str]:
    """The smallest size at which a metric (lower is better) is at most `bound`, and a flag ("" if all is well).

    sizes ascend, values are the metric there. One network's metric is noisy: it is replaced by the nearest sequence
    that falls with the size (isotonic regression), and its crossing is interpolated in the logarithm of the size. The
    size is NaN if the bound is not reached.
    """
    if not np.isfinite(values).all():
        return float("nan"), DIVERGED
    logs = np.log(sizes)
    fitted = IsotonicRegression(increasing=False).fit_transform(logs, values)
    above = np.flatnonzero(fitted > bound)
    if len(above) == len(sizes):
        return float("nan"), NOT_REACHED
    if not len(above):
        return float(sizes[0]), AT_THE_EDGE
    last = above[-1]
    share = (fitted[last] - bound) / (fitted[last] - fitted[last + 1])
    return float(np.exp(logs[last] + share * (logs[last + 1] - logs[last]))), ""
