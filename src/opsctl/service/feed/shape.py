"""What does ranking see of a reader, and a client of a slate: one shape turned into another."""

from collections.abc import Mapping
from datetime import datetime
from types import MappingProxyType

from opsctl.ranking.model import Reader, Slate
from opsctl.service.feed.values import Profile
from opsctl.service.model import Feed, FeedItem, Tier
from opsctl.store.content_writes import ItemFacts

_NO_AGENTS: Mapping[str, float] = MappingProxyType({})


def reader_of(profile: Profile) -> Reader:
    """Return what ranking is told of a reader."""
    return Reader(
        vector=profile.vector,
        history=profile.recent,
        seen=profile.seen,
        context=profile.context,
        hidden=profile.hidden,
        vendors=profile.vendors,
        history_weights=profile.recent_weights,
    )


def feed_of_slate(  # noqa: PLR0913 - what a feed is made of
    feed_id: str,
    profile: Profile,
    *,
    slate: Slate,
    facts: Mapping[int, ItemFacts],
    generated_at: datetime,
    is_from_l2: bool,
    experiments: Mapping[str, str],
) -> Feed:
    """Return the feed that shows a slate."""
    explored = frozenset(slate.explored)
    return Feed(
        feed_id=feed_id,
        user_id=profile.user_id,
        items=tuple(
            item_of(
                facts[item],
                score=slate.scores[place],
                agents={name: scores[place] for name, scores in slate.agent_scores.items()},
                explored_by=slate.arm if place in explored else None,
            )
            for place, item in enumerate(slate.ids)
        ),
        tier=Tier.MULTI_AGENT,
        segment=profile.segment,
        generated_at=generated_at,
        weights=slate.weights,
        arm=slate.arm,
        propensity=slate.propensity,
        arms_version=slate.arms_version,
        policy_version=slate.policy_version,
        answered_by_l2=is_from_l2,
        experiments=experiments,
    )


def item_of(
    facts: ItemFacts,
    *,
    score: float,
    agents: Mapping[str, float] = _NO_AGENTS,
    explored_by: str | None = None,
) -> FeedItem:
    """Return an item of a feed as its facts tell it."""
    return FeedItem(
        content_id=facts.content_id,
        vendor_id=facts.vendor_id,
        title=facts.title,
        region=facts.region,
        category=facts.category,
        price_usd=facts.price_usd,
        quality=facts.quality,
        score=score,
        agents=agents,
        explored_by=explored_by,
    )
