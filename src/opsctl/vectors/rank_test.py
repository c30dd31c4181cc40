"""Do two samples differ by chance alone: the rank test of Mann and Whitney, exact for small ones?"""

import math
from dataclasses import dataclass
from statistics import NormalDist
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence


_EXACT_LIMIT = 20  # both samples together; 184,756 ways at most, counted by recursion in no time


@dataclass(frozen=True, slots=True, kw_only=True)
class RankTest:
    """A Mann-Whitney U test: U of the first sample, the two-sided p, and the chance that the first is larger."""

    u: float
    p_value: float
    is_exact: bool
    superiority: float
    """P(first > second) + half of P(equal); 0.5 when the samples are alike."""


def mann_whitney(first: "Sequence[float]", second: "Sequence[float]") -> RankTest:
    """Test whether values of `first` tend to be larger or smaller than those of `second`, two-sided.

    Exact for small samples without ties, else the normal approximation with tie and continuity correction.
    Source: Mann and Whitney (1947); tie correction of Lehmann, Nonparametrics (1975), 1.4.
    """
    import numpy as np

    one, two = np.asarray(first, dtype=float), np.asarray(second, dtype=float)
    if not one.size or not two.size:
        raise ValueError("both samples need at least one value")
    pooled = np.concatenate([one, two])
    _, inverse, counts = np.unique(pooled, return_inverse=True, return_counts=True)
    ranks = (np.cumsum(counts) - (counts - 1) / 2)[inverse]
    u = float(ranks[: one.size].sum() - one.size * (one.size + 1) / 2)
    is_exact = pooled.size <= _EXACT_LIMIT and bool((counts == 1).all())
    if is_exact:
        p_value = _exact_p_value(round(u), one.size, two.size)
    else:
        p_value = _normal_p_value(u, one.size, two.size, ties=float((counts**3 - counts).sum()))
    return RankTest(u=u, p_value=p_value, is_exact=is_exact, superiority=u / (one.size * two.size))


def _normal_p_value(u: float, first: int, second: int, *, ties: float) -> float:
    size = first + second
    variance = first * second / 12 * (size + 1 - ties / (size * (size - 1)))
    if variance <= 0:
        return 1.0
    distance = max(0.0, abs(u - first * second / 2) - 0.5)
    return min(1.0, 2 * NormalDist().cdf(-distance / math.sqrt(variance)))


def _exact_p_value(u: int, first: int, second: int) -> float:
    """Count the arrangements at least as far from the middle, by the recurrence of Mann and Whitney."""
    ways = [[1] + [0] * (first * second) for _ in range(second + 1)]
    for _ in range(first):
        for column in range(1, second + 1):
            shifted = [0] * column + ways[column][: len(ways[column]) - column]
            ways[column] = [a + b for a, b in zip(shifted, ways[column - 1], strict=True)]
    # The table above grows one element of `first` a round: ways[n][u] counts arrangements with that U.
    smaller = min(u, first * second - u)
    tail = sum(ways[second][: smaller + 1]) / math.comb(first + second, first)
    return min(1.0, 2 * tail)
