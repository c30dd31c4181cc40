"""A service that follows the outbox knows how far it is behind, at a cost that does not grow with what is behind it."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from tests.store.opened import AnyConnection, on

from opsctl.clients.postgres import DatabaseAddress, connect
from opsctl.store.locks import key_of
from opsctl.store.outbox import Watermark, read_changes
from opsctl.store.outbox_following import _LAG, count_lag, finish_changes, take_changes
from opsctl.store.outbox_pruning import prune_superseded

pytestmark = pytest.mark.stack


@pytest.fixture
def changed(database: DatabaseAddress) -> DatabaseAddress:
    """Give a database in which twenty thousand items have changed, each in its turn."""
    with connect(database) as connection:
        connection.execute(
            "insert into outbox (aggregate, aggregate_id, operation)"
            " select 'content', n, 'upsert' from generate_series(1, 20000) as n"
        )
        connection.execute(
            "insert into outbox_watermarks (consumer, last_transaction_id, last_sequence)"
            " select 'caches', transaction_id, sequence from outbox where aggregate_id = 19990"
        )
        connection.execute("analyze outbox")
    return database


def test_the_lag_is_what_is_left_until_it_is_taken(changed: DatabaseAddress) -> None:
    """Whoever was never here has everything before it, and other things than items do not count."""

    async def work(connection: AnyConnection) -> list[int]:
        await connection.execute(
            "insert into outbox (aggregate, aggregate_id, operation) values ('interaction', 1, 'upsert')"
        )
        lags = [await count_lag(connection, "nobody"), await count_lag(connection, "caches")]
        for _ in range(2):
            async with connection.transaction():
                await finish_changes(connection, await take_changes(connection, "caches", limit=6))
            lags.append(await count_lag(connection, "caches"))
        return lags

    assert on(changed, work) == [20_000, 10, 4, 0]


def test_counting_the_lag_reads_nothing_of_what_was_followed(changed: DatabaseAddress) -> None:
    """It is asked every two seconds, and the last change of each item is kept for good."""
    with connect(changed) as connection:
        place = connection.execute(
            "select last_transaction_id::text::bigint, last_sequence from outbox_watermarks"
        ).fetchone()
        assert place is not None
        values: dict[str, Any] = {"aggregate": "content", "transaction_id": place[0], "sequence": place[1]}
        rows = connection.execute(f"explain (analyze, costs off) {_LAG}".encode(), values).fetchall()

    plan = "\n".join(row[0] for row in rows)
    assert "outbox_order" in plan
    assert "Rows Removed" not in plan


def test_of_the_changes_of_an_item_the_last_one_stays_for_good(database: DatabaseAddress) -> None:
    """Whoever begins anew still meets each item, the deleted ones too; what is new stays whole, for whoever looks back."""
    with connect(database) as connection:
        connection.execute(
            "insert into outbox (aggregate, aggregate_id, operation, created_at) values"
            " ('content', 1, 'upsert', '2026-01-01'), ('content', 2, 'upsert', '2026-01-01'),"
            " ('content', 1, 'upsert', '2026-01-02'), ('interaction', 1, 'upsert', '2026-01-02'),"
            " ('content', 2, 'delete', '2026-01-03'), ('content', 1, 'upsert', '2026-01-04'),"
            " ('content', 3, 'upsert', '2026-01-05'), ('content', 3, 'upsert', '2026-01-06')"
        )
    before = datetime(2026, 1, 5, tzinfo=UTC) - timedelta(hours=1)

    async def work(connection: AnyConnection) -> list[int]:
        return [await prune_superseded(connection, before=before, limit=2) for _ in range(3)]

    assert on(database, work) == [2, 1, 0]
    with connect(database) as connection:
        left = connection.execute("select aggregate, aggregate_id, operation from outbox order by sequence")
        assert left.fetchall() == [
            ("interaction", 1, "upsert"),
            ("content", 2, "delete"),
            ("content", 1, "upsert"),
            ("content", 3, "upsert"),
            ("content", 3, "upsert"),
        ]
        seen = {change.content_id for change in read_changes(connection, after=Watermark(), limit=9)}
    assert seen == {1, 2, 3}


def test_only_one_worker_at_a_time_looks_for_superseded_changes(database: DatabaseAddress) -> None:
    """Each look walks all of them; whoever comes meanwhile does nothing and does not wait."""

    async def work(connection: AnyConnection) -> int:
        return await prune_superseded(connection, before=datetime.now(UTC) + timedelta(days=1), limit=9)

    with connect(database) as connection:
        connection.execute(
            "insert into outbox (aggregate, aggregate_id, operation)"
            " select 'content', 1, 'upsert' from generate_series(1, 3)"
        )
        connection.commit()
        connection.execute("select pg_advisory_xact_lock(%s)", [key_of("outbox pruning")])
        meanwhile = on(database, work)

    assert (meanwhile, on(database, work)) == (0, 2)
