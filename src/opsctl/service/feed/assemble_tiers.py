"""How are the tiers of feeds put together: the builder on top, the simpler ones below, and who is let in."""

import random
import time
from collections.abc import Callable

from opsctl.service.book import ServiceBook
from opsctl.service.feed.assemble import FeedParts
from opsctl.service.feed.simple_feed import SimpleFeeds
from opsctl.service.feed.tiers import Ladder, TieredFeeds
from opsctl.service.feed.trending_feed import TrendingFeeds
from opsctl.service.resilience.admission import Admission
from opsctl.service.resilience.failures import DATABASE, VECTORS
from opsctl.service.resilience.limiter import AdaptiveLimit, LimitOptions
from opsctl.service.resilience.protection import Protection
from opsctl.service.telemetry.meters import Meters

# A feed waits for others (database, vectors, model) most of its time; a worker that makes more than these at once only
# makes all of them late.
_LIMIT = LimitOptions(initial=32, least=8, most=64)
_MOST_WAITING = 1024
# Of the time of a request: who waited so long for a turn gets what is popular while there still is time.
_WAITING_SHARE = 0.25
# A part of a simple feed has so many times as long as the slower of its dependencies may take for one call.
_PART_TO_CALL = 1.25


def assemble_tiers(  # noqa: PLR0913 - what it is made of
    feeds: FeedParts,
    *,
    book: ServiceBook,
    protection: Protection,
    meters: Meters,
    now: Callable[[], float],
    is_saturated: Callable[[], bool] = lambda: False,
    chance: Callable[[], float] = random.random,
) -> TieredFeeds:
    """Return the feeds of one worker."""
    request_seconds = book.limits.request_seconds
    trending = TrendingFeeds(feeds.board, now=now)
    return TieredFeeds(
        feeds.builder,
        ladder=Ladder(
            board=feeds.board,
            simple=SimpleFeeds(
                feeds.stages,
                trending=trending,
                part_seconds=_PART_TO_CALL * max(map(protection.timeout_seconds, (VECTORS, DATABASE))),
                diversity=book.ranking.diversity,
            ),
            trending=trending,
            breakers=protection.tiers,
            is_on=book.resilience.ladder,
            exercise_share=book.resilience.exercise_share,
        ),
        admission=Admission(
            AdaptiveLimit(_LIMIT, now=time.monotonic),
            most_waiting=_MOST_WAITING,
            longest_wait_seconds=request_seconds * _WAITING_SHARE,
            is_saturated=is_saturated,
        ),
        request_seconds=request_seconds,
        meters=meters,
        chance=chance,
    )
