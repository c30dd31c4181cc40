"""Interactions count once, whatever is sent again, by whom and in which order."""

import asyncio
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from tests.store.opened import AnyConnection, on, with_pool

from opsctl.clients.postgres import DatabaseAddress, connect
from opsctl.clients.postgres_pool import AsyncDatabase
from opsctl.store.outbox import Watermark, read_changes, read_lag
from opsctl.store.readers import (
    NewInteraction,
    ReaderHistory,
    RecordedInteractions,
    read_history,
    record_interactions,
)

pytestmark = pytest.mark.stack

_NOON = datetime(2026, 11, 1, 12, tzinfo=UTC)
_HOSTILE = "'); drop table interactions; -- \\ \u202e %s $1 \" 🙈"


@pytest.fixture
def catalogue(database: DatabaseAddress) -> DatabaseAddress:
    """Give a database with 50 items."""
    with connect(database) as connection:
        connection.execute("insert into vendors (id, name) values (1, 'studio')")
        connection.execute(
            "insert into content (id, vendor_id, title, region, category, quality) "
            "select n, 1, 'item', 'AU', 'venue', 0.5 from generate_series(1, 50) as n"
        )
        connection.execute("truncate outbox")
    return database


def _one(key: str, *, user_id: int = 7, content_id: int = 1, minutes: int = 0) -> NewInteraction:
    return NewInteraction(
        idempotency_key=key,
        kind="save",
        user_id=user_id,
        content_id=content_id,
        occurred_at=_NOON + timedelta(minutes=minutes),
    )


def _count(address: DatabaseAddress, table: bytes) -> int:
    with connect(address) as connection:
        row = connection.execute(b"select count(*) from " + table).fetchone()
    assert row is not None
    return int(row[0])


async def _somebody_waits(connection: AnyConnection) -> bool:
    query = "select 1 from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'"
    return await (await connection.execute(query)).fetchone() is not None


@pytest.mark.slow
def test_a_batch_is_recorded_with_its_readers_and_its_outbox_rows(catalogue: DatabaseAddress) -> None:
    """Readers who were never seen become users; the outbox has a row for each interaction."""
    batch = [replace(_one("a"), feed_id="f1"), _one("b", user_id=8, content_id=2), _one("c", content_id=3)]

    recorded = on(catalogue, lambda connection: record_interactions(connection, batch))

    assert recorded == RecordedInteractions(accepted=("a", "b", "c"))
    with connect(catalogue) as connection:
        assert connection.execute("select id from users order by id").fetchall() == [(7,), (8,)]
        rows = connection.execute(
            "select idempotency_key, user_id, content_id, kind, feed_id from interactions order by 1"
        ).fetchall()
        outbox = connection.execute("select aggregate, operation from outbox").fetchall()
    assert rows == [("a", 7, 1, "save", "f1"), ("b", 8, 2, "save", None), ("c", 7, 3, "save", None)]
    assert outbox == [("interaction", "upsert")] * 3


@pytest.mark.slow
def test_a_key_counts_once_within_a_batch_and_between_batches(catalogue: DatabaseAddress) -> None:
    """The first of a batch holds; everything later is reported as repeated."""

    async def twice(connection: AnyConnection) -> tuple[RecordedInteractions, RecordedInteractions]:
        first = await record_interactions(connection, [_one("a"), _one("a", content_id=2), _one("b")])
        return first, await record_interactions(connection, [_one("b"), _one("c")])

    first, second = on(catalogue, twice)

    assert first == RecordedInteractions(accepted=("a", "b"), repeated=("a",))
    assert second == RecordedInteractions(accepted=("c",), repeated=("b",))
    with connect(catalogue) as connection:
        kept = connection.execute("select content_id from interactions where idempotency_key = 'a'")
        assert kept.fetchone() == (1,)


@pytest.mark.slow
def test_an_unknown_item_is_reported_and_the_rest_recorded(catalogue: DatabaseAddress) -> None:
    """A client with an old feed does not lose its whole batch, and makes no user by it."""
    batch = [_one("a", content_id=999, user_id=9), _one("b")]

    recorded = on(catalogue, lambda connection: record_interactions(connection, batch))

    assert recorded == RecordedInteractions(accepted=("b",), unknown_content=("a",))
    assert _count(catalogue, b"users") == 1


@pytest.mark.slow
def test_a_repeated_key_stays_repeated_after_its_item_is_gone(catalogue: DatabaseAddress) -> None:
    """The client's retry gets the same answer although the item was deleted in between."""

    async def work(connection: AnyConnection) -> RecordedInteractions:
        await record_interactions(connection, [_one("a")])
        await connection.execute("delete from content where id = 1")
        return await record_interactions(connection, [_one("a"), _one("b")])

    assert on(catalogue, work) == RecordedInteractions(repeated=("a",), unknown_content=("b",))


@pytest.mark.slow
def test_consumers_of_items_do_not_meet_interactions_in_the_outbox(catalogue: DatabaseAddress) -> None:
    """Neither as changes nor as lag."""
    on(catalogue, lambda connection: record_interactions(connection, [_one("a"), _one("b")]))

    with connect(catalogue) as connection:
        assert read_changes(connection, after=Watermark(), limit=10) == []
        assert read_lag(connection, after=Watermark()).changes == 0


def test_an_empty_batch_is_nothing(catalogue: DatabaseAddress) -> None:
    """No statement is sent for it."""
    recorded = on(catalogue, lambda connection: record_interactions(connection, []))

    assert recorded == RecordedInteractions()


@pytest.mark.slow
def test_many_writers_of_the_same_keys_in_any_order_neither_deadlock_nor_count_twice(
    catalogue: DatabaseAddress,
) -> None:
    """Twenty batches at once with the same forty keys, half of them backwards: each key is accepted once."""
    batch = [_one(f"k{n:02d}", user_id=100 - n, content_id=1 + n % 50) for n in range(40)]

    async def write(database: AsyncDatabase, number: int) -> RecordedInteractions:
        async with database.connection("record") as connection:
            return await record_interactions(connection, batch if number % 2 else batch[::-1])

    async def work(database: AsyncDatabase) -> list[RecordedInteractions]:
        return await asyncio.gather(*(write(database, number) for number in range(20)))

    results = with_pool(catalogue, work)

    accepted = sorted(key for result in results for key in result.accepted)
    assert accepted == [each.idempotency_key for each in batch]
    assert sum(len(result.accepted) + len(result.repeated) for result in results) == 20 * 40
    assert _count(catalogue, b"interactions") == _count(catalogue, b"outbox") == 40


@pytest.mark.slow
def test_an_item_deleted_in_the_same_moment_does_not_spoil_the_batch(catalogue: DatabaseAddress) -> None:
    """The batch waits for the deletion, then reports that item as unknown."""

    async def record(database: AsyncDatabase) -> RecordedInteractions:
        async with database.connection("record") as connection:
            return await record_interactions(connection, [_one("a", content_id=1), _one("b", content_id=2)])

    async def work(database: AsyncDatabase) -> RecordedInteractions:
        async with database.connection("delete") as deleting, deleting.transaction():
            await deleting.execute("delete from content where id = 1")
            recording = asyncio.create_task(record(database))
            async with database.connection("watch") as watching:
                while not await _somebody_waits(watching):  # noqa: ASYNC110 - the other side is a server
                    await asyncio.sleep(0.01)
        return await recording

    assert with_pool(catalogue, work) == RecordedInteractions(accepted=("b",), unknown_content=("a",))


def test_hostile_strings_are_values_and_nothing_else(catalogue: DatabaseAddress) -> None:
    """SQL in a key or a feed id is stored as it is."""
    batch = [replace(_one(_HOSTILE), feed_id=_HOSTILE)]

    recorded = on(catalogue, lambda connection: record_interactions(connection, batch))

    assert recorded.accepted == (_HOSTILE,)
    with connect(catalogue) as connection:
        assert connection.execute("select idempotency_key, feed_id from interactions").fetchall() == [
            (_HOSTILE, _HOSTILE)
        ]


def test_history_is_the_newest_first_and_limited(catalogue: DatabaseAddress) -> None:
    """Of five interactions the newest three, without the item that is gone and without other readers."""
    batch = [_one(f"k{n}", content_id=n, minutes=n) for n in (1, 2, 3, 4, 5)]

    async def work(connection: AnyConnection) -> ReaderHistory:
        await record_interactions(connection, [*batch, _one("other", user_id=8, minutes=9)])
        await connection.execute("delete from content where id = 4")
        return await read_history(connection, 7, limit=3)

    history = on(catalogue, work)

    assert history.content_ids == (5, 3, 2)
    assert history.kinds == ("save",) * 3
    assert history.occurred_seconds == tuple(_NOON.timestamp() + 60 * minutes for minutes in (5, 3, 2))


@pytest.mark.slow
def test_what_was_hidden_is_known_beyond_the_history(catalogue: DatabaseAddress) -> None:
    """The promise is that it is never shown again, and not that it is not shown for three more clicks."""
    hidden = [replace(_one(f"h{n}", content_id=n, minutes=n), kind="hide") for n in (1, 2, 3)]
    later = [_one(f"k{n}", content_id=n, minutes=n) for n in (5, 6, 7)]
    others = replace(_one("other", user_id=8, content_id=9), kind="hide")

    async def work(connection: AnyConnection) -> ReaderHistory:
        await record_interactions(connection, [*hidden, *later, others])
        await connection.execute("delete from content where id = 2")
        return await read_history(connection, 7, limit=3)

    history = on(catalogue, work)

    assert history.content_ids == (7, 6, 5)
    assert history.hidden_ids == (3, 1)


@pytest.mark.slow
def test_history_tells_whose_items_they_are_and_what_they_cost(catalogue: DatabaseAddress) -> None:
    """Once for each time; nothing of an item that is not published, no price where there is none."""

    async def work(connection: AnyConnection) -> ReaderHistory:
        await connection.execute("update content set price_usd = 12.5 where id in (1, 3)")
        await connection.execute("update content set status = 'draft' where id = 3")
        await record_interactions(
            connection, [_one(f"k{at}", content_id=n, minutes=at) for at, n in enumerate((1, 2, 3, 1))]
        )
        return await read_history(connection, 7, limit=9)

    history = on(catalogue, work)

    assert history.content_ids == (1, 3, 2, 1)
    assert history.vendor_ids == (1, None, 1, 1)
    assert history.prices_usd == (12.5, None, None, 12.5)


@pytest.mark.slow
def test_the_region_of_a_reader_is_none_where_nobody_knows_it(catalogue: DatabaseAddress) -> None:
    """Neither an unknown reader nor one without region has one, with a history or without."""

    async def work(connection: AnyConnection) -> list[str | None]:
        await connection.execute("insert into users (id, region) values (1, 'NZ'), (2, null), (4, 'GB')")
        await record_interactions(
            connection, [_one("a", user_id=4), _one("b", user_id=4, content_id=2), _one("c", user_id=5)]
        )
        return [(await read_history(connection, user_id, limit=5)).region for user_id in range(1, 6)]

    assert on(catalogue, work) == ["NZ", None, None, "GB", None]
