"""Popularity follows the outbox exactly once, fades with time, and falls back to quality."""

from datetime import UTC, datetime, timedelta

import pytest
from tests.store.opened import AnyConnection, on, with_pool

from opsctl.clients.postgres import DatabaseAddress, connect
from opsctl.clients.postgres_pool import AsyncDatabase
from opsctl.store.popularity import (
    HALF_LIFE_SECONDS,
    popularity_of,
    prune_followed,
    refresh_popularity,
    trending,
)
from opsctl.store.readers import NewInteraction, record_interactions

pytestmark = pytest.mark.stack

_NOW = datetime(2026, 11, 1, 12, tzinfo=UTC)
_HALF_LIFE = timedelta(seconds=HALF_LIFE_SECONDS)


@pytest.fixture
def catalogue(database: DatabaseAddress) -> DatabaseAddress:
    """Give a database with items 1 to 6, of which the higher are the better; 5 is elsewhere, 6 a draft."""
    with connect(database) as connection:
        connection.execute("insert into vendors (id, name) values (1, 'studio')")
        connection.execute(
            "insert into content (id, vendor_id, title, region, category, quality, status) "
            "select n, 1, 'item', case n when 5 then 'NZ' else 'AU' end, 'venue', n / 10.0, "
            "case n when 6 then 'draft' else 'published' end from generate_series(1, 6) as n"
        )
    return database


async def _react(
    connection: AnyConnection, content_id: int, kind: str, *, count: int, at: datetime = _NOW
) -> None:
    batch = [
        NewInteraction(
            idempotency_key=f"{content_id} {kind} {at} {n}",
            kind=kind,
            user_id=n,
            content_id=content_id,
            occurred_at=at,
        )
        for n in range(count)
    ]
    await record_interactions(connection, batch)


async def _refresh(connection: AnyConnection, *, now: datetime = _NOW, limit: int = 1000) -> int:
    return await refresh_popularity(connection, now=now, limit=limit)


def test_where_nobody_did_anything_quality_decides(catalogue: DatabaseAddress) -> None:
    """Published items, best first, of the region asked for."""

    async def work(connection: AnyConnection) -> None:
        everywhere = await trending(connection, now=_NOW, limit=3)
        there = await trending(connection, now=_NOW, limit=9, region="AU", category="venue")
        assert [item.content_id for item in everywhere] == [5, 4, 3]
        assert [item.content_id for item in there] == [4, 3, 2, 1]
        assert await trending(connection, now=_NOW, limit=9, region="'; --") == []
        assert all(0 < item.score < 1 for item in everywhere)

    on(catalogue, work)


@pytest.mark.slow
def test_what_readers_like_rises_and_what_they_hide_falls(catalogue: DatabaseAddress) -> None:
    """Saves lift the worst item to the top; views without anything else, and hides, pull the best ones down."""

    async def work(connection: AnyConnection) -> None:
        await _react(connection, 1, "view", count=30)
        await _react(connection, 1, "save", count=20)
        await _react(connection, 4, "view", count=50)
        await _react(connection, 5, "hide", count=50)
        assert await _refresh(connection) == 150
        assert [item.content_id for item in await trending(connection, now=_NOW, limit=9)] == [1, 3, 2, 5, 4]
        found = await popularity_of(connection, [1, 4, 2, 999], now=_NOW)
        assert sorted(found) == [1, 2, 4]
        assert [found[item].views for item in (1, 4, 2)] == pytest.approx([30.0, 50.0, 0.0])
        assert found[1].share > found[2].share > found[4].share

    on(catalogue, work)


@pytest.mark.slow
def test_each_interaction_is_taken_in_once_also_in_small_steps(catalogue: DatabaseAddress) -> None:
    """Steps of seven give the same counts as one step, and a further refresh changes nothing."""

    async def work(connection: AnyConnection) -> None:
        await _react(connection, 1, "view", count=20)
        await _react(connection, 2, "click", count=10)
        steps = [await _refresh(connection, limit=7) for _ in range(6)]
        assert steps == [7, 7, 7, 7, 2, 0]
        rows = await (
            await connection.execute("select content_id, views, positives from content_popularity order by 1")
        ).fetchall()
        totals = await (
            await connection.execute("select views, positives, negatives from popularity_totals")
        ).fetchone()
        assert rows == [(1, pytest.approx(20), 0), (2, 0, pytest.approx(10))]
        assert totals is not None
        assert list(totals) == pytest.approx([20.0, 10.0, 0.0])

    on(catalogue, work)


@pytest.mark.slow
def test_interactions_fade_by_half_in_a_half_life_in_whatever_order_they_come(
    catalogue: DatabaseAddress,
) -> None:
    """An old interaction that is taken in late counts as much as if it had been taken in at once."""

    async def work(connection: AnyConnection) -> None:
        await _react(connection, 1, "view", count=8, at=_NOW - _HALF_LIFE)
        await _refresh(connection)
        await _react(connection, 1, "view", count=8, at=_NOW - 2 * _HALF_LIFE)
        await _react(connection, 1, "view", count=8, at=_NOW + _HALF_LIFE)
        await _refresh(connection, now=_NOW + _HALF_LIFE)
        found = await popularity_of(connection, [1], now=_NOW + _HALF_LIFE)
        assert found[1].views == pytest.approx(2 + 1 + 8)

    on(catalogue, work)


@pytest.mark.slow
def test_two_refreshers_at_once_do_not_count_twice(catalogue: DatabaseAddress) -> None:
    """The second one finds the first at work and leaves it to it."""

    async def work(database: AsyncDatabase) -> None:
        async with database.connection("one") as one, database.connection("two") as two:
            await _react(one, 1, "view", count=5)
            await _refresh(one)
            await _react(one, 1, "view", count=5, at=_NOW + timedelta(seconds=1))
            async with one.transaction():
                assert await _refresh(one) == 5
                assert await _refresh(two) == 0
            assert await _refresh(two) == 0
            found = await popularity_of(two, [1], now=_NOW)
        assert found[1].views == pytest.approx(10, rel=1e-3)

    with_pool(catalogue, work)


@pytest.mark.slow
def test_what_was_taken_in_can_leave_the_outbox_and_nothing_else(catalogue: DatabaseAddress) -> None:
    """Rows that nobody has taken in yet stay, and so do those of items."""
    later = datetime.now(UTC) + timedelta(days=1)

    async def work(connection: AnyConnection) -> None:
        await _react(connection, 1, "view", count=5)
        await _refresh(connection)
        await _react(connection, 2, "view", count=3)
        assert await prune_followed(connection, before=_NOW - timedelta(days=9000)) == 0
        assert [await prune_followed(connection, before=later, limit=4) for _ in range(3)] == [4, 1, 0]
        query = "select aggregate, count(*) from outbox group by 1 order by 1"
        assert await (await connection.execute(query)).fetchall() == [("content", 6), ("interaction", 3)]
        assert await _refresh(connection) == 3

    on(catalogue, work)
