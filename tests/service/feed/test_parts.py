"""Parts of a feed by themselves: what is popular, the log of decisions, readiness, scores, routes, features."""

import asyncio
import json
import math
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as some
from psycopg.errors import CheckViolation
from tests.service.feed.world import DIMENSION, Clock, World, worker

from opsctl.clients.postgres_pool import AsyncDatabase
from opsctl.clients.qdrant_async import AsyncQdrantSearcher
from opsctl.clients.qdrant_values import QdrantPlace
from opsctl.core.errors import OpsError
from opsctl.qdrant_collections.model import CollectionsBook
from opsctl.ranking.model import Candidates, Feature
from opsctl.service.api.ports import UnknownChoiceError
from opsctl.service.cache.codecs import CodecError
from opsctl.service.feed.decisions import DecisionLog, Logged
from opsctl.service.feed.facts_codec import FactsCodec
from opsctl.service.feed.features import exposure_quantiles, price_fit, shortlist
from opsctl.service.feed.feed_ids import make_feed_id, seed_of
from opsctl.service.feed.readiness import Dependencies
from opsctl.service.feed.routes import Routes
from opsctl.service.feed.trending import TrendingBoard
from opsctl.service.model import FeedRequest
from opsctl.service.pool_figures import PoolMeter
from opsctl.service.scoring.ports import ScoredItem
from opsctl.service.telemetry.meters import Meters
from opsctl.store.content_writes import ItemFacts
from opsctl.store.decisions import Decision

stack = pytest.mark.stack


def run(scenario: Callable[[], Awaitable[None]]) -> None:
    """Run a scenario in a loop of its own."""
    asyncio.run(scenario())  # type: ignore[arg-type]  # a coroutine function


@stack
def test_what_is_popular_is_best_first_and_kept_on_disk(world: World, folder: Path) -> None:
    """A worker that starts without a database answers from the file."""

    async def scenario() -> None:
        async with worker(world, folder) as one:
            await one.parts.board.refresh()
            fresh = one.parts.board.top(region="AU", category=None, limit=30)
        nowhere = replace(world.database, url="postgresql://opsctl@127.0.0.1:9/none")
        async with worker(world, folder, database=nowhere) as other:
            baked = await other.parts.builder.trending(region="AU", category=None, limit=30)
            with pytest.raises(OpsError):
                await other.parts.board.refresh()
            kept = other.parts.board.top(region="AU", category=None, limit=30)

        assert [item.score for item in fresh] == sorted((item.score for item in fresh), reverse=True)
        assert {item.region for item in fresh} == {"AU"}
        assert list(baked) == list(fresh) == list(kept)

    run(scenario)


@stack
def test_a_flood_of_unknown_regions_asks_the_database_once(world: World, folder: Path) -> None:
    """Also while the first answer is under way, and for a few seconds after it; a request waits, so it is the quick one."""

    async def scenario() -> None:
        clock, meters, patient_meters = Clock(), Meters(), Meters()
        async with (
            AsyncDatabase(world.database, observer=PoolMeter(meters)) as database,
            AsyncDatabase(world.database, observer=PoolMeter(patient_meters)) as patient_database,
        ):
            board = TrendingBoard(
                database,
                patient_database=patient_database,
                path=folder / "trending.json",
                depth=10,
                now=Clock(),
                steady=clock,
            )
            await board.refresh()
            clock.seconds += 60
            for _ in range(2):
                asked = [board.check_choice(region="Nowhere", category=None) for _ in range(50)]
                answers = await asyncio.gather(*asked, return_exceptions=True)
                assert all(isinstance(answer, UnknownChoiceError) for answer in answers)
        name = "ranking_database_query_duration_seconds_count"
        for asked_of in (meters, patient_meters):
            assert asked_of.registry.get_sample_value(name, {"query": "trending"}) == 1

    run(scenario)


@stack
def test_a_decision_that_the_database_refuses_is_counted_and_holds_nobody_up(
    world: World, folder: Path
) -> None:
    """An empty id breaks a rule of the table, today and tomorrow."""

    async def scenario() -> None:
        async with worker(world, folder) as one:
            one.parts.log.offer(replace(decision(1), decision=replace(decision(1).decision, feed_id="")))
            with pytest.raises(CheckViolation):
                await one.parts.log.flush()
            one.parts.log.offer(decision(2))
            await one.parts.log.flush()
            assert one.sample("ranking_decisions_dropped_total") == 1
        assert world.execute("select feed_id from feed_decisions") == [("feed-2",)]

    run(scenario)


@pytest.mark.slow
@stack
@pytest.mark.parametrize(
    "content", [b"", b"{", b'{"schema": "other/1", "written_at": "x", "items": []}', b"\xff"]
)
def test_a_damaged_file_is_as_good_as_none(world: World, folder: Path, content: bytes) -> None:
    """The board begins empty and fills itself."""

    async def scenario() -> None:
        async with worker(world, folder) as one:
            was_empty = one.parts.board.is_empty
            await one.parts.board.refresh()
            assert was_empty
            assert not one.parts.board.is_empty

    folder.mkdir()
    (folder / "trending.json").write_bytes(content)
    run(scenario)
    assert json.loads((folder / "trending.json").read_bytes())["items"]


@stack
def test_a_prior_is_the_middle_of_the_popular_items(world: World, folder: Path) -> None:
    """Of length 1; an unheard-of combination has that of everything; without any board, any direction."""

    async def scenario() -> None:
        async with worker(world, folder) as one:
            priors = one.parts.builder._stages.priors
            blank = await priors.of(region="AU", category="photographer")
            await one.parts.board.refresh()
            known = await priors.of(region="AU", category="photographer")
            items = one.parts.board.top(region="AU", category="photographer", limit=50)
            vectors = await one.searcher.vectors(world.collection, [item.content_id for item in items])
            other = await priors.of(region="Atlantis", category="x")
            everything = await priors.of(region=None, category=None)

        mean = np.mean(list(vectors.values()), axis=0)
        np.testing.assert_allclose(known, mean / np.linalg.norm(mean), atol=1e-5)
        np.testing.assert_allclose(other, everything)
        assert np.linalg.norm(blank) == pytest.approx(1)

    run(scenario)


class Moody:
    """A scorer that does as it is told: an exception to raise, or a pause."""

    def __init__(self, *, error: Exception | None = None, pause_seconds: float = 0.0) -> None:
        self.error = error
        self.pause_seconds = pause_seconds
        self.asked: list[int] = []
        self.scorer_id = "moody:1"
        self.is_simulated = True

    async def score(self, items: Sequence[ScoredItem]) -> Mapping[int, float]:
        """Score, or not."""
        self.asked += [item.content_id for item in items]
        await asyncio.sleep(self.pause_seconds)
        if self.error is not None:
            raise self.error
        return {item.content_id: 0.25 for item in items}

    async def close(self) -> None:
        """Hold nothing."""


@stack
@pytest.mark.parametrize(
    "scorer",
    [
        Moody(error=OpsError("the model is gone", code="MDL010")),
        Moody(pause_seconds=60),
    ],
    ids=["fails", "late"],
)
def test_a_scorer_that_fails_or_is_late_costs_no_feed(world: World, folder: Path, scorer: Moody) -> None:
    """The feed comes without these scores, and the trace says so."""

    async def scenario() -> None:
        from opsctl.service.book import Model, ServiceBook
        from opsctl.service.telemetry.trace import Trace, tracing

        book = ServiceBook(model=Model(timeout="10ms", batch_milliseconds=0))
        async with worker(world, folder, scorer=scorer, service=book) as one:
            trace = Trace()
            with tracing(trace):
                feed = await one.parts.builder.build(FeedRequest(user_id=1, limit=20))
        (note,) = [stage.note for stage in trace.stages if stage.name == "score"]

        assert len(feed.items) == 20
        assert note.startswith("simulated, 24 of 24 without a score")

    run(scenario)


@stack
def test_only_the_shortlist_is_scored_and_only_once(world: World, folder: Path) -> None:
    """The second feed of the same candidates asks the model for nothing; old scores stand in for a failing model."""

    async def scenario() -> None:
        clock, scorer = Clock(), Moody()
        async with worker(world, folder, scorer=scorer, clock=clock) as one:
            await one.parts.builder.build(FeedRequest(user_id=1, limit=20))
            await one.settle()
            asked = list(scorer.asked)
            await one.parts.builder.build(FeedRequest(user_id=2, limit=20))
            asked_again = list(scorer.asked)
            clock.seconds += 2 * 3600
            scorer.error = OpsError("the model is gone", code="MDL010")
            facts = await one.parts.builder._stages.content._facts.of(asked[:5])
            stale = await one.parts.builder._stages.scores.of(list(facts.values()))

        assert len(asked) == 24
        assert asked_again == asked
        assert set(stale.scores.values()) == {0.25}
        assert stale.note == ""

    run(scenario)


def decision(number: int) -> Logged:
    """Return something to log."""
    return Logged(
        decision=Decision(
            feed_id=f"feed-{number}", user_id=number, decided_at=Clock().moment, content_ids=(1, 2)
        )
    )


@stack
def test_decisions_are_written_in_batches_beside_the_requests(world: World, folder: Path) -> None:
    """By the running log, the last ones when it is told to stop."""

    async def scenario() -> None:
        async with worker(world, folder) as one:
            stop = asyncio.Event()
            task = asyncio.create_task(one.parts.log.run(stop))
            for number in range(450):
                one.parts.log.offer(decision(number))
            stop.set()
            await task
            assert one.parts.log.waiting == 0
        assert world.execute("select count(*) from feed_decisions") == [(450,)]

    run(scenario)


@stack
def test_a_full_queue_drops_and_counts(world: World, folder: Path) -> None:
    """No feed waits for a database that is gone; what it holds is written when the database is back."""

    async def scenario() -> None:
        nowhere = replace(world.database, url="postgresql://opsctl@127.0.0.1:9/none")
        async with worker(world, folder, database=nowhere) as one:
            log = DecisionLog(one.database, meters=one.meters, replayable_share=0, most_waiting=3)
            for number in range(5):
                log.offer(decision(number))
            one.database._wait_seconds = 0.05
            await one.database.close()
            await one.database.open()
            await log.flush()
            waiting = log.waiting
            dropped = one.sample("ranking_decisions_dropped_total")
            async with worker(world, folder.parent / "other") as other:
                log._database = other.database
                await log.flush()

        assert (waiting, dropped) == (3, 2)
        assert [row[0] for row in world.execute("select feed_id from feed_decisions order by 1")] == [
            "feed-0",
            "feed-1",
            "feed-2",
        ]

    run(scenario)


@pytest.mark.parametrize(("share", "least", "most"), [(0.0, 0, 0), (0.05, 300, 700), (1.0, 10_000, 10_000)])
def test_the_replayable_share_holds(share: float, least: int, most: int) -> None:
    """Decided by the seed, so that chance is needed only once."""
    from opsctl.clients.postgres import DatabaseAddress
    from opsctl.clients.postgres_pool import AsyncDatabase
    from opsctl.service.telemetry.meters import Meters

    log = DecisionLog(
        AsyncDatabase(DatabaseAddress(url="postgresql://nobody@127.0.0.1:9/none")),
        meters=Meters(),
        replayable_share=share,
    )

    assert least <= sum(log.is_replayable(seed_of(str(number))) for number in range(10_000)) <= most


@stack
def test_readiness_names_what_is_gone_and_asks_once_a_second(world: World, folder: Path) -> None:
    """Each dependency by itself."""

    async def scenario() -> None:
        async with worker(world, folder) as one:
            gone = AsyncQdrantSearcher(QdrantPlace(url="http://127.0.0.1:9"), timeout_seconds=1)
            clock = Clock()
            good = Dependencies(database=one.database, vectors=one.searcher, store=one.store, now=clock)
            bad = Dependencies(database=one.database, vectors=gone, store=None, now=clock)
            first, second = await good.check(), await good.check()
            clock.seconds += 2
            third = await good.check()
            broken = await bad.check()
            await gone.close()

        assert first == {"database": "ok", "vectors": "ok", "l2": "ok"}
        assert second is first
        assert third is not first
        assert broken["database"] == "ok"
        assert broken["vectors"].startswith("COL001")
        assert "l2" not in broken

    run(scenario)


@stack
def test_searches_over_an_unnamed_vector_bring_ids_scores_and_vectors(world: World) -> None:
    """Best first; a filter holds; what is not there is an error with its code."""

    async def scenario() -> None:
        searcher = AsyncQdrantSearcher(world.vectors, timeout_seconds=5)
        try:
            vector = (await searcher.vectors(world.collection, [1, 10**9]))[1]
            condition = {"must": [{"key": "region", "match": {"value": "AU"}}]}
            plain = await searcher.search(world.collection, vector=vector, limit=3)
            whole = await searcher.search(
                world.collection, vector=vector, limit=3, filter=condition, with_vectors=True
            )
            names = await searcher.names()
            count = await searcher.count(world.collection, filter=condition)
            with pytest.raises(OpsError) as missing:
                await searcher.search("nowhere", vector=vector, limit=3)
        finally:
            await searcher.close()

        assert plain.ids[0] == 1
        assert plain.scores[0] == pytest.approx(1, abs=1e-4)
        assert plain.vectors is None
        assert whole.vectors is not None
        assert len(whole.vectors) == 3
        assert whole.vectors[0] @ vector == pytest.approx(whole.scores[0], abs=1e-4)
        assert {world.collection, world.derived} <= names
        assert count > 3
        assert missing.value.code == "COL006"

    run(scenario)


def test_a_search_that_takes_too_long_is_given_up() -> None:
    """With the code of a timeout."""

    async def scenario() -> None:
        async def mute(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            while await reader.read(65_536):
                pass
            writer.close()
            await writer.wait_closed()

        server = await asyncio.start_server(mute, "127.0.0.1", 0)
        port = server.sockets[0].getsockname()[1]
        searcher = AsyncQdrantSearcher(QdrantPlace(url=f"http://127.0.0.1:{port}"), timeout_seconds=0.05)
        with pytest.raises(OpsError) as error:
            await searcher.search("content", vector=np.ones(4, dtype=np.float32), limit=3)
        await searcher.close()
        server.close()
        await asyncio.sleep(0.01)  # the server hears of the end

        assert error.value.code == "COL002"

    run(scenario)


def book(**derived: dict[str, object]) -> CollectionsBook:
    """Return a book of collections with these filters."""
    return CollectionsBook.model_validate(
        {
            "source": {"collection": "content"},
            "derived": {name: {"filter": conditions} for name, conditions in derived.items()},
        }
    )


def test_a_derived_collection_answers_exactly_its_combination() -> None:
    """One region and one category; a list or an open field is no combination."""
    routes = Routes(
        book(
            exact={"region": "AU", "category": "venue", "quality": {"gte": 0.8}},
            several={"region": "AU", "category": ["venue", "musician"]},
            wide={"region": "AU"},
        )
    )

    def named(region: str | None, category: str | None) -> list[tuple[str, str, int]]:
        return [
            (route.collection, route.scope, route.level)
            for route in routes.of(region=region, category=category)
        ]

    assert named("AU", "venue") == [
        ("exact", "AU venue", 0),
        ("content", "AU venue", 0),
        ("content", "AU", 1),
        ("content", "everything", 2),
    ]
    assert named("AU", None) == [("content", "AU", 0), ("content", "everything", 1)]
    assert named(None, None) == [("content", "everything", 0)]
    assert named(None, "venue") == [("content", "venue", 0), ("content", "everything", 1)]


def test_derived_collections_can_be_switched_off() -> None:
    """To measure what they bring."""
    routes = Routes(book(exact={"region": "AU", "category": "venue"}), use_derived=False)

    assert [route.path for route in routes.of(region="AU", category="venue")] == ["filtered"] * 3


@given(some.lists(some.integers(0, 50), min_size=2, max_size=40))
def test_exposure_is_a_quantile(shown: list[int]) -> None:
    """0 for the least shown, in order, never above 1."""
    quantiles = exposure_quantiles(np.array(shown, dtype=np.float64))

    assert quantiles[int(np.argmin(shown))] == 0
    assert quantiles.max() <= 1
    assert all(
        (one <= other) == (first <= second)
        for one, first in zip(quantiles, shown, strict=True)
        for other, second in zip(quantiles, shown, strict=True)
    )


@given(some.floats(0.01, 1e6), some.floats(0.01, 1e6))
def test_price_fit_is_the_same_both_ways(price: float, usual: float) -> None:
    """From 0 to 1, and unknown where a price is."""
    fit = price_fit(price, usual_price_usd=usual)

    assert 0 <= fit <= 1
    assert fit == pytest.approx(price_fit(usual, usual_price_usd=price))
    assert math.isnan(price_fit(None, usual_price_usd=usual))
    assert math.isnan(price_fit(0.0, usual_price_usd=usual))


@given(some.integers(0, 12), some.randoms(use_true_random=False))
def test_the_shortlist_does_not_depend_on_the_order_of_candidates(size: int, chance: object) -> None:
    """The best by what is known, also where features are missing; of equals the lower id."""
    generator = np.random.default_rng(3)
    features = generator.random((10, len(Feature))).round(1)
    features[:, Feature.MODEL_SCORE] = np.nan
    features[3:5, Feature.POPULARITY] = np.nan
    order = list(range(10))
    chance.shuffle(order)  # type: ignore[attr-defined]

    def among(rows: list[int]) -> Candidates:
        return Candidates(
            ids=np.array(rows, dtype=np.int64),
            vendors=np.zeros(10, dtype=np.int64),
            vectors=np.zeros((10, DIMENSION), dtype=np.float32),
            features=features[rows],
        )

    assert shortlist(among(order), size=size) == shortlist(among(list(range(10))), size=size)
    assert len(shortlist(among(order), size=size)) == min(size, 10)


@given(some.floats(0, 4e9), some.floats(0, 4e9), some.binary(min_size=10, max_size=10))
def test_feed_ids_sort_by_time(first: float, second: float, chance: bytes) -> None:
    """To the millisecond, whatever chance adds; seeds fit the database."""
    one = make_feed_id(now_seconds=first, random_bytes=chance)
    other = make_feed_id(now_seconds=second, random_bytes=bytes(10))

    if round(first * 1000) < round(second * 1000):
        assert one < other
    assert 0 <= seed_of(one) < 2**63


def facts(**changes: object) -> ItemFacts:
    """Return facts of an item."""
    values = {
        "content_id": 1,
        "vendor_id": 2,
        "title": "Studio",
        "description": "",
        "region": "AU",
        "category": "venue",
        "tags": ("loft",),
        "price_usd": None,
        "quality": 0.5,
        "created_seconds": 1.0,
    }
    return msgspec.convert(values | changes, ItemFacts)


@given(
    some.builds(
        ItemFacts,
        title=some.text(),
        tags=some.lists(some.text(), max_size=3).map(tuple),
        price_usd=some.none() | some.floats(0, 1e9),
        quality=some.floats(0, 1),
        created_seconds=some.floats(-1e9, 1e10),
        content_id=some.integers(1, 2**63 - 1),
        vendor_id=some.integers(1, 2**63 - 1),
    )
)
def test_facts_come_back_as_they_were(value: ItemFacts) -> None:
    """Through their bytes in L2."""
    codec = FactsCodec()

    assert codec.decode(codec.encode(value)) == value


@pytest.mark.parametrize("name", ["quality", "price_usd", "created_seconds"])
def test_facts_with_a_number_that_is_none_are_refused(name: str) -> None:
    """Neither kept nor believed."""
    codec, value = FactsCodec(), facts(**{name: math.nan})

    with pytest.raises(CodecError):
        codec.encode(value)
    with pytest.raises(CodecError):
        codec.decode(msgspec.msgpack.encode(value))
    with pytest.raises(CodecError):
        codec.decode(b"rubbish")


@stack
def test_a_clock_that_is_set_back_keeps_nothing_alive(world: World, folder: Path) -> None:
    """What is known for a minute is known for a minute, also when somebody sets the machine's clock back a day."""

    async def scenario() -> None:
        wall, steady = Clock(), Clock(seconds=1000.0)
        async with worker(world, folder, clock=wall, steady=steady) as one:
            attention = one.parts.builder._stages.content._attention
            ((item,),) = world.execute("select min(id) from content")
            before, _ = await attention.of([item])
            world.execute(
                "insert into content_popularity (content_id, views, as_of) values (%s, 100, %s)"
                " on conflict (content_id) do update set views = excluded.views, as_of = excluded.as_of",
                [item, wall.ago(86_400)],
            )
            wall.seconds -= 86_400
            steady.seconds += 61
            after, _ = await attention.of([item])

        assert before[item].exposures == 0
        assert after[item].exposures == pytest.approx(100)

    run(scenario)
