"""Deep linear networks, where the learning coefficient is known exactly.

A network is the product W_L ⋯ W_1 of matrices with widths H₀ … H_L (`widths`). The loss is K(θ) = ½ ‖W_L ⋯ W_1 − T‖²,
with T the identity on the first `rank` coordinates and 0 elsewhere. A change of basis turns every target of this rank
into T.
"""

from collections.abc import Sequence
from itertools import pairwise

import numpy as np

# K below this counts as a zero: solvers end near 1e-28 where there is a zero, and above 1e-6 where there is none.
ZERO = 1e-16


def parameters(widths: Sequence[int]) -> int:
    """d, the number of weights."""
    return sum(a * b for a, b in pairwise(widths))


def target(widths: Sequence[int], rank: int) -> np.ndarray:
    """T (H_L, H₀): ones on the first `rank` places of the diagonal."""
    matrix = np.zeros((widths[-1], widths[0]))
    matrix[range(rank), range(rank)] = 1.0
    return matrix
