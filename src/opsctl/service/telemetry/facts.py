"""What is known of a request once it is answered: the values from which its line of the log is made."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from opsctl.service.telemetry.trace import Trace, current_trace

_FEED = "feed"

REFRESH = "STALE refresh"
"""What `RequestFacts.cache` says of a feed that was made in the background, while an old one was given."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestFacts:
    """One answered request, as the edge saw it.

    Args:
        route: one of `metrics.ROUTES`, never the path itself.
        duration_seconds: from the first byte in to the last byte out.
        bytes_sent: length of the body.
        trace_id: of `traceparent`, 32 hexadecimal digits; empty where there is none.
        span_id: this service's own span of it, 16 digits; empty where there is none.
        cache: what `X-Cache` says, such as `HIT-L1`; `REFRESH`; empty where nothing could be cached.
        key_prefix: the public part of the API key; None for a request without one.
        user_id: whose feed it is; the log writes only a keyed hash of it.
        refused: why the edge itself said no, a reason of `metrics.REFUSED`; None where it did not.
        trace: stages, cache lookups and facts; None for what was answered without any stage, such as an L1 hit.
    """

    route: str
    method: str
    status: int
    duration_seconds: float
    bytes_sent: int
    request_id: str
    trace_id: str = ""
    span_id: str = ""
    cache: str = ""
    key_prefix: str | None = None
    user_id: int | None = None
    refused: str | None = None
    trace: Trace | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class AgentFacts:
    """How one agent did in one feed: mean score of the items shown, and the time that scoring took."""

    mean_score: float
    duration_seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class FeedFacts:
    """What a feed that was built tells of itself; see `Feed` for the words."""

    feed_id: str
    size: int
    tier: str
    segment: str
    reason: str | None = None
    exploration_share: float = 0.0
    arm: str | None = None
    agents: Mapping[str, AgentFacts] = field(default_factory=dict)
    is_simulated: bool = False


def note_feed(facts: FeedFacts) -> None:
    """Tell the current request's line what feed was built for it; it then becomes `feed_generated`."""
    current_trace().facts[_FEED] = facts


def feed_of(trace: Trace | None) -> FeedFacts | None:
    """Return what was noted of the feed; None when this request built none."""
    noted = None if trace is None else trace.facts.get(_FEED)
    return noted if isinstance(noted, FeedFacts) else None
