"""What goes through the service: a request for a feed, the feed, an interaction, a trend; items are the store's."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum


class Tier(StrEnum):
    """How a feed was made, the best first."""

    MULTI_AGENT = "multi_agent"
    SIMPLE = "simple"
    TRENDING = "trending"


@dataclass(frozen=True, slots=True, kw_only=True)
class FeedRequest:
    """What is asked: a feed for a user, possibly of one region and category; `is_batch` where nobody waits for it."""

    user_id: int
    limit: int
    region: str | None = None
    category: str | None = None
    is_batch: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class FeedItem:
    """One item of a feed; `agents` holds each agent's score of it, `explored_by` the arm that brought it."""

    content_id: int
    vendor_id: int
    title: str
    region: str
    category: str
    price_usd: float | None
    quality: float
    score: float
    agents: Mapping[str, float]
    explored_by: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Feed:
    """A feed and how it came about.

    Args:
        feed_id: the logged decision; clients send it back with interactions.
        reason: why a lower tier made it: a dependency, `overload`, `deadline`, `empty`, `defect`, or `exercise` where
            nothing was wrong; None for the highest tier.
        answered_by_l2: every item-level lookup was a hit in L2, nothing was computed anew.
        segment: cold, light, regular or heavy, by the reader's history.
        experiments: the reader's arm in each experiment that runs.
    """

    feed_id: str
    user_id: int
    items: tuple[FeedItem, ...]
    tier: Tier
    segment: str
    generated_at: datetime
    reason: str | None = None
    weights: Mapping[str, float] = field(default_factory=dict)
    arm: str | None = None
    propensity: float | None = None
    arms_version: int = 0
    policy_version: int = 0
    answered_by_l2: bool = False
    experiments: Mapping[str, str] = field(default_factory=dict)
