"""What was measured of each thing that a gate can ask for, with an interval that bursts do not shorten.

Requests inside a run are no independent sample: a slow second makes all its requests slow. Every share (errors, hits,
answers slower than a limit) therefore counts with the *effective* number of requests: the number divided by how much
more the shares of whole seconds scatter than those of independent requests would, times how much neighbouring seconds
resemble each other. Where the seconds scatter as they should, that is the number itself (Wilson's interval, and order
statistics); it is never larger. Below three blocks nothing is known of their scatter, and none is assumed.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from opsctl.bench.load.block_statistics import dependence_of, student
from opsctl.bench.load.histogram import Histogram
from opsctl.bench.load.model import Block, Outcome, Recall, Tally, Tier
from opsctl.core.quantiles import QuantileEstimate, order_statistic_ranks
from opsctl.vectors.statistics import MINIMUM_BLOCKS, wilson

if TYPE_CHECKING:
    import numpy as np

_FEWEST_BLOCKS = 3
_HITS = (Tier.L1, Tier.STALE)
_NAMED = (Tier.L1, Tier.STALE, Tier.L2, Tier.MISS)


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """A measured value with its interval; all None where nothing is known. An upper bound may be infinite."""

    value: float | None = None
    low: float | None = None
    high: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """All that gates are checked against.

    Args:
        total: what all processes recorded.
        rate: requests sent a second, while the plan asked for most of them.
        goodput: good answers a second in the same time.
    """

    total: Tally
    rate: float | None = None
    goodput: float | None = None
    recall: Recall | None = None
    _spread: dict[str, float] = field(default_factory=dict)

    @property
    def errors(self) -> int:
        """Return how many requests did not get a good answer."""
        return self.total.planned - self.total.outcomes.get(Outcome.OK, 0)

    def share_of_errors(self, endpoint: str | None = None) -> Figure:
        """Return the part of the planned requests that did not get a good answer."""
        if endpoint is None:
            spread = self._spread_of("errors", lambda block: (block.errors, block.planned))
            return share_figure(self.errors, self.total.planned, spread=spread)
        block = self.total.endpoints.get(endpoint, Block())
        spread = self._spread_of("errors", lambda each: (each.errors, each.planned))
        part = block.planned / max(1, self.total.planned)
        return share_figure(block.errors, block.planned, spread=spread_of_part(spread, part=part))

    def share_of_hits(self, tier: str | None = None) -> Figure:
        """Return the part of the answers that a tier gave, among those that came as far; None: L1, stale ones too."""
        counts = {name: histogram.count for name, histogram in self.total.tiers.items()}
        top, bottom = hits_of(counts, tier=tier)
        spread = self._spread_of(f"hits {tier}", lambda block: hits_of(block.tiers, tier=tier))
        return share_figure(top, bottom, spread=spread)

    def quantile(self, histogram: Histogram, share: float) -> QuantileEstimate | None:
        """Return a quantile in seconds with its interval; None where the effective sample does not support it."""
        whole = self.total.timings.response
        if not histogram.count or not whole.count:
            return None
        limit = whole.value_at(share)
        # Of a value that many share, as many requests may lie above as below it: a burst may be either.
        spread = max(
            self._spread_of(f"above {share}", lambda block: _above(block.response, limit)),
            self._spread_of(f"from {share}", lambda block: _above(block.response, 0.998 * limit - 1)),
        )
        part = histogram.count / whole.count
        return spread_estimate(histogram, share, spread=spread_of_part(spread, part=part))

    def bounded_quantile(self, histogram: Histogram, share: float) -> Figure:
        """Return the same with the unfinished requests at their worst: each may have taken for ever."""
        estimate = self.quantile(histogram, share)
        if estimate is None:
            return Figure()
        unfinished = self.total.outcomes.get(Outcome.UNFINISHED, 0)
        if not unfinished:
            return Figure(value=estimate.value, low=estimate.low, high=estimate.high)
        shifted = share + unfinished / histogram.count
        worst = self.quantile(histogram, shifted) if shifted < 1 else None
        return Figure(value=estimate.value, low=estimate.low, high=worst.high if worst else math.inf)

    def mean(self, histogram: Histogram) -> Figure:
        """Return a mean with an interval from the means of the blocks; none below ten blocks."""
        import numpy as np

        blocks = [block.response for block in self._blocks() if block.response.count]
        if not histogram.count:
            return Figure()
        value = histogram.mean_microseconds / 1e6
        if len(blocks) < MINIMUM_BLOCKS:
            return Figure(value=value)
        counts = np.array([block.count for block in blocks], dtype=float)
        means = np.array([block.mean_microseconds for block in blocks]) / 1e6
        centre = float((counts * means).sum() / counts.sum())
        residuals = counts * (means - centre) / counts.mean()
        error = math.sqrt(
            float((residuals**2).sum()) / (len(blocks) * (len(blocks) - 1)) * dependence_of(means)
        )
        # The blocks are those of all requests; an endpoint or a tier has as many times fewer of them.
        scale = math.sqrt(max(1.0, counts.sum() / histogram.count)) * (value / centre if centre else 1.0)
        half = error * scale * student(0.95, freedom=len(blocks) - 1)
        return Figure(value=value, low=max(0.0, value - half), high=value + half)

    def _blocks(self) -> list[Block]:
        return [self.total.blocks[second] for second in sorted(self.total.blocks)]

    def _spread_of(self, name: str, counts: Callable[[Block], tuple[int, int]]) -> float:
        if name not in self._spread:
            self._spread[name] = spread_of([counts(block) for block in self._blocks()])
        return self._spread[name]


def hits_of(tiers: "dict[str, int]", *, tier: str | None) -> tuple[int, int]:
    """Return (hits, answers among which they count): L2 is asked only by what L1 does not have."""
    match tier:
        case "L2":
            return tiers.get(Tier.L2, 0), tiers.get(Tier.L2, 0) + tiers.get(Tier.MISS, 0)
        case "L1":
            top = tiers.get(Tier.L1, 0)
        case "STALE":
            top = tiers.get(Tier.STALE, 0)
        case _:
            top = sum(tiers.get(each, 0) for each in _HITS)
    return top, sum(tiers.get(each, 0) for each in _NAMED)


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


def spread_of(counts: Sequence[tuple[int, int]]) -> float:
    """Return how many times the variance of a share exceeds that of independent requests: at least 1.

    Pearson's statistic over its degrees of freedom, times the dependence of neighbouring blocks.
    """
    import numpy as np

    rows = np.array([row for row in counts if row[1] > 0], dtype=float)
    if len(rows) < _FEWEST_BLOCKS:
        return 1.0
    tops, bottoms = rows[:, 0], rows[:, 1]
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


def _above(histogram: Histogram, microseconds: float) -> tuple[int, int]:
    """Return how many values lie above, and how many there are."""
    return (
        (round(histogram.share_above(microseconds) * histogram.count), histogram.count)
        if histogram.count
        else (0, 0)
    )
