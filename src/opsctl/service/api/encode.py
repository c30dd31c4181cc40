"""How do answers become bytes: straight from the values with orjson; a test holds them against the models."""

from collections.abc import Sequence
from typing import Any

import orjson

from opsctl.service.model import Feed, FeedItem
from opsctl.store.content_writes import Content
from opsctl.store.popularity import PopularItem
from opsctl.store.readers import RecordedInteractions

_OPTIONS = orjson.OPT_UTC_Z | orjson.OPT_NON_STR_KEYS


def to_json(document: dict[str, Any]) -> bytes:
    """Return a document as JSON; moments end in Z."""
    return orjson.dumps(document, option=_OPTIONS)


def feed_bytes(feed: Feed) -> bytes:
    """Return the body of a feed, about 4 KB for 20 items."""
    return to_json(
        {
            "feed_id": feed.feed_id,
            "user_id": feed.user_id,
            "tier": feed.tier.value,
            "reason": feed.reason,
            "segment": feed.segment,
            "generated_at": feed.generated_at,
            "items": [_feed_item(item) for item in feed.items],
            "weights": {agent: round(weight, 4) for agent, weight in feed.weights.items()},
            "exploration": {
                "arm": feed.arm,
                "propensity": None if feed.propensity is None else round(feed.propensity, 4),
            },
            "versions": {"arms": feed.arms_version, "policy": feed.policy_version},
        }
    )


def feed_tags(feed: Feed) -> str:
    """Return what the feed speaks of, as the value of a `Cache-Tag` header."""
    return ",".join([f"user-{feed.user_id}", *(f"content-{item.content_id}" for item in feed.items)])


def trending_bytes(items: Sequence[PopularItem], *, region: str | None, category: str | None) -> bytes:
    """Return the body of what is popular."""
    return to_json({"region": region, "category": category, "items": [_item(item) for item in items]})


def recorded_bytes(recorded: RecordedInteractions) -> bytes:
    """Return the body of what became of a batch; a key that was repeated often is named once."""
    return to_json(
        {
            "accepted": recorded.accepted,
            "repeated": list(dict.fromkeys(recorded.repeated)),
            "unknown_content": recorded.unknown_content,
        }
    )


def content_bytes(content: Content) -> bytes:
    """Return the body of an item."""
    return to_json(
        {
            "id": content.id,
            "vendor_id": content.vendor_id,
            "title": content.title,
            "description": content.description,
            "region": content.region,
            "district": content.district,
            "category": content.category,
            "tags": content.tags,
            "price_usd": _cents(content.price_usd),
            "quality": round(content.quality, 4),
            "status": content.status,
            "updated_at": content.updated_at,
        }
    )


def _item(item: FeedItem | PopularItem) -> dict[str, Any]:
    return {
        "id": item.content_id,
        "vendor_id": item.vendor_id,
        "title": item.title,
        "region": item.region,
        "category": item.category,
        "price_usd": _cents(item.price_usd),
        "quality": round(item.quality, 4),
        "score": round(item.score, 4),
    }


def _feed_item(item: FeedItem) -> dict[str, Any]:
    return _item(item) | {
        "agents": {agent: round(score, 4) for agent, score in item.agents.items()},
        "explored_by": item.explored_by,
    }


def _cents(price_usd: float | None) -> float | None:
    return None if price_usd is None else round(price_usd, 2)
