"""What was measured of each thing that a gate can ask for, with its interval?"""

import math
from collections.abc import Callable
from dataclasses import dataclass, field

from opsctl.bench.load.block_statistics import dependence_of, student
from opsctl.bench.load.histogram import Histogram
from opsctl.bench.load.model import Recall
from opsctl.bench.load.spread import Figure, share_figure, spread_estimate, spread_of, spread_of_part, widened
from opsctl.bench.load.tally import Block, Outcome, Tally, Tier
from opsctl.core.quantiles import QuantileEstimate
from opsctl.vectors.statistics import MINIMUM_BLOCKS

_HITS = (Tier.L1, Tier.STALE)
_NAMED = (Tier.L1, Tier.STALE, Tier.L2, Tier.MISS)


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
        return self.ended - self.total.outcomes.get(Outcome.OK, 0)

    @property
    def ended(self) -> int:
        """Return of how many requests is known what became of them: at the end of a run, of all."""
        return self.total.outcomes.total()

    def share_of_errors(self, endpoint: str | None = None) -> Figure:
        """Return the part of the planned requests that did not get a good answer."""
        if endpoint is None:
            spread = self._spread_of("errors", lambda block: (block.errors, block.planned))
            return share_figure(self.errors, self.ended, spread=spread)
        block = self.total.endpoints.get(endpoint, Block())
        spread = self._spread_of("errors", lambda each: (each.errors, each.planned))
        part = block.planned / max(1, self.total.planned)
        return share_figure(
            min(block.errors, block.planned), block.planned, spread=spread_of_part(spread, part=part)
        )

    def share_of_hits(self, tier: str | None = None) -> Figure:
        """Return the part of the answers that a tier gave, among those that came as far; None: L1, stale ones too."""
        counts = {name: histogram.count for name, histogram in self.total.tiers.items()}
        top, bottom = hits_of(counts, tier=tier)
        spread = self._spread_of(f"hits {tier}", lambda block: hits_of(block.tiers, tier=tier))
        return share_figure(top, bottom, spread=spread)

    def quantile(self, histogram: Histogram, share: float) -> QuantileEstimate | None:
        """Return a quantile in seconds with its interval; None where the sample does not support it.

        For all responses the interval is that of order statistics at the effective number of requests. A quantile of the
        whole lies between those of its seconds, so with ten or more of them the interval ends there. What else is
        measured (another clock, an endpoint, a tier) has no seconds of its own: its interval is widened as that of all.
        """
        plain = histogram.estimate(share)
        whole = self.total.timings.response
        if plain is None or not whole.count:
            return plain
        widening = self._widening_of(share)
        if widening is None:
            return None
        return widened(plain, spread_of_part(widening**2, part=histogram.count / whole.count) ** 0.5)

    def exceeding(self, histogram: Histogram, seconds: float, *, censored: Histogram) -> Figure:
        """Return the part of the requests that took longer.

        Args:
            histogram: the times.
            seconds: the limit.
            censored: those among them that had no answer yet; they count as longer, however short the wait was.
        """
        whole = self.total.timings.response
        if not histogram.count or not whole.count:
            return Figure()
        limit = seconds * 1e6
        above, count = _above(histogram, limit)
        unknown = censored.count - _above(censored, limit)[0]  # the others are above it already
        spread = self._spread_of(f"above {seconds} s", lambda block: _above(block.response, limit))
        part = spread_of_part(spread, part=count / whole.count)
        return share_figure(min(count, above + unknown), count, spread=part)

    def _widening_of(self, share: float) -> float | None:
        """Return how many times wider than that of independent requests the interval of all responses is."""
        whole = self.total.timings.response
        plain = whole.estimate(share)
        if plain is None:
            return (
                1.0  # a part that has more values than the whole, such as the lag where most requests failed
            )
        found = spread_estimate(whole, share, spread=self._spread_at(whole, share))
        blocks = [block.response for block in self._blocks() if block.response.count * (1 - share) >= 1]
        low, high = (found.low, found.high) if found else (0.0, math.inf)
        if len(blocks) >= MINIMUM_BLOCKS:
            values = [block.value_at(share) / 1e6 for block in blocks]
            low, high = max(low, min(values)), min(high, max(values))
        elif found is None:
            return None
        width = plain.high - plain.low
        return max(1.0, (high - low) / width) if width > 0 else 1.0

    def _spread_at(self, histogram: Histogram, share: float) -> float:
        """Return the spread at a quantile, as values above it and as values from it on: many may share it."""
        limit = histogram.value_at(share)
        return max(
            self._spread_of(f"above p {share}", lambda block: _above(block.response, limit)),
            self._spread_of(f"from p {share}", lambda block: _above(block.response, 0.998 * limit - 1)),
        )

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


def _above(histogram: Histogram, microseconds: float) -> tuple[int, int]:
    """Return how many values lie above, and how many there are."""
    return (
        (round(histogram.share_above(microseconds) * histogram.count), histogram.count)
        if histogram.count
        else (0, 0)
    )
