"""How many requests may be worked on at once, learnt from how long they take, and who is refused first."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from enum import IntEnum

# Netflix concurrency-limits: ExpAvgMeasurement, Gradient2Limit, WindowedLimit, AIMDLimit.
_WARM_UP = 10
_LEAST_GRADIENT = 0.5
_MOST_LONG_TO_SHORT = 2.0
_LONG_DECAY = 0.9
_LEAST_SAMPLES = 10
_BACKOFF = 0.9


class Priority(IntEnum):
    """Who is asked to wait last: CRITICAL; then LIVE, a reader who waits; BATCH, nobody who waits."""

    CRITICAL = 0
    LIVE = 1
    BATCH = 2


# The share of the limit up to which each may fill it. A tenth is kept for what must always pass, as health and
# operators' calls. Batch work waits for nobody, so it uses only what is idle: with half of the limit free, a burst of
# readers finds room at once, whatever batch has begun.
_SHARES = {Priority.CRITICAL: 1.0, Priority.LIVE: 0.9, Priority.BATCH: 0.5}


@dataclass(frozen=True, slots=True, kw_only=True)
class LimitOptions:
    """How the limit begins, how far it goes, and how fast."""

    initial: int = 32
    least: int = 4
    most: int = 256
    tolerance: float = 1.5
    """Requests may take so many times as long as they used to before the limit falls."""
    smoothing: float = 0.2
    """Share of each step that is taken."""
    sample_seconds: float = 0.25
    """A step is made of the requests of so long. By single requests a busy service would forget in a second how long
    they used to take, and take its overload for normal."""
    long_samples: int = 600
    """The long average reaches back about so many samples."""


class AdaptiveLimit:
    """A limit of requests at once that falls when they take longer than they used to; for one event loop.

    Args:
        now: a monotonic clock.
    """

    __slots__ = (
        *("_cut_at", "_in_flight", "_limit", "_long", "_now", "_options", "_peak"),
        *("_rooms", "_samples", "_since", "_sum_seconds"),
    )

    def __init__(self, options: LimitOptions, *, now: Callable[[], float]) -> None:
        self._options = options
        self._now = now
        self._in_flight = 0
        self._peak: int = 0
        self._samples: int = 0
        self._sum_seconds: float = 0.0
        self._since: float = now()
        self._long = _LongAverage(options.long_samples)
        self._cut_at = -math.inf
        self._set_limit(options.initial)

    @property
    def limit(self) -> int:
        """How many may be worked on at once."""
        return int(self._limit)

    @property
    def in_flight(self) -> int:
        """How many are worked on."""
        return self._in_flight

    def acquire(self, priority: Priority) -> bool:
        """Take a place, to be released exactly once, or return False: refused."""
        if self._in_flight >= self._rooms[priority]:
            return False
        self._in_flight += 1
        self._peak = max(self._peak, self._in_flight)
        return True

    def release(self, seconds: float | None, *, was_dropped: bool) -> None:
        """Give a place back.

        Args:
            seconds: how long the request took; None where that tells nothing, as when the client went away.
            was_dropped: it ran out of time, so that how long it would have taken is not known.
        """
        now = self._now()
        self._in_flight -= 1
        if was_dropped:
            self._cut(now)
        elif seconds is not None:
            self._samples += 1
            self._sum_seconds += seconds
            self._step(now)

    def _cut(self, now: float) -> None:
        # All that were begun together run out of time together: one cut for them, as TCP makes one a round trip.
        if not 0 <= now - self._cut_at < self._options.sample_seconds:
            self._cut_at = now
            self._set_limit(self._limit * _BACKOFF)

    def _step(self, now: float) -> None:
        self._since = min(self._since, now)
        if self._samples < _LEAST_SAMPLES or now - self._since < self._options.sample_seconds:
            return
        short = self._sum_seconds / self._samples
        long = self._long.add(short)
        # Requests that leave half of the limit unused do not show that more would do.
        if self._peak >= self._limit / 2:
            self._set_limit(next_limit(self._limit, short=short, long=long, options=self._options))
        self._begin_sample(now)

    def _begin_sample(self, now: float) -> None:
        self._since = now
        self._samples = 0
        self._sum_seconds = 0.0
        self._peak = self._in_flight

    def _set_limit(self, limit: float) -> None:
        self._limit = min(float(self._options.most), max(float(self._options.least), limit))
        self._rooms = tuple(max(1, int(_SHARES[priority] * self.limit)) for priority in Priority)


def next_limit(limit: float, *, short: float, long: float, options: LimitOptions) -> float:
    """Return the limit after a sample: Netflix's Gradient2, with a queue of the square root of the limit."""
    gradient = options.tolerance * long / short if short > 0 else 1.0
    wanted = limit * min(1.0, max(_LEAST_GRADIENT, gradient)) + math.sqrt(limit)
    return limit + options.smoothing * (wanted - limit)


class _LongAverage:
    """An exponential average that begins as a plain one."""

    __slots__ = ("_count", "_factor", "_value")

    def __init__(self, samples: int) -> None:
        self._factor = 2 / (samples + 1)
        self._count = 0
        self._value = 0.0

    def add(self, value: float) -> float:
        """Add a sample and return the average with it."""
        self._count += 1
        self._value += (value - self._value) * (1 / self._count if self._count <= _WARM_UP else self._factor)
        average = self._value
        if average > _MOST_LONG_TO_SHORT * value:
            # After long overload the average is far too high, and would hide the next one.
            self._value *= _LONG_DECAY
        return average
