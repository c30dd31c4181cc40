"""What did the load see: one request, and what many of them come to in each phase of a drill."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import IntEnum, StrEnum


class Phase(StrEnum):
    """The parts of a drill."""

    BASELINE = "baseline"
    FAULT = "fault"
    RECOVERY = "recovery"


class NoFeed(IntEnum):
    """What stands in the place of a status where a request ended without one that means anything."""

    NO_ANSWER = 0
    """It was refused, broken off, or given up."""
    BROKEN = 1
    """The status said 200, and the body was no feed."""
    UNSENT = 2
    """It was not even sent, because too many others were waiting."""


_NO_FEED_TEXTS = {int(each): each.name.lower().replace("_", " ") for each in NoFeed}


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """One request as its sender saw it.

    Args:
        at: when it was sent, in seconds since 1970.
        seconds: until the answer was whole, or was given up.
        status: of the answer, or a `NoFeed`.
        tier: who made the answer, as the service says: multi_agent, simple, trending; else empty.
        is_stale: it was older than it should be, and the service says so.
        items: of the feed; None where the request is for no feed.
        is_retry: the client had asked before.
        kind: such as `returning`, `new` or `interaction`.
        is_cached: it was not made for this request.
    """

    at: float
    seconds: float
    status: int
    tier: str = ""
    is_stale: bool = False
    items: int | None = None
    is_retry: bool = False
    kind: str = "returning"
    is_cached: bool = False

    @property
    def ended_at(self) -> float:
        """Return when it was over."""
        return self.at + self.seconds

    @property
    def is_answered(self) -> bool:
        """Tell whether there was an answer that is no error."""
        return 200 <= self.status < 400

    @property
    def is_empty(self) -> bool:
        """Tell whether it was answered with a feed that has nothing in it."""
        return self.is_answered and self.items == 0

    @property
    def is_good(self) -> bool:
        """Tell whether the reader got what they came for."""
        return self.is_answered and not self.is_empty

    @property
    def is_fresh(self) -> bool:
        """Tell whether a tier made this answer for this request."""
        return self.is_good and bool(self.tier) and not self.is_cached and not self.is_stale


@dataclass(frozen=True, slots=True, kw_only=True)
class PhaseFigures:
    """What the requests of one phase come to; times in seconds, None where nothing was answered.

    Args:
        seconds: how long the phase was.
        number: requests, retries included.
        statuses: requests by status, or by the name of a `NoFeed`.
        tiers: fresh answers by tier.
    """

    seconds: float = 0.0
    number: int = 0
    good: int = 0
    empty: int = 0
    stale: int = 0
    cached: int = 0
    retries: int = 0
    p50_seconds: float | None = None
    p95_seconds: float | None = None
    p99_seconds: float | None = None
    statuses: Mapping[str, int] = field(default_factory=dict)
    tiers: Mapping[str, int] = field(default_factory=dict)

    @property
    def bad(self) -> int:
        """Return the requests that missed: failed, or answered with an empty feed."""
        return self.number - self.good

    @property
    def availability(self) -> float | None:
        """Return the part that ended well."""
        return self.good / self.number if self.number else None

    @property
    def goodput(self) -> float:
        """Return the good answers a second."""
        return self.good / self.seconds if self.seconds else 0.0

    @property
    def per_second(self) -> float:
        """Return the requests a second, retries apart."""
        return (self.number - self.retries) / self.seconds if self.seconds else 0.0

    @property
    def attempts(self) -> float | None:
        """Return requests with retries over requests without."""
        first = self.number - self.retries
        return self.number / first if first else None

    @property
    def fresh(self) -> int:
        """Return the answers that a tier made for their request."""
        return sum(self.tiers.values())

    def share_of(self, tier: str) -> float | None:
        """Return the part of the fresh answers that a tier made."""
        return self.tiers.get(tier, 0) / self.fresh if self.fresh else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Point:
    """A stretch of the drill for its charts: `second` since the drill began.

    Args:
        tiers: answers by who gave them; `cache` and `stale` beside the tiers, `error` for the bad ones.
    """

    second: float
    length_seconds: float
    number: int
    good: int
    p50_seconds: float | None
    p99_seconds: float | None
    tiers: Mapping[str, int]


def status_text(status: int) -> str:
    """Return how figures name a status.

    >>> [status_text(status) for status in (200, 0, 2)]
    ['200', 'no answer', 'unsent']
    """
    return _NO_FEED_TEXTS.get(status, str(status))


def server_of(sample: Sample) -> str:
    """Return who gave an answer, as charts name it."""
    if not sample.is_good:
        return "error"
    if sample.is_stale:
        return "stale"
    return "cache" if sample.is_cached else sample.tier or "unknown"
