"""More feeds asked for than can be made."""

import asyncio
from collections.abc import Sequence

import pytest

from opsctl.core.errors import NotReadyError
from opsctl.service.feed.bounded import BoundedFeeds
from opsctl.service.model import Feed, FeedRequest, TrendingItem
from opsctl.service.telemetry.meters import Meters


class _SlowFeeds:
    """Feeds that are made when the gate opens."""

    def __init__(self) -> None:
        self.gate = asyncio.Event()
        self.begun: list[int] = []

    async def build(self, request: FeedRequest) -> Feed:
        self.begun.append(request.user_id)
        await self.gate.wait()
        raise LookupError(request.user_id)

    async def trending(
        self, *, region: str | None, category: str | None, limit: int
    ) -> Sequence[TrendingItem]:
        return ()


def test_so_many_are_made_at_once_and_the_others_in_turn() -> None:
    """All are made in the end, in the order in which they came."""

    async def story() -> None:
        slow = _SlowFeeds()
        feeds = BoundedFeeds(slow, request_seconds=600, meters=Meters())
        asked = [asyncio.create_task(feeds.build(FeedRequest(user_id=user, limit=20))) for user in range(50)]
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        assert slow.begun == list(range(32))
        slow.gate.set()
        failures = await asyncio.gather(*asked, return_exceptions=True)
        assert slow.begun == list(range(50))
        assert all(isinstance(failure, LookupError) for failure in failures)

    asyncio.run(story())


def test_who_gets_no_turn_in_half_the_time_is_refused_and_never_begun() -> None:
    """The work that would come too late is not done at all."""

    async def story() -> None:
        slow, meters = _SlowFeeds(), Meters()
        feeds = BoundedFeeds(slow, request_seconds=0.02, meters=meters)
        first = [asyncio.create_task(feeds.build(FeedRequest(user_id=user, limit=20))) for user in range(32)]
        await asyncio.sleep(0)
        with pytest.raises(NotReadyError, match="more feeds are asked for than can be made") as refused:
            await feeds.build(FeedRequest(user_id=99, limit=20))
        assert refused.value.code == "SVC305"
        assert 99 not in slow.begun
        assert await feeds.trending(region=None, category=None, limit=5) == ()
        slow.gate.set()
        await asyncio.gather(*first, return_exceptions=True)
        # Who was refused counts too: a reader waited for nothing.
        assert b"ranking_feed_generation_duration_seconds_count 33.0" in meters.render()

    asyncio.run(story())
