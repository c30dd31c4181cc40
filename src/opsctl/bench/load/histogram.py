"""How are millions of latencies kept in constant memory, merged, and asked for quantiles: an HDR histogram."""

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from opsctl.core.quantiles import QuantileEstimate, order_statistic_ranks

if TYPE_CHECKING:
    import numpy as np

Sparse = Mapping[str, Any]
"""A histogram as plain JSON: `indices` and `counts` of what is not empty, `total` and `largest` in microseconds."""

LARGEST_MICROSECONDS = 3_600_000_000
"""One hour; longer values are kept as this."""

_HALF_BITS = 10
_HALF = 1 << _HALF_BITS
"""Slots of one power of two. 1,024 of them keep every value within 1/1,024 of itself: three digits (HdrHistogram)."""

_SLOTS = (LARGEST_MICROSECONDS.bit_length() - _HALF_BITS) * _HALF + _HALF

_MOST_VALUES = 2**53


class Histogram:
    """Counts of integer microseconds in log-linear slots: exact below 2,048 us, within 0.1 % above.

    The slots are those of HdrHistogram with three significant digits: slot `i < 2048` holds the value `i`; above, each
    power of two is cut into 1,024 equal slots. Merging adds counts, so that nothing is lost by it.
    """

    __slots__ = ("_dense", "_packed", "largest_microseconds", "sum_microseconds")

    def __init__(self) -> None:
        self._dense: np.ndarray | None = None  # most histograms of a run are never asked to hold anything
        self._packed: tuple[np.ndarray, np.ndarray] | None = None
        self.sum_microseconds = 0
        self.largest_microseconds = 0

    @property
    def count(self) -> int:
        """Return how many values were recorded."""
        return 0 if self._counts is None else int(self._counts.sum())

    @property
    def mean_microseconds(self) -> float:
        """Return the mean, which is exact; NaN when empty."""
        return self.sum_microseconds / self.count if self.count else math.nan

    def record_many(self, microseconds: "np.ndarray") -> None:
        """Add values (any numeric array of shape (n,)); negative ones count as 0, long ones as an hour."""
        self.record_slots(*values_and_slots(microseconds))

    def record_slots(self, values: "np.ndarray", slots: "np.ndarray") -> None:
        """Add values whose slots are known already (`values_and_slots`), because they go to several histograms."""
        import numpy as np

        if not values.size:
            return
        highest = int(slots.max()) + 1
        counts = self._room(highest)
        counts[:highest] += np.bincount(slots, minlength=highest)
        self.sum_microseconds += int(values.sum())
        self.largest_microseconds = max(self.largest_microseconds, int(values.max()))

    def merge(self, other: "Histogram") -> None:
        """Add all values of another histogram."""
        theirs = other.slots()
        if theirs is None:
            return
        self._room(theirs.size)[: theirs.size] += theirs
        self.sum_microseconds += other.sum_microseconds
        self.largest_microseconds = max(self.largest_microseconds, other.largest_microseconds)

    def value_at(self, share: float) -> float:
        """Return the quantile in microseconds: the middle of the slot that holds the value of that rank; NaN when empty."""
        return self.values_at_ranks([max(1, math.ceil(share * self.count))])[0] if self.count else math.nan

    def values_at_ranks(self, ranks: Sequence[int]) -> list[float]:
        """Return the values of these ranks (from 1) in microseconds."""
        import numpy as np

        if self._counts is None:
            return [math.nan] * len(ranks)
        slots = np.searchsorted(np.cumsum(self._counts), np.asarray(ranks), side="left")
        return [min(middle_of(int(slot)), float(self.largest_microseconds)) for slot in slots]

    def estimate(self, share: float, *, confidence: float = 0.95) -> QuantileEstimate | None:
        """Return a quantile in seconds with its interval from order statistics, or None where the sample is too small."""
        size = self.count
        ranks = order_statistic_ranks(size, share, confidence=confidence)
        if ranks is None:
            return None
        value, low, high = self.values_at_ranks([max(1, math.ceil(share * size)), *ranks])
        return QuantileEstimate(quantile=share, value=value / 1e6, low=low / 1e6, high=high / 1e6)

    def share_above(self, microseconds: float) -> float:
        """Return the part of the values in slots that lie above a value; NaN when empty."""
        if not self.count or self._counts is None:
            return math.nan
        first = slot_of(min(int(microseconds), LARGEST_MICROSECONDS)) + 1
        return float(self._counts[first:].sum()) / self.count

    def pack(self) -> None:
        """Keep slots and counts of what is not empty only, until something is added or asked: a long run has many."""
        if self._dense is not None:
            slots = self._dense.nonzero()[0]
            self._packed = slots.astype("int32"), self._dense[slots]
            self._dense = None

    def slots(self) -> "np.ndarray | None":
        """Return the counts by slot, None while nothing was recorded; a view, not to be written to."""
        return self._counts

    def occupied(self) -> Iterator[tuple[float, int]]:
        """Yield (microseconds, count) of every slot that holds something, ascending."""
        if self._counts is None:
            return
        for slot in self._counts.nonzero()[0]:
            yield middle_of(int(slot)), int(self._counts[slot])

    def to_sparse(self) -> dict[str, Any]:
        """Return the histogram as plain JSON."""
        if self._counts is None:
            return {"indices": [], "counts": [], "total": 0, "largest": 0}
        slots = self._counts.nonzero()[0]
        return {
            "indices": slots.tolist(),
            "counts": self._counts[slots].tolist(),
            "total": self.sum_microseconds,
            "largest": self.largest_microseconds,
        }

    @classmethod
    def from_sparse(cls, sparse: Sparse) -> "Histogram":
        """Read what `to_sparse` wrote.

        Raises:
            ValueError: when it is not a histogram of these slots.
        """
        import numpy as np

        try:
            slots, counts = _whole_numbers(sparse["indices"]), _whole_numbers(sparse["counts"])
            total, largest = (int(part) for part in _whole_numbers([sparse["total"], sparse["largest"]]))
        except (KeyError, TypeError, OverflowError) as error:
            raise ValueError("this is no histogram") from error
        if (
            slots.shape != counts.shape
            or (counts <= 0).any()
            or counts.astype(np.float64).sum() > _MOST_VALUES
        ):
            raise ValueError("indices and counts do not belong together")
        if total < 0 or not 0 <= largest <= LARGEST_MICROSECONDS:
            raise ValueError("total or largest value do not belong to a histogram")
        if slots.size and (slots.min() < 0 or slots.max() >= _SLOTS or np.unique(slots).size != slots.size):
            raise ValueError("a slot lies outside the histogram, or is named twice")
        made = cls()
        if slots.size:
            made._room(int(slots.max()) + 1)[slots] = counts
        made.sum_microseconds, made.largest_microseconds = total, largest
        return made

    def __reduce__(self) -> tuple[Any, ...]:
        self.pack()
        return (_unpickled, (self._packed, self.sum_microseconds, self.largest_microseconds))

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Histogram) and self.to_sparse() == other.to_sparse()

    __hash__ = None  # type: ignore[assignment]  # it changes

    @property
    def _counts(self) -> "np.ndarray | None":
        import numpy as np

        if self._packed is not None:
            slots, counts = self._packed
            self._dense = np.zeros(int(slots[-1]) + 1, dtype=np.int64)
            self._dense[slots] = counts
            self._packed = None
        return self._dense

    def _room(self, slots: int) -> "np.ndarray":
        """Return the counts, with place for so many slots: a run of a few milliseconds needs no slots up to an hour."""
        import numpy as np

        counts = self._counts
        if counts is None:
            counts = np.zeros(slots, dtype=np.int64)
        elif counts.size < slots:
            counts = np.concatenate([counts, np.zeros(slots - counts.size, dtype=np.int64)])
        self._dense = counts
        return counts


def _whole_numbers(values: Any) -> "np.ndarray":
    """Return a row of whole numbers; numpy alone would cut fractions off and read texts."""
    import numpy as np

    if not isinstance(values, Sequence) or not all(type(value) is int for value in values):
        raise ValueError("this is no histogram: not a row of whole numbers")
    return np.array(values, dtype=np.int64)


def _unpickled(packed: "tuple[np.ndarray, np.ndarray] | None", total: int, largest: int) -> Histogram:
    made = Histogram()
    made._packed = packed  # noqa: SLF001 - its own other half
    made.sum_microseconds, made.largest_microseconds = total, largest
    return made


def values_and_slots(microseconds: "np.ndarray") -> "tuple[np.ndarray, np.ndarray]":
    """Return what is recorded of these values (whole, from 0 to an hour), and in which slots."""
    import numpy as np

    values = np.clip(np.rint(microseconds), 0, LARGEST_MICROSECONDS).astype(np.int64)
    return values, slots_of(values)


def slots_of(microseconds: "np.ndarray") -> "np.ndarray":
    """Return the slot of each value (int64, from 0 to an hour)."""
    import numpy as np

    # frexp of an integer below 2**53 is exact: the exponent is its bit length.
    bits = np.frexp(microseconds.astype(np.float64))[1].astype(np.int64)
    shift = np.maximum(bits - _HALF_BITS - 1, 0)
    slots: np.ndarray = shift * _HALF + (microseconds >> shift)
    return slots


def slot_of(microseconds: int) -> int:
    """Return the slot of one value."""
    shift = max(microseconds.bit_length() - _HALF_BITS - 1, 0)
    return shift * _HALF + (microseconds >> shift)


def middle_of(slot: int) -> float:
    """Return the middle of the values that a slot holds, in microseconds."""
    shift = max(slot // _HALF - 1, 0)
    return float(((slot - shift * _HALF) << shift) + ((1 << shift) - 1) / 2)
