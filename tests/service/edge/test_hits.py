"""The short way of a feed from memory: the same answers as the long way, and every check in each request."""

import asyncio
from datetime import UTC, datetime
from typing import Any

import pytest
from tests.service.edge.world import KEY, Reply, World, key_record, run

from opsctl.service.book import ServiceBook
from opsctl.service.cache.policy import CacheBook

ASKED: tuple[dict[str, str], ...] = (
    {},
    {"x-request-id": "mine"},
    {"x-request-id": "not mine\n"},
    {"if-none-match": "*"},
    {"if-none-match": '"other"'},
    {"origin": "https://reader.example"},
    {"origin": "https://elsewhere.example"},
)
BOOKS = (
    ServiceBook(),
    ServiceBook.model_validate({"cors": {"origins": ["https://reader.example"]}}),
)


def comparable(reply: Reply) -> tuple[int, bytes, list[tuple[str, str]]]:
    """Return an answer without what differs from request to request."""
    varying = {"ratelimit-remaining", "ratelimit-reset"}
    varying |= set() if ("x-request-id", "mine") in reply.headers else {"x-request-id"}
    headers = [header for header in reply.headers if header[0] not in varying]
    assert all(reply.has(name) for name in varying)
    return reply.status, reply.body, sorted(headers)


@pytest.mark.parametrize("headers", ASKED)
@pytest.mark.parametrize("book", BOOKS)
@pytest.mark.parametrize("is_shared", [False, True])
def test_both_ways_answer_the_same(headers: dict[str, str], book: ServiceBook, *, is_shared: bool) -> None:
    """A header that was never good before goes the long way; the next request, equal to it, the short one."""
    cache = CacheBook.model_validate({"l1": {"shared_caches": is_shared}})

    async def both(world: World) -> tuple[Reply, Reply]:
        await world.ask("/v1/feed/7")
        world.time.now += 3
        world.keys.doubt_all()
        return await world.ask("/v1/feed/7", headers=headers), await world.ask("/v1/feed/7", headers=headers)

    with World(service=book, cache=cache) as world:
        long, short = run(both(world))

        assert comparable(long) == comparable(short)
        assert int(long["ratelimit-remaining"]) == int(short["ratelimit-remaining"]) + 1
        assert len(world.api.asked) == 1


def test_another_key_with_the_same_prefix_is_refused_after_a_hit() -> None:
    """What was found good is one whole header, not whatever begins like it."""

    async def statuses(world: World) -> list[int]:
        wrong = KEY[:-1] + "t"
        asked = [KEY, KEY, wrong, KEY, f"{KEY}s", KEY.upper()]
        return [(await world.ask("/v1/feed/7", key=key)).status for key in asked]

    with World() as world:
        assert run(statuses(world)) == [200, 200, 401, 200, 401, 401]


@pytest.mark.parametrize("mark", ["apikey:goodkey1", "all"])
def test_a_key_that_is_revoked_is_refused_at_the_next_hit(mark: str) -> None:
    """The journal is looked at before the key in the short way too."""

    async def statuses(world: World) -> tuple[int, int, int]:
        await world.ask("/v1/feed/7")
        before = (await world.ask("/v1/feed/7")).status
        revoked = datetime.fromtimestamp(world.wall.now - 1, tz=UTC)
        world.source.records["goodkey1"] = key_record(revoked_at=revoked)
        world.journal.post(mark)
        return before, (await world.ask("/v1/feed/7")).status, (await world.ask("/v1/feed/7")).status

    with World() as world:
        assert run(statuses(world)) == (200, 401, 401)


def test_a_key_whose_time_passes_is_refused_at_the_next_hit() -> None:
    """Remembered or not."""

    async def statuses(world: World) -> tuple[int, int]:
        expires = datetime.fromtimestamp(world.wall.now + 1, tz=UTC)
        world.source.records["goodkey1"] = key_record(expires_at=expires)
        await world.ask("/v1/feed/7")
        before = (await world.ask("/v1/feed/7")).status
        world.wall.now += 1
        return before, (await world.ask("/v1/feed/7")).status

    with World() as world:
        assert run(statuses(world)) == (200, 401)


def test_a_key_revoked_in_the_database_alone_is_refused_when_it_is_asked_again() -> None:
    """A key in steady use is looked up at half its time, and what that says replaces what was found good."""

    async def statuses(world: World) -> list[int]:
        await world.ask("/v1/feed/7")
        revoked = datetime.fromtimestamp(world.wall.now - 1, tz=UTC)
        world.source.records["goodkey1"] = key_record(revoked_at=revoked)
        found = [(await world.ask("/v1/feed/7")).status]
        world.time.now += 5
        found.append((await world.ask("/v1/feed/7")).status)
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        return [*found, (await world.ask("/v1/feed/7")).status]

    with World() as world:
        assert run(statuses(world)) == [200, 200, 401]


def test_hits_count_against_the_limit() -> None:
    """The request beyond the allowance is refused, although the answer is at hand."""
    book = ServiceBook.model_validate({"plans": {"free": {"requests": 3, "window": "1h"}}})

    async def statuses(world: World) -> list[int]:
        return [(await world.ask("/v1/feed/7")).status for _ in range(5)]

    with World(service=book) as world:
        assert run(statuses(world)) == [200, 200, 200, 429, 429]
        assert world.counted("refused_total", reason="rate_limit") == 2


def test_a_key_without_the_scope_gets_no_feed_from_memory() -> None:
    """Somebody else's request made it."""
    other = f"opk_otherkey_{'o' * 32}"

    async def statuses(world: World) -> list[int]:
        world.source.records["otherkey"] = key_record(other, scopes=frozenset({"content:read"}))
        await world.ask("/v1/feed/7")
        await world.ask("/v1/content/7", key=other)
        return [(await world.ask("/v1/feed/7", key=other)).status for _ in range(2)]

    with World() as world:
        assert run(statuses(world)) == [403, 403]


@pytest.mark.parametrize("text", ["07", "\u0667", "7:20::", "+7", "7 "])
def test_a_user_written_otherwise_finds_no_feed_by_the_short_way(text: str) -> None:
    """Only the one way to write a number is a key of the memory."""

    async def reply(world: World) -> dict[str, Any]:
        await world.ask("/v1/feed/7")
        await world.ask("/v1/feed/7")
        await world.ask(f"/v1/feed/{text}")
        return world.api.asked[-1]

    with World() as world:
        asked = run(reply(world))
        assert asked["path"] == f"/v1/feed/{7 if text == '07' else text}"


def test_hits_are_sampled_for_the_log() -> None:
    """`hit_share` of them leave a line that says whose key and which feed."""
    with World() as world:

        async def ask() -> None:
            for _ in range(3):
                await world.ask("/v1/feed/7")

        run(ask())
        facts = world.logged[-1]

        assert (facts.cache, facts.key_prefix, facts.user_id, facts.status) == ("HIT-L1", "goodkey1", 7, 200)
        assert facts.bytes_sent > 0
        assert facts.request_id
