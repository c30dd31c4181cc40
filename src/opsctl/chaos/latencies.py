"""How are the latencies of a long drill kept in little memory: counts in slots that grow by two in a hundred."""

import math
from collections import Counter

_GROWTH = 1.02
"""Each slot is 2 % wider than the one before, so a quantile is within 1 % of the truth (DDSketch, VLDB 2019)."""

_LOG_GROWTH = math.log(_GROWTH)
_LEAST_SECONDS = 1e-6
_MOST_SECONDS = 86_400.0


class Latencies:
    """Counts of latencies; at most about 1,300 slots from a microsecond to a day."""

    __slots__ = ("count", "slots")

    def __init__(self) -> None:
        self.slots: Counter[int] = Counter()
        self.count = 0

    def add(self, seconds: float) -> None:
        """Count one latency; what is shorter or longer than a slot counts as the first or the last."""
        within = min(_MOST_SECONDS, max(_LEAST_SECONDS, seconds))
        self.slots[math.ceil(math.log(within) / _LOG_GROWTH)] += 1
        self.count += 1

    def merge(self, other: "Latencies") -> None:
        """Add what another counted."""
        self.slots.update(other.slots)
        self.count += other.count

    def quantile(self, share: float) -> float | None:
        """Return the value of which `share` are not above, or None where nothing was counted."""
        rank = max(1, math.ceil(share * self.count))
        below = 0
        for slot in sorted(self.slots):
            below += self.slots[slot]
            if below >= rank:
                return 2 * math.exp(slot * _LOG_GROWTH) / (1 + _GROWTH)
        return None
