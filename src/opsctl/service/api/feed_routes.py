"""How are feeds asked for: a user's feed, and what is popular now."""

from typing import Annotated

from fastapi import FastAPI, Path, Query, Request, Response
from pydantic import Field

from opsctl.metrics.service import EMPTY_FEEDS
from opsctl.service.api.encode import feed_bytes, feed_tags, trending_bytes
from opsctl.service.api.outgoing import FeedAnswer, TrendingAnswer
from opsctl.service.api.ports import Feeds
from opsctl.service.api.problem import EMPTY_FEED, ProblemError
from opsctl.service.api.schema import ChoiceName, DecimalNumber, Id
from opsctl.service.book import ServiceBook
from opsctl.service.model import Feed, FeedRequest
from opsctl.service.telemetry.meters import Meters
from opsctl.service.telemetry.trace import current_trace

UserId = Annotated[Id, DecimalNumber, Path(description="Whose feed.", examples=[42])]
Region = Annotated[
    ChoiceName | None,
    Query(description="Only items of this region; 422 where nothing is of it.", examples=["Brooklyn"]),
]
Category = Annotated[
    ChoiceName | None,
    Query(description="Only items of this category; 422 where nothing is of it.", examples=["print"]),
]


# RFC 9218, 4.1: the urgency of what nobody waits for.
BATCH_PRIORITY = "u=7"


def add_feed_routes(api: FastAPI, *, feeds: Feeds, book: ServiceBook, meters: Meters) -> None:
    """Add `/v1/feed/{user_id}` and `/v1/trending`."""
    default_items = book.limits.default_items
    limit_type = Annotated[
        int,
        Field(ge=1, le=book.limits.feed_items),
        DecimalNumber,
        Query(description="Most items to answer.", examples=[default_items]),
    ]

    @api.get(
        "/v1/feed/{user_id}", operation_id="getFeed", tags=["feeds"], responses={200: {"model": FeedAnswer}}
    )
    async def get_feed(
        incoming: Request,
        user_id: UserId,
        limit: limit_type = default_items,
        region: Region = None,
        category: Category = None,
    ) -> Response:
        """Return a user's feed, the best items first.

        A user who is not known gets a feed too: by what is popular in the region and category. Where something that
        ranking needs is gone, a lower tier answers; `X-Feed-Tier` and `X-Feed-Reason` say which, and why. `Priority:
        u=7` marks a request for which nobody waits: it is refused first when there are too many.
        """
        request = FeedRequest(
            user_id=user_id,
            limit=limit,
            region=region,
            category=category,
            is_batch=incoming.headers.get("priority") == BATCH_PRIORITY,
        )
        feed = await feeds.build(request)
        await _refuse_empty(feed, request, feeds=feeds, meters=meters)
        return _answer(feed)

    @api.get(
        "/v1/trending",
        operation_id="getTrending",
        tags=["feeds"],
        responses={200: {"model": TrendingAnswer}},
    )
    async def get_trending(
        limit: limit_type = default_items,
        region: Region = None,
        category: Category = None,
    ) -> Response:
        """Return what is popular now, the best first; the same for everybody."""
        items = await feeds.trending(region=region, category=category, limit=limit)
        return Response(
            trending_bytes(items, region=region, category=category), media_type="application/json"
        )


def _answer(feed: Feed) -> Response:
    """Return a feed's body, with the headers that say how it came to be."""
    trace = current_trace()
    with trace.stage("encode"):
        body = feed_bytes(feed)
    headers = {
        "Cache-Tag": feed_tags(feed),
        "X-Cache": "HIT-L2" if feed.answered_by_l2 else "MISS",
        "Server-Timing": trace.server_timing(),
        "X-Feed-Tier": feed.tier.value,
    }
    if feed.reason is not None:
        headers["X-Feed-Reason"] = feed.reason
    if feed.experiments:
        headers["X-Experiments"] = ", ".join(f"{name}={arm}" for name, arm in feed.experiments.items())
    return Response(body, media_type="application/json", headers=headers)


async def _refuse_empty(feed: Feed, request: FeedRequest, *, feeds: Feeds, meters: Meters) -> None:
    """Take an empty feed for a failure, unless nothing is popular there either: then nothing fits."""
    if feed.items:
        return
    if await feeds.trending(region=request.region, category=request.category, limit=1):
        meters.count(EMPTY_FEEDS)
        raise ProblemError(
            kind=EMPTY_FEED, detail="no item was found, although there are some", headers={"Retry-After": "1"}
        )
