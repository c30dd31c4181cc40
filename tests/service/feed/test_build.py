"""A feed: what is in it, for whom, from where, and what it leaves behind."""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest
from tests.service.feed.world import Clock, Worker, World, worker

from opsctl.clients.qdrant_values import QdrantPlace
from opsctl.core.errors import OpsError
from opsctl.ranking.replay import from_json, replay, slate_differences
from opsctl.service.api.ports import UnknownChoiceError
from opsctl.service.book import Ranking, ServiceBook
from opsctl.service.cache.policy import CacheBook
from opsctl.service.feed.feed_ids import seed_of
from opsctl.service.model import Feed, FeedRequest
from opsctl.service.telemetry.facts import feed_of
from opsctl.service.telemetry.trace import Trace, tracing
from opsctl.store.decisions import read_decision

pytestmark = pytest.mark.stack

AGENTS = {"discovery", "quality", "archivist", "serendipity"}
REPLAYABLE = ServiceBook(ranking=Ranking(replayable_share=1.0))


def run(scenario: Callable[[], Awaitable[None]]) -> None:
    """Run a scenario in a loop of its own."""
    asyncio.run(scenario())  # type: ignore[arg-type]  # a coroutine function


def interact(world: World, clock: Clock, *deeds: tuple[int, str], user_id: int = 7) -> None:
    """Write what a user did, the newest last."""
    world.execute("insert into users (id, region) values (%s, 'AU') on conflict do nothing", [user_id])
    for number, (item, kind) in enumerate(deeds):
        world.execute(
            "insert into interactions (idempotency_key, kind, user_id, content_id, occurred_at)"
            " values (%s, %s, %s, %s, %s)",
            [f"{user_id}-{number}", kind, user_id, item, clock.ago(3600 - number)],
        )


def items_of(world: World, *, region: str | None = None, category: str | None = None) -> list[int]:
    """Return ids in order."""
    rows = world.execute(
        "select id from content where (%(r)s::text is null or region = %(r)s)"
        " and (%(c)s::text is null or category = %(c)s) order by id",
        {"r": region, "c": category},
    )
    return [row[0] for row in rows]


def ids(feed: Feed) -> list[int]:
    """Return the items of a feed."""
    return [item.content_id for item in feed.items]


@pytest.mark.slow
def test_a_newcomer_gets_a_feed_of_what_is_popular(world: World, folder: Path) -> None:
    """Of distinct items, with all agents' scores; segment cold."""

    async def scenario() -> None:
        async with worker(world, folder) as one:
            await one.parts.board.refresh()
            feed = await one.parts.builder.build(FeedRequest(user_id=999, limit=20))

            assert len(set(ids(feed))) == 20
            assert (feed.segment, feed.tier, feed.answered_by_l2) == ("cold", "multi_agent", False)
            assert all(set(item.agents) == AGENTS for item in feed.items)
            assert sum(feed.weights.values()) == pytest.approx(1)

    run(scenario)


@pytest.mark.slow
def test_a_feed_follows_the_readers_taste(world: World, folder: Path) -> None:
    """Who saved photographers of one region sees more of them than a newcomer does."""

    async def scenario() -> None:
        clock = Clock()
        liked = items_of(world, region="AU", category="photographer")[:6]
        interact(world, clock, *((item, "save") for item in liked))
        async with worker(world, folder, clock=clock) as one:
            known = await one.parts.builder.build(FeedRequest(user_id=7, limit=20))
            unknown = await one.parts.builder.build(FeedRequest(user_id=999, limit=20))

        def share(feed: Feed) -> float:
            return sum(item.category == "photographer" for item in feed.items) / len(feed.items)

        assert known.segment == "light"
        assert share(known) > share(unknown)
        assert share(known) > 0.5

    run(scenario)


def test_what_a_reader_hid_is_not_shown(world: World, folder: Path) -> None:
    """Not even where nothing much else is left."""

    async def scenario() -> None:
        clock = Clock()
        first, second, *rest = items_of(world, region="AU", category="photographer")
        interact(world, clock, (first, "hide"), (second, "save"))
        async with worker(world, folder, clock=clock) as one:
            request = FeedRequest(user_id=7, limit=100, region="AU", category="photographer")
            feed = await one.parts.builder.build(request)

        assert set(ids(feed)) == {second, *rest}

    run(scenario)


def test_the_derived_collection_answers_its_combination_and_the_source_tops_it_up(
    world: World, folder: Path
) -> None:
    """Small feeds hold its good items only; a larger one than it can fill has others too; all fit the request."""

    async def scenario() -> None:
        good = {
            row[0]
            for row in world.execute(
                "select id from content where region = 'AU' and category = 'photographer' and quality >= 0.6"
            )
        }
        everything = set(items_of(world, region="AU", category="photographer"))
        async with worker(world, folder) as one:
            trace = Trace()
            with tracing(trace):
                small = await one.parts.builder.build(
                    FeedRequest(user_id=1, limit=2, region="AU", category="photographer")
                )
            large = await one.parts.builder.build(
                FeedRequest(user_id=1, limit=100, region="AU", category="photographer")
            )
            derived = one.sample("ranking_vector_search_duration_seconds_count", path="derived")
            filtered = one.sample("ranking_vector_search_duration_seconds_count", path="filtered")

        assert 2 < len(good) < len(everything)
        assert set(ids(small)) <= good
        assert set(ids(large)) == everything
        assert (derived, filtered) == (2, 1)
        assert {stage.name: stage.note for stage in trace.stages}["retrieve"] == "derived"

    run(scenario)


def test_an_item_that_moved_away_is_not_shown_where_it_was(world: World, folder: Path) -> None:
    """Neither out of the derived collection nor out of the source, whose copies are older; others take its place."""

    async def scenario() -> None:
        everything = items_of(world, region="AU", category="photographer")
        good = [
            row[0]
            for row in world.execute(
                "select id from content where region = 'AU' and category = 'photographer' and quality >= 0.6"
            )
        ]
        other = next(item for item in everything if item not in good)
        world.execute("update content set region = 'NZ' where id = %s", [good[0]])
        world.execute("update content set category = 'venue' where id = %s", [other])
        async with worker(world, folder) as one:
            feeds = [
                await one.parts.builder.build(
                    FeedRequest(user_id=1, limit=limit, region="AU", category="photographer")
                )
                for limit in (len(good), 100)
            ]

        assert len(feeds[0].items) == len(good)
        assert good[0] not in ids(feeds[0])
        assert set(ids(feeds[1])) == set(everything) - {good[0], other}

    run(scenario)


def test_without_its_alias_the_source_answers(world: World, folder: Path) -> None:
    """A derived collection that is not built yet costs one failed search, not the feed."""

    async def scenario() -> None:
        missing = World(
            database=world.database,
            vectors=world.vectors,
            collection=world.collection,
            derived="feed_never_built",
        )
        async with worker(missing, folder) as one:
            request = FeedRequest(user_id=1, limit=100, region="AU", category="photographer")
            feeds = [await one.parts.builder.build(request) for _ in range(2)]
            errors = one.sample("ranking_vector_errors_total", path="derived")

        assert all(
            set(ids(feed)) == set(items_of(world, region="AU", category="photographer")) for feed in feeds
        )
        assert errors == 1

    run(scenario)


def test_a_combination_without_items_is_widened(world: World, folder: Path) -> None:
    """To the region, which is noted."""

    async def scenario() -> None:
        world.execute("delete from content where region = 'AU' and category = 'venue'")
        missing = items_of(world, region="AU", category="venue")
        async with worker(world, folder) as one:
            await one.parts.board.refresh()
            trace = Trace()
            with tracing(trace):
                feed = await one.parts.builder.build(
                    FeedRequest(user_id=1, limit=10, region="AU", category="venue")
                )

        assert missing == []
        assert len(feed.items) == 10
        assert {item.region for item in feed.items} == {"AU"}

    run(scenario)


def test_an_unknown_choice_is_refused_with_those_there_are(world: World, folder: Path) -> None:
    """For feeds and for what is popular."""

    async def scenario() -> None:
        async with worker(world, folder) as one:
            await one.parts.board.refresh()
            with pytest.raises(UnknownChoiceError) as region:
                await one.parts.builder.build(FeedRequest(user_id=1, limit=20, region="Atlantis"))
            with pytest.raises(UnknownChoiceError) as category:
                await one.parts.builder.trending(region="AU", category="alchemist", limit=3)

        assert (region.value.field, category.value.field) == ("region", "category")
        assert "AU" in region.value.choices
        assert "photographer" in category.value.choices

    run(scenario)


def test_the_second_feed_comes_out_of_l2(world: World, folder: Path) -> None:
    """Of another reader with the same candidates: nothing is computed by the model, and the feed says so."""

    async def scenario() -> None:
        async with worker(world, folder) as one:
            request = FeedRequest(user_id=1, limit=20)
            first = await one.parts.builder.build(request)
            await one.settle()
            second = await one.parts.builder.build(FeedRequest(user_id=2, limit=20))

        assert (first.answered_by_l2, second.answered_by_l2) == (False, True)

    run(scenario)


def test_with_all_caches_off_a_feed_is_the_same_kind_of_feed(world: World, folder: Path) -> None:
    """Vectors then come along with the search, and nothing is said to come from a cache."""

    async def scenario() -> None:
        book = CacheBook.model_validate({"l1": {"enabled": False}, "l2": {"enabled": False}})
        async with worker(world, folder, cache=book) as one:
            feeds = [await one.parts.builder.build(FeedRequest(user_id=1, limit=20)) for _ in range(2)]

        assert [len(feed.items) for feed in feeds] == [20, 20]
        assert not feeds[1].answered_by_l2

    run(scenario)


def test_a_feed_tells_stages_metrics_and_the_line_of_its_request(world: World, folder: Path) -> None:
    """All six stages in order, each agent's scores, the share of exploration."""

    async def scenario() -> None:
        async with worker(world, folder) as one:
            trace = Trace()
            with tracing(trace):
                feed = await one.parts.builder.build(FeedRequest(user_id=1, limit=20))
            shown = one.sample("ranking_shown_items_total")
            built = one.sample("ranking_feeds_total", tier="multi_agent", segment="cold")
            scored = one.sample("ranking_agent_score_ratio_count", agent="quality")
            plays = one.sample("ranking_thompson_plays_total", arm=str(feed.arm))

        facts = feed_of(trace)
        assert [stage.name for stage in trace.stages] == [
            "reader",
            "retrieve",
            "content",
            "score",
            "rank",
            "log",
        ]
        assert (shown, built, scored, plays) == (20, 1, 20, 1)
        assert facts is not None
        assert (facts.feed_id, facts.size, facts.arm) == (feed.feed_id, 20, feed.arm)
        assert facts.exploration_share == pytest.approx(
            sum(item.explored_by is not None for item in feed.items) / 20
        )
        assert set(facts.agents) == AGENTS
        assert all(agent.duration_seconds > 0 for agent in facts.agents.values())

    run(scenario)


def test_a_logged_decision_comes_out_of_the_database_and_gives_the_same_slate(
    world: World, folder: Path
) -> None:
    """Bit for bit, exploration included."""

    async def scenario() -> None:
        clock = Clock()
        interact(world, clock, *((item, "save") for item in items_of(world)[:5]))
        async with worker(world, folder, clock=clock, service=REPLAYABLE) as one:
            feed = await one.parts.builder.build(FeedRequest(user_id=7, limit=20))
            await one.parts.log.flush()
            async with one.database.connection("test") as connection:
                decision = await read_decision(connection, feed.feed_id)

        assert decision is not None
        assert decision.replay is not None
        logged = from_json(decision.replay)
        again = replay(logged)
        assert again.ids == tuple(ids(feed)) == decision.content_ids
        assert slate_differences(again, logged.slate) == ()
        assert logged.seed == seed_of(feed.feed_id)
        assert (decision.user_id, decision.bucket, decision.arm) == (7, "light", feed.arm)

    run(scenario)


async def _warm(one: Worker) -> Feed:
    await one.parts.board.refresh()
    feed = await one.parts.builder.build(FeedRequest(user_id=1, limit=20))
    await one.settle()
    return feed


@pytest.mark.slow
def test_without_the_database_known_readers_still_get_feeds(world: World, folder: Path) -> None:
    """Profile and state from L1, items from L2, what is popular from memory; a new reader gets a clear error."""

    async def scenario() -> None:
        async with worker(world, folder) as one:
            await _warm(one)
            await one.database.close()
            one.database.address = nowhere
            await one.database.open()
            feed = await one.parts.builder.build(FeedRequest(user_id=1, limit=20))
            popular = await one.parts.builder.trending(region="AU", category=None, limit=5)
            with pytest.raises(OpsError) as error:
                await one.parts.builder.build(FeedRequest(user_id=2, limit=20))

        assert len(feed.items) == 20
        assert len(popular) == 5
        assert error.value.code.startswith("DBS")

    from dataclasses import replace

    nowhere = replace(world.database, url="postgresql://opsctl@127.0.0.1:9/none")
    run(scenario)


def test_without_the_vectors_a_feed_is_a_clear_error_and_what_is_popular_works(
    world: World, folder: Path
) -> None:
    """The tier ladder of a later release will catch it."""

    async def scenario() -> None:
        gone = QdrantPlace(url="http://127.0.0.1:9")
        async with worker(world, folder, vectors=gone) as one:
            await one.parts.board.refresh()
            with pytest.raises(OpsError) as error:
                await one.parts.builder.build(FeedRequest(user_id=1, limit=20))
            popular = await one.parts.builder.trending(region=None, category=None, limit=5)

        assert error.value.code == "COL001"
        assert len(popular) == 5

    run(scenario)
