"""How far do bursts widen an interval, beyond what requests that fail alone would give?

Requests inside a run are no independent sample: a slow second makes all its requests slow. Every share (errors, hits,
answers slower than a limit) therefore counts with the *effective* number of requests: the number divided by how much
more the shares of whole seconds scatter than those of independent requests would, times how much neighbouring seconds
resemble each other. Where the seconds scatter as they should, that is the number itself (Wilson's interval, and order
statistics); it is never larger. Below three blocks nothing is known of their scatter, and none is assumed.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from opsctl.bench.load.block_statistics import dependence_of
from opsctl.bench.load.histogram import Histogram
from opsctl.core.quantiles import QuantileEstimate, order_statistic_ranks
from opsctl.vectors.intervals import wilson

if TYPE_CHECKING:
    import numpy as np


_FEWEST_BLOCKS = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """A measured value with its interval; all None where nothing is known. An upper bound may be infinite."""

    value: float | None = None
    low: float | None = None
    high: float | None = None


def share_figure(top: int, bottom: int, *, spread: float) -> Figure:
    """Return a share with Wilson's interval at the effective number of requests."""
    if not bottom:
        return Figure()
    low, high = wilson(top / bottom, max(1, math.floor(bottom / spread)))
    return Figure(value=top / bottom, low=low, high=high)


def spread_estimate(histogram: Histogram, share: float, *, spread: float) -> QuantileEstimate | None:
    """Return a quantile with the interval of order statistics at the effective number of values."""
    size = histogram.count
    effective = math.floor(size / spread)
    ranks = order_statistic_ranks(effective, share) if 0 < share < 1 else None
    if ranks is None:
        return None
    low, high = (min(size, max(1, math.ceil(rank / effective * size))) for rank in ranks)
    value, lowest, highest = histogram.values_at_ranks([max(1, math.ceil(share * size)), low, high])
    return QuantileEstimate(quantile=share, value=value / 1e6, low=lowest / 1e6, high=highest / 1e6)


def widened(estimate: QuantileEstimate, factor: float) -> QuantileEstimate:
    """Return the estimate with its interval so many times as wide on both sides."""
    return QuantileEstimate(
        quantile=estimate.quantile,
        value=estimate.value,
        low=max(0.0, estimate.value - (estimate.value - estimate.low) * factor),
        high=estimate.value + (estimate.high - estimate.value) * factor,
    )


def spread_of(counts: Sequence[tuple[int, int]]) -> float:
    """Return how many times the variance of a share exceeds that of independent requests: at least 1.

    Pearson's statistic over its degrees of freedom, times the dependence of neighbouring blocks.
    """
    import numpy as np

    rows = np.array([row for row in counts if row[1] > 0], dtype=float)
    if len(rows) < _FEWEST_BLOCKS:
        return 1.0
    tops, bottoms = np.minimum(rows[:, 0], rows[:, 1]), rows[:, 1]
    share = float(tops.sum() / bottoms.sum())
    if not 0 < share < 1:
        return 1.0
    pearson = float(((tops - bottoms * share) ** 2 / (bottoms * share * (1 - share))).sum()) / (len(rows) - 1)
    return max(1.0, pearson) * dependence_of(_shares(tops, bottoms))


def spread_of_part(spread: float, *, part: float) -> float:
    """Return the spread of a part of the requests: it is so much larger than 1 as they are many in a block."""
    return 1 + (spread - 1) * min(1.0, part)


def _shares(tops: "np.ndarray", bottoms: "np.ndarray") -> "np.ndarray":
    shares: np.ndarray = tops / bottoms
    return shares
