"""Which latency does a share of requests stay under, and how sure is that: quantiles with exact intervals."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache


@dataclass(frozen=True, slots=True, kw_only=True)
class QuantileEstimate:
    """A quantile with its confidence interval; bounds are values of the sample itself."""

    quantile: float
    value: float
    low: float
    high: float


def quantile(ordered: Sequence[float], share: float) -> float:
    """Return the `share` quantile of an ascending sample, linear between neighbours.

    Source: Hyndman and Fan (1996), definition 7, the default of NumPy and R.

    >>> quantile([1.0, 2.0, 3.0, 4.0], 0.5)
    2.5

    Raises:
        ValueError: when the sample is empty or `share` lies outside [0, 1].
    """
    if not ordered:
        raise ValueError("an empty sample has no quantile")
    if not 0 <= share <= 1:
        raise ValueError(f"share must lie in [0, 1], got {share}")
    position = share * (len(ordered) - 1)
    below = math.floor(position)
    above = min(below + 1, len(ordered) - 1)
    return ordered[below] + (ordered[above] - ordered[below]) * (position - below)


def estimate_quantile(
    ordered: Sequence[float], share: float, *, confidence: float = 0.95
) -> QuantileEstimate | None:
    """Return the quantile with a distribution-free interval, or None where the sample is too small for one.

    The interval is a pair of order statistics whose ranks bracket a Binomial(n, share) variable
    with at least the given confidence. Source: David and Nagaraja, Order Statistics (2003), 7.1.
    A tail that has no such pair (p99 below 368 values, p99.9 below 3,688) is not shown at all.
    """
    ranks = order_statistic_ranks(len(ordered), share, confidence=confidence)
    if ranks is None:
        return None
    low_rank, high_rank = ranks
    return QuantileEstimate(
        quantile=share,
        value=quantile(ordered, share),
        low=ordered[low_rank - 1],
        high=ordered[high_rank - 1],
    )


# A time line asks for the same few sizes and shares hundreds of times.
@lru_cache(maxsize=4096)
def order_statistic_ranks(size: int, share: float, *, confidence: float = 0.95) -> tuple[int, int] | None:
    """Return the ranks, from 1, of the order statistics that bracket a quantile, or None where none do."""
    if size < 1 or not 0 < share < 1:
        return None
    tail = (1 - confidence) / 2
    first, probabilities = _binomial_window(size, share)
    below, low_rank = 0.0, 0
    for offset, probability in enumerate(probabilities):
        if below + probability > tail:
            low_rank = first + offset
            break
        below += probability
    above, high_rank = 0.0, size + 1
    for offset in range(len(probabilities) - 1, -1, -1):
        if above + probabilities[offset] > tail:
            high_rank = first + offset + 1
            break
        above += probabilities[offset]
    return (low_rank, high_rank) if low_rank >= 1 and high_rank <= size else None


def _binomial_window(size: int, share: float) -> tuple[int, list[float]]:
    """Return the first count and the probabilities of a Binomial within ten standard deviations of its mean."""
    mean, deviation = size * share, math.sqrt(size * share * (1 - share))
    first = max(0, math.floor(mean - 10 * deviation) - 1)
    last = min(size, math.ceil(mean + 10 * deviation) + 1)
    return first, [_binomial_probability(size, count, share) for count in range(first, last + 1)]


def _binomial_probability(size: int, count: int, share: float) -> float:
    log_ways = math.lgamma(size + 1) - math.lgamma(count + 1) - math.lgamma(size - count + 1)
    return math.exp(log_ways + count * math.log(share) + (size - count) * math.log1p(-share))
