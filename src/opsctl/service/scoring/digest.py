"""Which state of an item was scored: a short name of everything that a scorer is told of it."""

from hashlib import blake2b

import orjson

from opsctl.service.scoring.ports import ScoredItem


def item_digest(item: ScoredItem) -> str:
    """Return 16 hexadecimal digits that change with any part of the item; for the key of a cached score."""
    parts = [
        item.content_id,
        item.title,
        item.description,
        item.category,
        item.region,
        item.price_usd,
        item.quality,
        list(item.tags),
    ]
    return blake2b(orjson.dumps(parts), digest_size=8).hexdigest()
