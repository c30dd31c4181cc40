"""What is said to a circuit breaker, and what it says."""

import math
from dataclasses import dataclass
from enum import Enum, StrEnum, auto


class BreakerState(StrEnum):
    """Who gets through: everybody, nobody, a few on trial; the last two by order of an operator."""

    CLOSED = "closed"
    OPEN = "open"
    HALF_OPEN = "half_open"
    ISOLATED = "isolated"
    FORCED_CLOSED = "forced_closed"


class Outcome(Enum):
    """How a call ended, as far as it tells about the dependency."""

    SUCCESS = auto()
    FAILURE = auto()
    """Timeout, no connection, 5xx."""
    IGNORED = auto()
    """Tells nothing: the client went away, the request was wrong (4xx), or we shed it ourselves."""


class OverrideKind(StrEnum):
    """What an operator may order."""

    ISOLATED = "isolated"
    FORCED_CLOSED = "forced_closed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Override:
    """An operator's order; it always has an owner and an end.

    Args:
        until: the moment on the breaker's monotonic clock, in seconds, at which it expires by itself.

    Raises:
        ValueError: `until` is no moment, so that the order would stand after everybody has forgotten it.
    """

    kind: OverrideKind
    owner: str
    until: float
    reason: str

    def __post_init__(self) -> None:
        if not math.isfinite(self.until):
            raise ValueError("an override needs an end: give `until` as a moment of the monotonic clock")


@dataclass(frozen=True, slots=True, kw_only=True)
class BreakerOptions:
    """When a breaker opens, and how it closes again."""

    slow_seconds: float
    """A call that takes longer is slow, unless it says itself what is: the time that this dependency has in the budget of a
    request."""
    slow_share: float = 0.5
    """This share of slow calls opens it: what answers slowly, but answers, never shows as an error."""
    failure_share: float = 0.5
    """This share of failures opens it."""
    window_seconds: float = 10.0
    """Shares are of the calls of so long."""
    minimum_calls: int = 20
    """With fewer calls in the window, shares say nothing."""
    consecutive_failures: int = 5
    """So many in a row open it at any volume; else a dependency that is seldom called would never trip it."""
    open_seconds: float = 1.0
    """How long it is open the first time; twice as long each time after."""
    open_seconds_most: float = 30.0
    """Doubling ends here."""
    open_jitter: float = 0.3
    """Each open time is up to this share longer or shorter, so that workers do not all try at the same moment."""
    calm_seconds: float = 30.0
    """Closed for so long, it begins with `open_seconds` again; one that flaps keeps its long open time."""
    half_open_permits: int = 5
    """Calls let through on trial."""
    half_open_successes_share: float = 0.8
    """Share of them that has to succeed, and not slowly, to close it."""
    half_open_seconds: float = 5.0
    """The trial ends after so long; what has no answer by then has failed."""


class Permit:
    """Leave to make one call; given back with `release`, where only the first time counts."""

    __slots__ = ("began_seconds", "epoch", "slow_seconds")

    def __init__(self, epoch: int, began_seconds: float, slow_seconds: float) -> None:
        self.epoch = epoch
        self.began_seconds = began_seconds
        self.slow_seconds = slow_seconds
