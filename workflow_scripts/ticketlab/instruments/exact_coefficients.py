"""Learning coefficients in closed form: (λ, m), λ with its multiplicity, of models whose singularities are resolved.

The free energy is n L_n(w*) + λ log n − (m − 1) log log n + O(1) (Watanabe 2009), and nβ E[K] tends to λ. The values
below are minima over the set of true parameters, attained where that set is most singular; a sampler that starts at
another of its points measures a larger value.
"""

from collections.abc import Sequence
from fractions import Fraction

Coefficient = tuple[Fraction, int]


def regular(parameters: int) -> Coefficient:
    """d/2: K has a positive definite Hessian at its minimum."""
    return Fraction(parameters, 2), 1


def normal_crossing(exponents: Sequence[int]) -> Coefficient:
    """K = ∏ wᵢ^{2kᵢ} at the origin, kᵢ > 0: λ is the smallest 1/(2kᵢ), m its count (Watanabe 2009, §3)."""
    return Fraction(1, 2 * max(exponents)), list(exponents).count(max(exponents))


def deep_linear(widths: Sequence[int], rank: int) -> Coefficient:
    """Deep linear network with widths H₀ … H_L and a true map of rank `rank`.

    Aoyagi, "Consideration on the learning efficiency of multiple-layered neural networks with linear units", Neural
    Networks 172 (2024), theorem 1. With Dₛ = Hₛ − r, the layers that matter are the ℓ + 1 narrowest ones S for which
    max_S D < min_{Sᶜ} D and ℓ max_S D ≤ Σ_S D < ℓ min_{Sᶜ} D.
    Raises ValueError if no such network has this rank.
    """
    _check(widths, rank)
    excess = sorted(width - rank for width in widths)
    narrow = next(excess[:size] for size in range(2, len(excess) + 1) if _matters(excess, size))
    links, total = len(narrow) - 1, sum(narrow)
    rest = total - (-(-total // links) - 1) * links  # Σ − (⌈Σ/ℓ⌉ − 1)ℓ
    pairs = (total**2 - sum(d * d for d in narrow)) // 2
    coefficient = (
        Fraction(rank * (widths[0] + widths[-1]) - rank**2, 2)
        + Fraction(rest * (links - rest), 4 * links)
        - Fraction(links - 1, 4 * links) * total**2
        + Fraction(pairs, 2)
    )
    return coefficient, rest * (links - rest) + 1


def reduced_rank(widths: tuple[int, int, int], ranks: tuple[int, int], rank: int) -> Coefficient:
    """Two layers B A of widths (N, H, M) at a point where A has rank a, B rank b (`ranks`) and B A rank `rank` r.

    The loss is regular along q = Ma + bN − ab directions. What is left is the zero map from n = N − a over
    h = H − a − b + r to p = M − b at its origin. Its zeros have strata by the rank t of the first map, of codimension
    hn + t(p − h − n) + t². λ is half of q plus the least of these, m their number. At a = b = r it is Aoyagi's
    (`deep_linear`), as it is of what is left.
    Raises ValueError if there is no such point.
    """
    inputs, hidden, outputs = widths
    first, last = ranks
    between = hidden - first - last + rank
    if not rank <= first <= min(inputs, hidden) or not rank <= last <= min(hidden, outputs) or between < 0:
        raise ValueError(f"widths {list(widths)} allow no product of rank {rank} of maps of ranks {first} and {last}")
    regular_directions = outputs * first + last * inputs - first * last
    left, right = outputs - last, inputs - first
    codimensions = [between * right + t * (left - between - right) + t * t for t in range(min(between, right) + 1)]
    least = min(codimensions)
    return Fraction(regular_directions + least, 2), codimensions.count(least)


def _matters(excess: Sequence[int], size: int) -> bool:
    """Whether the `size` smallest of these sorted Dₛ are the S of Aoyagi's theorem."""
    links, total, largest = size - 1, sum(excess[:size]), excess[size - 1]
    if total < links * largest:
        return False
    return size == len(excess) or (largest < excess[size] and total < links * excess[size])


def _check(widths: Sequence[int], rank: int) -> None:
    if len(widths) < 2 or not 0 <= rank <= min(widths):
        raise ValueError(f"widths {list(widths)} allow ranks 0 to {min(widths)}, at two widths or more; not {rank}")
