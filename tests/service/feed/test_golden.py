"""Each tier against golden sets: what readers of known taste should see, so that available cannot mean anything at all."""

import asyncio
import math
import random
from pathlib import Path

import pytest
from tests.service.feed.world import Clock, Worker, World, worker

from opsctl.clients.qdrant_values import QdrantPlace
from opsctl.service.feed.simple_feed import SimpleFeeds
from opsctl.service.feed.trending_feed import TrendingFeeds
from opsctl.service.model import Feed, FeedRequest

pytestmark = pytest.mark.stack

READERS, LIKED, SHOWN = 12, 6, 20
# What a tier must reach of the ideal order's gain, and how much more than twenty items drawn at random (0.44). The agents
# spend some of this gain on purpose: on exploration, on variety, and on items that were shown little.
FLOORS = {"multi_agent": 0.58, "simple": 0.7, "simple without vectors": 0.8, "trending": 0.58}
_ABOVE_CHANCE = 0.1


def tastes(world: World) -> dict[int, tuple[str, str]]:
    """Give each reader a region and a category, and a history of liking the good items of it."""
    rows = world.execute(
        "select region, category, count(*) from content where status = 'published'"
        " group by region, category having count(*) >= %s order by 3 desc, 1, 2",
        [LIKED],
    )
    chosen = {
        1000 + place: (rows[place % len(rows)][0], rows[place % len(rows)][1]) for place in range(READERS)
    }
    clock = Clock()
    for reader, (region, category) in chosen.items():
        world.execute(
            "insert into users (id, region) values (%s, %s) on conflict do nothing", [reader, region]
        )
        liked = world.execute(
            "select id from content where region = %s and category = %s and status = 'published'"
            " order by quality desc, id limit %s",
            [region, category, LIKED],
        )
        for number, (item,) in enumerate(liked):
            world.execute(
                "insert into interactions (idempotency_key, kind, user_id, content_id, occurred_at)"
                " values (%s, 'save', %s, %s, %s)",
                [f"golden-{reader}-{number}", reader, item, clock.ago(3600 - number)],
            )
    return chosen


def gain(world: World, ids: list[int], taste: tuple[str, str]) -> float:
    """Return the discounted gain of a list, as a part of the ideal one (nDCG): quality, and how well it fits the taste."""
    worth = {
        row[0]: row[3] * (0.4 + 0.3 * (row[1] == taste[0]) + 0.3 * (row[2] == taste[1]))
        for row in world.execute(
            "select id, region, category, quality::float8 from content where status = 'published'"
        )
    }
    assert set(ids) <= set(worth), "an item that nobody publishes was shown"
    assert len(set(ids)) == len(ids) == SHOWN

    def discounted(values: list[float]) -> float:
        return sum(value / math.log2(place + 2) for place, value in enumerate(values))

    ideal = sorted(worth.values(), reverse=True)[:SHOWN]
    return discounted([worth[item] for item in ids]) / discounted(ideal)


def ids(feed: Feed) -> list[int]:
    """Return what a feed shows."""
    return [item.content_id for item in feed.items]


async def scores(
    world: World, one: Worker, readers: dict[int, tuple[str, str]], *, gone: Worker
) -> dict[str, float]:
    """Return the mean gain of each tier over all readers; `gone` is a worker whose vector database is not there."""
    trending = TrendingFeeds(one.parts.board, now=one.clock)
    simple, blind = (
        SimpleFeeds(
            each.parts.stages,
            trending=TrendingFeeds(each.parts.board, now=one.clock),
            part_seconds=30.0,
            diversity=0.3,
        )
        for each in (one, gone)
    )
    chance = random.Random(7)
    everything = [
        row[0] for row in world.execute("select id from content where status = 'published' order by id")
    ]
    total: dict[str, float] = {}
    for reader, taste in readers.items():
        request = FeedRequest(user_id=reader, limit=SHOWN)
        shown = {
            "multi_agent": ids(await one.parts.builder.build(request)),
            "simple": ids(await simple.build(request)),
            "simple without vectors": ids(await blind.build(request)),
            "trending": ids(trending.build(request)),
            "chance": chance.sample(everything, SHOWN),
        }
        for name, items in shown.items():
            total[name] = total.get(name, 0.0) + gain(world, items, taste) / len(readers)
    return total


@pytest.mark.slow
def test_every_tier_beats_chance_and_its_floor(world: World, folder: Path) -> None:
    """What needs no dependency is still far better than anything, and what knows the reader is better still."""

    async def story() -> dict[str, float]:
        readers = tastes(world)
        nowhere = QdrantPlace(url="http://127.0.0.1:9")
        async with (
            worker(world, folder / "one") as one,
            worker(world, folder / "two", vectors=nowhere) as gone,
        ):
            await one.parts.board.refresh()
            await gone.parts.board.refresh()
            return await scores(world, one, readers, gone=gone)

    (folder / "one").mkdir(parents=True)
    (folder / "two").mkdir(parents=True)
    found = asyncio.run(story())
    print({name: round(value, 3) for name, value in found.items()})  # noqa: T201 - what was measured
    assert found["simple without vectors"] > found["trending"], found
    assert all(found[name] >= floor for name, floor in FLOORS.items()), found
    assert all(found[name] > found["chance"] + _ABOVE_CHANCE for name in FLOORS), found
