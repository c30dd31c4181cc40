"""An outbox that was loaded on another server is followed as it was on the old one: nothing twice, nothing left out."""

from collections.abc import Sequence
from contextlib import contextmanager

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from opsctl.clients.postgres import DatabaseAddress, connect
from opsctl.dr.postgres.renumber import renumber_outbox
from opsctl.store.outbox import Watermark, read_changes

pytestmark = pytest.mark.stack

OLD = 5_000_000_000  # of a server that has been through its numbers more than once


@contextmanager
def loaded(
    database: DatabaseAddress, places: Sequence[tuple[int, int]], watermarks: Sequence[tuple[int, int]]
):
    """Give a connection to a database as a dump brings it: rows at these places, consumers that came so far."""
    with connect(database, autocommit=True) as connection:
        connection.execute("truncate outbox, outbox_watermarks")
        for transaction, sequence in places:
            connection.execute(
                "insert into outbox (sequence, transaction_id, aggregate, aggregate_id, operation) "
                "overriding system value values (%s, %s::text::xid8, 'content', %s, 'upsert')",
                (sequence, transaction, sequence),
            )
        for number, (transaction, sequence) in enumerate(watermarks):
            connection.execute(
                "insert into outbox_watermarks values (%s, %s::text::xid8, %s)",
                (f"consumer-{number}", transaction, sequence),
            )
        yield connection


def following(connection) -> dict[str, list[int]]:
    """Return what each consumer still has before it, in its order."""
    rows = connection.execute(
        "select consumer, last_transaction_id::text::bigint, last_sequence from outbox_watermarks order by 1"
    ).fetchall()
    return {
        consumer: [
            change.content_id
            for change in read_changes(connection, after=Watermark(transaction, sequence), limit=10_000)
        ]
        for consumer, transaction, sequence in rows
    }


def expected(
    places: Sequence[tuple[int, int]], watermarks: Sequence[tuple[int, int]]
) -> dict[str, list[int]]:
    """Return what each consumer had before it on the old server."""
    return {
        f"consumer-{number}": [
            sequence for place, sequence in sorted(places) if (place, sequence) > watermark
        ]
        for number, watermark in enumerate(watermarks)
    }


def test_without_it_nobody_would_read_what_was_loaded(database: DatabaseAddress):
    """Which is why there is such a thing."""
    places = [(OLD, 1), (OLD + 1, 2)]

    with loaded(database, places, [(0, 0)]) as connection:
        assert following(connection) == {"consumer-0": []}
        assert renumber_outbox(connection) == 2
        assert following(connection) == {"consumer-0": [1, 2]}


def test_what_is_written_afterwards_comes_after_everything_that_was_loaded(database: DatabaseAddress):
    """For a consumer that was at the end, it is the only thing that is new."""
    places = [(OLD + number, 900 + number) for number in range(5)]

    with loaded(database, places, [places[-1], (0, 0)]) as connection:
        renumber_outbox(connection)
        connection.execute("select setval(pg_get_serial_sequence('outbox', 'sequence'), 10)")
        connection.execute(
            "insert into outbox (aggregate, aggregate_id, operation) values ('content', 77, 'upsert')"
        )

        found = following(connection)

    assert found == {"consumer-0": [77], "consumer-1": [900, 901, 902, 903, 904, 77]}


_PLACES = st.lists(
    st.tuples(st.integers(OLD, OLD + 12), st.integers(1, 60)), max_size=25, unique_by=lambda each: each[1]
)


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    places=_PLACES,
    marks=st.lists(st.tuples(st.integers(OLD - 1, OLD + 13), st.integers(0, 61)), min_size=1, max_size=4),
)
def test_every_consumer_goes_on_exactly_where_it_was(
    database: DatabaseAddress, places: list[tuple[int, int]], marks: list[tuple[int, int]]
):
    """Also in the middle of a transaction, and where older transactions wrote higher sequences."""
    with loaded(database, places, marks) as connection:
        renumber_outbox(connection)

        assert following(connection) == expected(places, marks)


def test_more_transactions_than_the_server_has_counted_yet_are_reached(database: DatabaseAddress):
    """It counts on until it is past them."""
    with connect(database, autocommit=True) as connection:
        row = connection.execute("select pg_current_xact_id()::text::bigint").fetchone()
    assert row is not None
    many = row[0] + 2_000
    with loaded(database, [], [(0, 0)]) as connection:
        connection.execute(
            "insert into outbox (sequence, transaction_id, aggregate, aggregate_id, operation) overriding system value "
            "select n, (%s + n)::text::xid8, 'content', n, 'upsert' from generate_series(1, %s) as n",
            (OLD, many),
        )

        assert renumber_outbox(connection) == many
        assert following(connection)["consumer-0"][-1] == min(many, 10_000)


def test_on_a_server_that_counts_higher_nothing_is_touched(database: DatabaseAddress):
    """Places of its past are in order as they are."""
    with loaded(database, [(3, 1), (4, 2)], [(3, 1)]) as connection:
        assert renumber_outbox(connection) == 0
        assert following(connection) == {"consumer-0": [2]}


def test_a_database_without_an_outbox_is_left_alone(empty_database: DatabaseAddress):
    """Such as somebody else's."""
    with connect(empty_database, autocommit=True) as connection:
        assert renumber_outbox(connection) == 0
