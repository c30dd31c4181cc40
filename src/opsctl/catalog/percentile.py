"""Which share of all rows has a number at most this large: ranks in bounded memory, exact where that is possible."""

import struct
from bisect import bisect_right
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate

_MOST_DISTINCT_VALUES = 65_536
_BITS_DROPPED_AT_ONCE = 2


class PercentileCounter:
    """Counts numbers; its `ranks` then answer for each of them the share of numbers at most as large.

    Up to 65,536 distinct numbers are counted exactly. Beyond that, numbers that agree in their leading bits are
    counted together (the lowest two bits of the 52-bit mantissa go first, then the next two), so memory stays
    bounded, and the answer still depends on the set of numbers only, not on their order.
    """

    def __init__(self) -> None:
        self._counts: Counter[float] = Counter()
        self._dropped_bits = 0

    def add(self, value: float) -> None:
        """Count one number, which must be finite."""
        self._counts[_coarse(value, dropped_bits=self._dropped_bits)] += 1
        while len(self._counts) > _MOST_DISTINCT_VALUES:
            self._dropped_bits += _BITS_DROPPED_AT_ONCE
            folded: Counter[float] = Counter()
            for key, count in self._counts.items():
                folded[_coarse(key, dropped_bits=self._dropped_bits)] += count
            self._counts = folded

    def ranks(self) -> "Ranks":
        """Return what was counted so far, ready to be asked."""
        ordered = sorted(self._counts)
        cumulated = list(accumulate(self._counts[value] for value in ordered))
        return Ranks(ordered=ordered, cumulated=cumulated, dropped_bits=self._dropped_bits)


@dataclass(frozen=True, slots=True, kw_only=True)
class Ranks:
    """Distinct numbers in order, each with the count of all numbers up to it."""

    ordered: Sequence[float]
    cumulated: Sequence[int]
    dropped_bits: int = 0

    def share_at_most(self, value: float) -> float:
        """Return the share of the counted numbers that are at most `value`; 0 when none was counted.

        >>> counter = PercentileCounter()
        >>> for number in (1, 2, 2, 5):
        ...     counter.add(number)
        >>> counter.ranks().share_at_most(2), counter.ranks().share_at_most(5)
        (0.75, 1.0)
        """
        at = bisect_right(self.ordered, _coarse(value, dropped_bits=self.dropped_bits))
        return self.cumulated[at - 1] / self.cumulated[-1] if at else 0.0


def _coarse(value: float, *, dropped_bits: int) -> float:
    """Return the number with its lowest bits cleared."""
    if dropped_bits == 0:
        return value
    bits = int.from_bytes(struct.pack(">d", value))
    kept = bits >> dropped_bits << dropped_bits
    return float(struct.unpack(">d", kept.to_bytes(8))[0])
