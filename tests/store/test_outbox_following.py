"""A service that follows the outbox knows how far it is behind, at a cost that does not grow with what is behind it."""

from typing import Any

import pytest
from tests.store.opened import AnyConnection, on

from opsctl.clients.postgres import DatabaseAddress, connect
from opsctl.store.outbox_following import _LAG, count_lag, finish_changes, take_changes

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
    """It is asked every two seconds, and rows of items are kept for good."""
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
