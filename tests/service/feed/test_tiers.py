"""A feed whatever happens: which tier answers, why, and what is asked no second time."""

import asyncio
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from opsctl.core.errors import NotReadyError
from opsctl.service.api.ports import UnknownChoiceError
from opsctl.service.book import Resilience
from opsctl.service.feed.simple_feed import NothingSimpleError
from opsctl.service.feed.tiers import EmptyFeedError, Ladder, TieredFeeds
from opsctl.service.feed.trending import TrendingBoard
from opsctl.service.feed.trending_feed import TrendingFeeds
from opsctl.service.model import Feed, FeedItem, FeedRequest, Tier
from opsctl.service.resilience.admission import Admission
from opsctl.service.resilience.limiter import AdaptiveLimit, LimitOptions
from opsctl.service.resilience.protection import Protection
from opsctl.service.telemetry.meters import Meters
from opsctl.store.popularity import PopularItem

if TYPE_CHECKING:
    from opsctl.clients.pool_ports import LendsConnections
    from opsctl.service.resilience.guard import Guard

START = datetime(2026, 11, 22, 12, tzinfo=UTC)
REQUEST = FeedRequest(user_id=7, limit=3)


def popular(number: int) -> PopularItem:
    """Return an item."""
    return PopularItem(
        content_id=number,
        vendor_id=1,
        title=f"Studio {number}",
        region="AU",
        category="print",
        price_usd=100.0,
        quality=0.8,
        score=1 / number,
    )


def feed(tier: Tier, ids: Sequence[int]) -> Feed:
    """Return a feed."""
    items = tuple(
        FeedItem(
            content_id=number,
            vendor_id=1,
            title="",
            region="AU",
            category="print",
            price_usd=None,
            quality=0.8,
            score=0.5,
            agents={},
        )
        for number in ids
    )
    return Feed(feed_id="f", user_id=7, items=items, tier=tier, segment="light", generated_at=START)


class Scripted:
    """Makes feeds as a test says: a feed, an error, or as long as it takes."""

    def __init__(self, tier: Tier) -> None:
        self.tier = tier
        self.does: Callable[[], object] = lambda: (101, 102, 103)
        self.seconds = 0.0
        self.begun = 0
        self.under_way = 0
        self.most_under_way = 0

    async def build(self, request: FeedRequest) -> Feed:
        """Return what the script says."""
        self.begun += 1
        self.under_way += 1
        self.most_under_way = max(self.most_under_way, self.under_way)
        try:
            await asyncio.sleep(self.seconds)
        finally:
            self.under_way -= 1
        does = self.does()
        if isinstance(does, Exception):
            raise does
        return feed(self.tier, does)  # type: ignore[arg-type]

    async def trending(
        self, *, region: str | None, category: str | None, limit: int
    ) -> Sequence[PopularItem]:
        """Return nothing."""
        return ()


class NoDatabase:
    """A database that is not there."""

    def connection(self, query: str) -> None:
        """Lend nothing."""
        raise gone("DBS001")


class Scene:
    """Tiers over a script."""

    def __init__(
        self,
        folder: Path,
        *,
        known: int = 30,
        request_seconds: float = 2.0,
        exercise_share: float = 0.0,
        chance: Callable[[], float] = lambda: 0.5,
        ladder: bool = True,
        limit: LimitOptions | None = None,
    ) -> None:
        self.meters = Meters()
        self.whole, self.simple = Scripted(Tier.MULTI_AGENT), Scripted(Tier.SIMPLE)
        gone_database: LendsConnections = NoDatabase()  # type: ignore[assignment]
        board = TrendingBoard(
            gone_database,
            patient_database=gone_database,
            path=folder / "none.json",
            depth=100,
            now=lambda: 0.0,
            steady=lambda: 0.0,
        )
        board._take([popular(number) for number in range(1, known + 1)])
        self.protection = Protection(
            Resilience(), request_seconds=request_seconds, orders=None, meters=self.meters
        )
        self.admission = Admission(
            AdaptiveLimit(limit or LimitOptions(), now=lambda: 0.0),
            most_waiting=50,
            longest_wait_seconds=request_seconds / 4,
        )
        self.feeds = TieredFeeds(
            self.whole,
            ladder=Ladder(
                board=board,
                simple=self.simple,  # type: ignore[arg-type]
                trending=TrendingFeeds(board, now=START.timestamp),
                breakers=self.protection.tiers,
                is_on=ladder,
                exercise_share=exercise_share,
            ),
            admission=self.admission,
            request_seconds=request_seconds,
            meters=self.meters,
            chance=chance,
        )

    def ask(self, request: FeedRequest = REQUEST) -> Feed:
        """Return the answer to one request."""
        return asyncio.run(self.feeds.build(request))

    def degraded(self, tier: Tier, reason: str) -> float:
        """Return how many feeds of a lower tier were counted."""
        labels = {"tier": tier.value, "reason": reason}
        return self.meters.registry.get_sample_value("ranking_feeds_degraded_total", labels) or 0.0


def gone(code: str) -> NotReadyError:
    """Return the error of a dependency."""
    return NotReadyError("it is gone", code=code)


def test_where_nothing_is_wrong_the_agents_rank(tmp_path: Path) -> None:
    """No reason is named, and no lower tier begins."""
    scene = Scene(tmp_path)
    answer = scene.ask()
    assert (answer.tier, answer.reason) == (Tier.MULTI_AGENT, None)
    assert scene.simple.begun == 0


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (gone("COL001"), "vectors"),
        (gone("DBS007"), "database"),
        (ZeroDivisionError(), "defect"),
        (EmptyFeedError(), "empty"),
        (TimeoutError(), "deadline"),
    ],
)
def test_whatever_fails_a_simpler_feed_answers_and_says_why(
    tmp_path: Path, error: Exception, reason: str
) -> None:
    """A dependency, a defect of our own, an empty feed, no time."""
    scene = Scene(tmp_path)
    scene.whole.does = lambda: error
    answer = scene.ask()
    assert (answer.tier, answer.reason, len(answer.items)) == (Tier.SIMPLE, reason, 3)
    assert scene.degraded(Tier.SIMPLE, reason) == 1


@pytest.mark.parametrize("error", [gone("DBS001"), NothingSimpleError(), KeyError("x"), TimeoutError()])
def test_where_that_fails_too_everybody_gets_what_is_popular(tmp_path: Path, error: Exception) -> None:
    """The reason stays that of the highest tier."""
    scene = Scene(tmp_path)
    scene.whole.does, scene.simple.does = lambda: gone("COL002"), lambda: error
    answer = scene.ask()
    assert (answer.tier, answer.reason) == (Tier.TRENDING, "vectors")
    assert [item.content_id for item in answer.items] == [1, 2, 3]


def test_an_empty_feed_is_a_failure_while_something_is_popular(tmp_path: Path) -> None:
    """It is counted, and another tier answers."""
    scene = Scene(tmp_path)
    scene.whole.does = lambda: ()
    scene.simple.does = lambda: ()
    answer = scene.ask()
    assert (answer.tier, answer.reason) == (Tier.TRENDING, "empty")
    assert scene.meters.registry.get_sample_value("ranking_empty_feeds_total") == 2


def test_an_empty_catalogue_gives_an_empty_feed_and_a_dead_one_its_error(tmp_path: Path) -> None:
    """Where nothing at all is known there is nothing to stand in with."""
    scene = Scene(tmp_path, known=0)
    scene.whole.does = lambda: ()
    assert scene.ask().items == ()
    scene.whole.does, scene.simple.does = lambda: gone("COL006"), lambda: gone("COL006")
    with pytest.raises(NotReadyError, match="it is gone"):
        scene.ask()


def test_a_choice_that_nobody_has_is_no_failure(tmp_path: Path) -> None:
    """It goes to the client as it is."""
    scene = Scene(tmp_path)
    with pytest.raises(UnknownChoiceError):
        scene.ask(FeedRequest(user_id=1, limit=3, region="Atlantis"))


def test_time_is_kept_back_for_the_lower_tiers(tmp_path: Path) -> None:
    """A tier that never ends costs two thirds of the time, and the answer still comes within it."""
    scene = Scene(tmp_path, request_seconds=0.6)
    scene.whole.seconds = 60

    async def story() -> tuple[Feed, float]:
        loop = asyncio.get_running_loop()
        began = loop.time()
        return await scene.feeds.build(REQUEST), loop.time() - began

    answer, seconds = asyncio.run(story())
    assert (answer.tier, answer.reason) == (Tier.SIMPLE, "deadline")
    assert seconds < 0.6


def test_what_failed_once_is_not_asked_again_for_the_same_request(tmp_path: Path) -> None:
    """The simpler tier does without it at once, even while its breaker is still closed."""
    scene = Scene(tmp_path)
    guard = scene.protection.guard("database")
    asked: list[str] = []

    async def simple(request: FeedRequest) -> Feed:
        try:
            async with guard.call():
                asked.append("database")
        except NotReadyError as error:
            asked.append(error.code)
        return feed(Tier.SIMPLE, (1, 2, 3))

    scene.whole.does = lambda: gone("DBS001")
    scene.simple.build = simple  # type: ignore[method-assign]
    scene.ask()
    assert asked == ["SVC306"]
    scene.whole.does = lambda: gone("COL001")
    scene.ask()
    assert asked == ["SVC306", "database"]


def test_a_tier_that_fails_by_itself_again_and_again_is_left_alone(tmp_path: Path) -> None:
    """Requests then go to the next one at once, with the reason that it had."""
    scene = Scene(tmp_path)
    scene.whole.does = ZeroDivisionError
    answers = [scene.ask() for _ in range(12)]
    assert scene.whole.begun == 5
    assert {answer.reason for answer in answers} == {"defect"}


def test_a_dependency_that_is_down_does_not_close_the_tier(tmp_path: Path) -> None:
    """It has a breaker of its own; once it is back the agents rank at once."""
    scene = Scene(tmp_path)
    scene.whole.does = lambda: gone("COL001")
    for _ in range(30):
        scene.ask()
    scene.whole.does = lambda: (1, 2, 3)
    assert scene.ask().tier is Tier.MULTI_AGENT


def test_without_a_ladder_the_error_is_the_answer(tmp_path: Path) -> None:
    """So that what the ladder brings can be measured."""
    scene = Scene(tmp_path, ladder=False)
    scene.whole.does = lambda: gone("COL001")
    with pytest.raises(NotReadyError):
        scene.ask()


@given(chance=st.floats(min_value=0, max_value=1, exclude_max=True))
def test_a_small_share_of_feeds_exercises_the_lower_tiers(
    tmp_path_factory: pytest.TempPathFactory, chance: float
) -> None:
    """Half of it each of the two; they say that nothing is wrong."""
    scene = Scene(tmp_path_factory.getbasetemp(), exercise_share=0.02, chance=lambda: chance)
    answer = scene.ask()
    expected = Tier.SIMPLE if chance < 0.01 else Tier.TRENDING if chance < 0.02 else Tier.MULTI_AGENT
    assert answer.tier is expected
    assert answer.reason == (None if expected is Tier.MULTI_AGENT else "exercise")


def test_who_finds_no_room_gets_what_is_popular_and_batch_work_a_no(tmp_path: Path) -> None:
    """A reader who waits is worth an answer; nobody waits for a batch."""
    scene = Scene(tmp_path, request_seconds=0.4, limit=LimitOptions(initial=4, least=4, most=4))
    scene.whole.seconds = 0.3

    async def story() -> tuple[list[Feed | BaseException], list[Feed | BaseException]]:
        readers = [scene.feeds.build(FeedRequest(user_id=user, limit=3)) for user in range(9)]
        batch = [scene.feeds.build(FeedRequest(user_id=user, limit=3, is_batch=True)) for user in range(3)]
        answers = await asyncio.gather(*readers, *batch, return_exceptions=True)
        return answers[:9], answers[9:]

    readers, batch = asyncio.run(story())
    reasons = [answer.reason for answer in readers if isinstance(answer, Feed)]
    assert len(reasons) == 9
    assert reasons.count("overload") >= 5
    assert all(isinstance(answer, NotReadyError) and answer.code == "SVC305" for answer in batch)
    assert scene.admission.limit.in_flight == 0


@pytest.mark.parametrize("is_batch", [False, True])
def test_the_middle_tier_is_no_way_around_the_limit(tmp_path: Path, *, is_batch: bool) -> None:
    """Whole feeds that are late under overload would else send everybody there at once; batch work is refused first."""
    scene = Scene(tmp_path, limit=LimitOptions(initial=8, least=8, most=8))
    scene.whole.does = TimeoutError
    scene.simple.seconds = 0.05

    async def story() -> list[Feed | BaseException]:
        requests = [FeedRequest(user_id=user, limit=3, is_batch=is_batch) for user in range(40)]
        for request in requests[:5]:
            await scene.feeds.build(request)
        return await asyncio.gather(*map(scene.feeds.build, requests), return_exceptions=True)

    answers = asyncio.run(story())
    tiers = [answer.tier for answer in answers if isinstance(answer, Feed)]
    refused = [answer for answer in answers if isinstance(answer, NotReadyError) and answer.code == "SVC305"]
    assert scene.simple.most_under_way == (4 if is_batch else 7)
    assert tiers.count(Tier.SIMPLE) == (4 if is_batch else 7)
    assert (len(refused), tiers.count(Tier.TRENDING)) == ((36, 0) if is_batch else (0, 33))
    assert scene.admission.limit.in_flight == 0


def test_while_a_dependency_is_gone_readers_wait_for_a_turn_in_the_middle_tier(tmp_path: Path) -> None:
    """Nothing is late then, and a simple feed is better than what is popular."""
    scene = Scene(tmp_path, limit=LimitOptions(initial=8, least=8, most=8))
    scene.whole.does = lambda: gone("COL001")
    scene.simple.seconds = 0.02

    async def story() -> list[Feed]:
        return await asyncio.gather(*(scene.feeds.build(REQUEST) for _ in range(20)))

    assert {answer.tier for answer in asyncio.run(story())} == {Tier.SIMPLE}
    assert scene.simple.most_under_way <= 7


def test_every_answer_counts_in_the_time_of_making_feeds(tmp_path: Path) -> None:
    """Also that of a lower tier: a reader waited for it."""
    scene = Scene(tmp_path)
    scene.whole.does = lambda: gone("COL001")
    scene.ask()
    assert b"ranking_feed_generation_duration_seconds_count 1.0" in scene.meters.render()


def test_a_guard_that_is_asked_outside_of_a_request_has_its_own_time(tmp_path: Path) -> None:
    """No deadline, so the time limit of the dependency alone."""
    scene = Scene(tmp_path)
    guard: Guard = scene.protection.guard("vectors", timeout_seconds=0.05)

    async def story() -> None:
        async with guard.call() as seconds:
            assert seconds == pytest.approx(0.05, rel=0.1)
            await asyncio.sleep(5)

    with pytest.raises(NotReadyError, match="gave no answer within 50 ms"):
        asyncio.run(story())
