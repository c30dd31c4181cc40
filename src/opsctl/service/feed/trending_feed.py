"""What does everybody get when nothing else can be made: what is popular, out of memory, without asking anybody."""

import os
from collections.abc import Callable, Sequence
from datetime import UTC, datetime

from opsctl.service.feed.feed_ids import make_feed_id
from opsctl.service.feed.trending import TrendingBoard
from opsctl.service.model import Feed, FeedItem, FeedRequest, Tier
from opsctl.store.popularity import PopularItem

_NOBODY = "cold"


class TrendingFeeds:
    """Feeds of the lowest tier.

    Args:
        board: what is popular, read from disk at the start and kept from then on.
        now: seconds since 1970.
        random_bytes: source of feed ids.
    """

    def __init__(
        self,
        board: TrendingBoard,
        *,
        now: Callable[[], float],
        random_bytes: Callable[[int], bytes] = os.urandom,
    ) -> None:
        self._board = board
        self._now = now
        self._random_bytes = random_bytes

    def build(self, request: FeedRequest) -> Feed:
        """Return a feed; it is empty only where nothing at all is known."""
        items = self._board.nearest(region=request.region, category=request.category, limit=request.limit)
        return self.feed_of(request, [feed_item(item, score=item.score) for item in items])

    def feed_of(
        self,
        request: FeedRequest,
        items: Sequence[FeedItem],
        *,
        tier: Tier = Tier.TRENDING,
        segment: str = _NOBODY,
    ) -> Feed:
        """Return a feed of these items that no agent ranked: no weights, no exploration, no decision to learn from."""
        now_seconds = self._now()
        return Feed(
            feed_id=make_feed_id(now_seconds=now_seconds, random_bytes=self._random_bytes(10)),
            user_id=request.user_id,
            items=tuple(items),
            tier=tier,
            segment=segment,
            generated_at=datetime.fromtimestamp(now_seconds, UTC),
        )


def feed_item(item: PopularItem, *, score: float) -> FeedItem:
    """Return a popular item as one of a feed."""
    return FeedItem(
        content_id=item.content_id,
        vendor_id=item.vendor_id,
        title=item.title,
        region=item.region,
        category=item.category,
        price_usd=item.price_usd,
        quality=item.quality,
        score=min(1.0, max(0.0, score)),
        agents={},
    )
