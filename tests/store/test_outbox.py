"""A consumer of the outbox misses nothing, also not what commits late, and two consumers do not overtake."""

from collections.abc import Iterator
from typing import Any

import psycopg
import pytest
from hypothesis import given
from hypothesis import strategies as st

from opsctl.clients.postgres import DatabaseAddress, connect
from opsctl.core.errors import RefusedError
from opsctl.store.locks import held_lock
from opsctl.store.outbox import Watermark, move_watermark, read_changes, read_lag, read_watermark

pytestmark = pytest.mark.stack

Connection = psycopg.Connection[Any]

_ADD = (
    "insert into content (vendor_id, title, region, category, quality) "
    "values (1, 'x', 'AU', 'venue', 0.5) returning id"
)


@pytest.fixture
def connection(database: DatabaseAddress) -> Iterator[Connection]:
    """Give a connection to a database with one vendor."""
    with connect(database, autocommit=True) as opened:
        opened.execute("insert into vendors (id, name) values (1, 'v')")
        yield opened


def _add(connection: Connection) -> int:
    row = connection.execute(_ADD).fetchone()
    assert row is not None
    return int(row[0])


def _read(connection: Connection, after: Watermark = Watermark(), *, limit: int = 100) -> list[int]:  # noqa: B008
    return [change.content_id for change in read_changes(connection, after=after, limit=limit)]


def test_changes_come_in_order_and_in_pages(connection: Connection) -> None:
    """The place of the last change of a page is where the next one begins."""
    ids = [_add(connection) for _ in range(5)]

    page = read_changes(connection, after=Watermark(), limit=3)
    rest = read_changes(connection, after=page[-1].place, limit=3)

    assert [change.content_id for change in [*page, *rest]] == ids
    assert read_changes(connection, after=rest[-1].place, limit=3) == []


def test_a_transaction_that_commits_late_is_not_missed(
    database: DatabaseAddress, connection: Connection
) -> None:
    """What a younger transaction wrote waits until the older one is over, then both come, the older first."""
    with connect(database) as slow:
        late = _add(slow)
        early = _add(connection)

        while_open = _read(connection)
        lag = read_lag(connection, after=Watermark())
        slow.commit()

        assert while_open == []
        assert lag.changes == 1
        assert _read(connection) == [late, early]


@pytest.mark.slow
def test_a_rolled_back_change_never_comes(database: DatabaseAddress, connection: Connection) -> None:
    """The outbox is part of the transaction."""
    with connect(database) as other:
        _add(other)
        other.rollback()
    kept = _add(connection)

    assert _read(connection) == [kept]


def test_a_watermark_moves_only_from_where_its_owner_believes_it(connection: Connection) -> None:
    """Compare and set: the second of two consumers is told."""
    place, other = Watermark(700, 5), Watermark(700, 9)

    moved = move_watermark(connection, consumer="c", expected=Watermark(), to=place)
    overtaken = move_watermark(connection, consumer="c", expected=Watermark(), to=other)

    assert (moved, overtaken) == (True, False)
    assert read_watermark(connection, consumer="c") == place
    assert read_watermark(connection, consumer="unknown") == Watermark()


@pytest.mark.slow
def test_lag_counts_what_is_left_and_tells_the_oldest(connection: Connection) -> None:
    """At the end of the outbox nothing is left."""
    for _ in range(3):
        _add(connection)
    changes = read_changes(connection, after=Watermark(), limit=10)

    behind = read_lag(connection, after=changes[0].place)
    level = read_lag(connection, after=changes[-1].place)

    assert (behind.changes, behind.oldest_at is not None) == (2, True)
    assert (level.changes, level.oldest_at) == (0, None)


@pytest.mark.slow
def test_a_lock_is_refused_to_the_second_and_free_after_the_first(
    database: DatabaseAddress, connection: Connection
) -> None:
    """Other names are other locks; the holder's transaction does not hold back readers of the outbox."""
    refusal = RefusedError("busy", code="OUT001")
    with connect(database) as first, connect(database) as second:
        with held_lock(first, name="a", refusal=refusal):
            added = _add(connection)
            assert _read(connection) == [added]
            with held_lock(second, name="b", refusal=refusal):
                pass
            with pytest.raises(RefusedError, match="busy"), held_lock(second, name="a", refusal=refusal):
                pass
        with held_lock(second, name="a", refusal=refusal):
            pass


@given(st.integers(0, 2**63), st.integers(0, 2**63))
def test_a_watermark_survives_its_text_form(transaction_id: int, sequence: int) -> None:
    """The collection's metadata holds it as text."""
    place = Watermark(transaction_id, sequence)

    assert Watermark.parse(str(place)) == place
