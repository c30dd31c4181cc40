"""How does making feeds stay quick when more are asked for than can be made: few at once, and an early no for the rest."""

import time
from collections.abc import Sequence

from opsctl.core.errors import NotReadyError
from opsctl.metrics import service as metrics
from opsctl.service.api.ports import Feeds
from opsctl.service.model import Feed, FeedRequest, TrendingItem
from opsctl.service.telemetry.meters import Meters
from opsctl.service.turns import TooManyWaitError, Turns

# A feed waits for others (database, vectors, model) most of its time; a worker that makes more than these at once only
# makes all of them late.
_AT_ONCE = 32
_MOST_WAITING = 1024


class BoundedFeeds:
    """Feeds made by others (`api.ports.Feeds`), so many at once.

    Who gets no turn within half the time for an answer is refused then: begun later, its feed would come too late for
    it and hold up the next ones, and a service that makes only feeds that come too late never recovers.
    """

    def __init__(self, feeds: Feeds, *, request_seconds: float, meters: Meters) -> None:
        self._feeds = feeds
        self._meters = meters
        self._turns = Turns(
            at_once=_AT_ONCE, most_waiting=_MOST_WAITING, longest_wait_seconds=request_seconds / 2
        )

    async def build(self, request: FeedRequest) -> Feed:
        """Return a feed once there is a turn.

        Raises:
            NotReadyError: SVC305, there was none in time.
            UnknownChoiceError: region or category are in nobody's catalogue.
            OpsError: something that the feed cannot do without is not there.
        """
        began = time.perf_counter()
        try:
            async with self._turns.one():
                return await self._feeds.build(request)
        except TooManyWaitError as error:
            raise NotReadyError(
                "more feeds are asked for than can be made",
                code="SVC305",
                why="there was no turn for this one in time",
                fix="ask again in a second; `workers` in ops/service.yaml makes more a second",
            ) from error
        finally:
            # Also of one that was called off because its request had no more time.
            self._meters.observe(metrics.FEED_GENERATION_SECONDS, value=time.perf_counter() - began)

    async def trending(
        self, *, region: str | None, category: str | None, limit: int
    ) -> Sequence[TrendingItem]:
        """Return what is popular now; that takes no turn."""
        return await self._feeds.trending(region=region, category=category, limit=limit)
