"""Items go in once, a second time changes nothing, and what changed reaches the outbox."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

import psycopg
import pytest

from opsctl.clients.postgres import DatabaseAddress, connect
from opsctl.store.content import UpsertCounts, content_stats, published_rows, upsert_items
from opsctl.store.items import NewItem

pytestmark = pytest.mark.stack

Connection = psycopg.Connection[Any]


@pytest.fixture
def connection(database: DatabaseAddress) -> Iterator[Connection]:
    """Give a connection to a fresh database."""
    with connect(database) as opened:
        yield opened


def make_item(number: int, **changes: Any) -> NewItem:
    """Return an item that is told apart by its number."""
    item = NewItem(
        external_id=f"i{number}",
        title=f"title {number}",
        description="naïve 📷 text\twith\\everything",
        region="AU" if number % 2 else "NZ",
        district="",
        category="photographer",
        quality=0.25 * (number % 5),
        price_usd=None if number == 3 else 10.5,
        tags=("a b", 'c"d', "e,f"),
        vendor_external_id=f"v{number % 2}",
        vendor_name="Ben & Co",
    )
    return replace(item, **changes)


def _upsert(connection: Connection, items: list[NewItem], *, source: str = "s") -> UpsertCounts:
    with connection.transaction():
        return upsert_items(connection, items, source=source)


def _all_ids(connection: Connection) -> list[int]:
    return [row[0] for row in connection.execute("select id from content order by external_id")]


def test_what_goes_in_comes_out(connection: Connection) -> None:
    """Text with every awkward character, empty and missing values survive the bulk copy."""
    _upsert(connection, [make_item(3)])

    (row,) = published_rows(connection, _all_ids(connection))

    assert (row.title, row.description) == ("title 3", "naïve 📷 text\twith\\everything")
    assert (row.tags, row.price_usd, row.district, row.quality) == (("a b", 'c"d', "e,f"), None, None, 0.75)


def test_counts_tell_new_changed_and_untouched_apart(connection: Connection) -> None:
    """Only the changed item reaches the outbox a second time."""
    items = [make_item(number) for number in range(4)]

    first = _upsert(connection, items)
    second = _upsert(connection, [*items[:3], replace(items[3], title="other"), make_item(9)])

    assert first == UpsertCounts(inserted=4)
    assert second == UpsertCounts(inserted=1, updated=1, unchanged=3)
    assert connection.execute("select count(*) from outbox").fetchone() == (6,)


def test_two_sources_with_the_same_ids_do_not_collide(connection: Connection) -> None:
    """An id means something within its source only."""
    _upsert(connection, [make_item(1)], source="one")
    counts = _upsert(connection, [make_item(1)], source="two")

    assert counts == UpsertCounts(inserted=1)
    assert len(_all_ids(connection)) == 2


def test_items_of_one_vendor_share_its_row(connection: Connection) -> None:
    """A vendor is known by its id within the source."""
    _upsert(connection, [make_item(number) for number in range(6)])

    assert connection.execute("select count(*) from vendors").fetchone() == (2,)


def test_no_items_change_nothing(connection: Connection) -> None:
    """An empty batch, such as one of rejects only, is no error."""
    assert _upsert(connection, []) == UpsertCounts()


def _choose(connection: Connection, *ids: int) -> None:
    """Write items under these ids, as clients of the service do."""
    connection.execute("insert into vendors (id, name) values (900, 'chosen') on conflict do nothing")
    connection.execute(
        "insert into content (id, vendor_id, title, region, category, quality)"
        " select id, 900, 'chosen', 'AU', 'venue', 0.5 from unnest(%s::bigint[]) as id",
        [list(ids)],
    )


@pytest.mark.parametrize(
    "chosen", [[1], [2, 3, 5], [4, 2**63 - 1], list(range(3, 25_000)), [9, 10, 11, 30_000]]
)
def test_ids_that_clients_chose_are_not_in_the_way(connection: Connection, chosen: list[int]) -> None:
    """Neither those next in turn nor one at the end of all numbers."""
    _choose(connection, *chosen)

    counts = [_upsert(connection, [make_item(number) for number in range(n, n + 4)]) for n in (0, 4, 8)]

    assert counts == [UpsertCounts(inserted=4)] * 3
    ids = connection.execute("select id from content where source = 's' order by id").fetchall()
    assert len(ids) == 12
    assert ids[-1][0] < 2**40


def test_an_id_that_a_client_is_writing_meanwhile_is_passed(
    database: DatabaseAddress, connection: Connection
) -> None:
    """The import waits for the other's end, and goes on behind it."""
    _upsert(connection, [make_item(0)])
    (last,) = _all_ids(connection)
    with connect(database) as other, ThreadPoolExecutor(1) as thread:
        with other.transaction():
            _choose(other, last + 1)
            imported = thread.submit(_upsert, connection, [make_item(1), make_item(2)])
            while not other.execute(
                "select from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'"
            ).rowcount:
                assert not imported.done()

        assert imported.result(timeout=30) == UpsertCounts(inserted=2)


def test_a_failed_batch_leaves_nothing_behind(connection: Connection) -> None:
    """The copy, the vendors and the items stand or fall together."""
    with pytest.raises(psycopg.errors.CheckViolation):
        _upsert(connection, [make_item(1), make_item(2, quality=7.0)])

    assert connection.execute("select count(*) from vendors").fetchone() == (0,)


def test_drafts_and_missing_ids_are_not_published(connection: Connection) -> None:
    """A withdrawn item counts as gone."""
    _upsert(connection, [make_item(1), make_item(2)])
    first, second = _all_ids(connection)
    connection.execute("update content set status = 'archived' where id = %s", [second])

    assert [row.id for row in published_rows(connection, [first, second, 999])] == [first]


def test_stats_count_by_region_and_category(connection: Connection) -> None:
    """Quantiles are those of the published items."""
    _upsert(connection, [make_item(number) for number in range(5)])

    stats = content_stats(connection, shares=(0.0, 0.5, 1.0))

    assert [(group.region, group.count, group.mean_quality) for group in stats.groups] == [
        ("AU", 2, 0.5),
        ("NZ", 3, 0.5),
    ]
    assert stats.quality_quantiles == {0.0: 0.0, 0.5: 0.5, 1.0: 1.0}
    assert (stats.total, stats.vendors, stats.sources) == (5, 2, {"s": 5})


def test_stats_of_an_empty_catalogue_are_empty(connection: Connection) -> None:
    """No item, no quantile."""
    stats = content_stats(connection)

    assert (stats.total, stats.groups, stats.quality_quantiles) == (0, (), {})
