"""What differs from the truth is found and mended, also where the truth went back in time and on another way."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit
from uuid import uuid4

import psycopg
import pytest
from tests.conftest import EmbeddedPostgres
from tests.running_node import RunningNode

from opsctl.catalog.generate import generate_items
from opsctl.catalog.qdrant_sink import QdrantSink
from opsctl.catalog.sync import Truth, consumer_of, sync_vectors, write_items
from opsctl.clients.postgres import DatabaseAddress, connect
from opsctl.clients.qdrant import QdrantStore
from opsctl.clients.qdrant_values import Point, QdrantPlace
from opsctl.core.clock import SystemClock
from opsctl.core.errors import FailedError, RefusedError
from opsctl.core.events import ignore
from opsctl.dr.vectors import level as level_module
from opsctl.dr.vectors import scan as scan_module
from opsctl.dr.vectors import truth as truth_module
from opsctl.dr.vectors.divergence import Divergence, find_divergence
from opsctl.dr.vectors.level import Levelled, level, set_place
from opsctl.dr.vectors.ports import Returning
from opsctl.dr.vectors.truth import TrueItem, newest_place
from opsctl.embeddings.hashing import HashingEmbedder
from opsctl.store.content import upsert_items
from opsctl.store.outbox import Watermark, read_lag, read_watermark

pytestmark = pytest.mark.stack

ITEMS = 40
_EMBEDDER = HashingEmbedder(dimension=16, seed=0)


@dataclass(kw_only=True)
class World:
    """A database, and the collection that follows it; `applied` are the items that were written again."""

    database: DatabaseAddress
    store: QdrantStore
    collection: str
    connection: psycopg.Connection[Any]
    applied: list[TrueItem] = field(default_factory=list)

    @property
    def here(self) -> Returning:
        """What levelling works with."""
        return Returning(store=self.store, clock=SystemClock())

    @property
    def consumer(self) -> str:
        """The collection's name in the outbox."""
        return consumer_of(self.collection)

    def execute(self, *statements: str) -> None:
        """Change the truth, each statement in a transaction of its own."""
        for statement in statements:
            with self.connection.transaction():
                self.connection.execute(statement.encode())

    def rows(self, query: str) -> list[tuple[Any, ...]]:
        """Ask the database."""
        with self.connection.transaction():
            return self.connection.execute(query.encode()).fetchall()

    def sync(self) -> int:
        """Follow the outbox; return how many changes there were."""
        sink = QdrantSink(self.store, clock=SystemClock())
        with connect(self.database) as work, connect(self.database) as lock:
            report = sync_vectors(
                Truth(work=work, lock=lock),
                sink=sink,
                embedder=_EMBEDDER,
                collection=self.collection,
                listener=ignore,
            )
        return report.changes

    def divergence(self) -> Divergence:
        """Compare."""
        return find_divergence(
            self.collection,
            connection=self.connection,
            store=self.store,
            clock=SystemClock(),
            listener=ignore,
        )

    def level(self) -> Levelled:
        """Bring the collection to the truth."""
        return level(self.collection, connection=self.connection, reapply=self.reapply, here=self.here)

    def reapply(self, items: Sequence[TrueItem]) -> None:
        """Write points of items, as the synchronisation does."""
        self.applied += items
        with connect(self.database) as other:
            write_items(
                other,
                {item.id: item.sequence for item in items},
                sink=QdrantSink(self.store, clock=SystemClock()),
                embedder=_EMBEDDER,
                collection=self.collection,
            )

    def watermark(self) -> Watermark:
        """Return what the collection notes."""
        return Watermark.parse(self.store.collection(self.collection).metadata["watermark"])

    def expect_level(self) -> None:
        """See that the collection holds the truth, by its titles."""
        page = self.store.scroll(self.collection, limit=1000)
        held = {point["id"]: point["payload"]["title"] for point in page.points}
        assert held == dict(self.rows("select id, title from content where status = 'published'"))
        assert self.divergence().is_zero


@dataclass(frozen=True, kw_only=True)
class Beginning:
    """Where every test begins: a database of forty items, and a collection that is level with it."""

    template: str
    collection: str
    points: list[Point]
    metadata: dict[str, Any]


@pytest.fixture(scope="module")
def beginning(
    embedded_postgres: EmbeddedPostgres, migrated_template: str, vector_node: RunningNode
) -> Iterator[Beginning]:
    """Fill a database, and let a collection follow it; that is slow, so it is done once."""
    collection = f"content_{uuid4().hex[:8]}"
    with (
        embedded_postgres.new_database(template=migrated_template) as database,
        QdrantStore(QdrantPlace(url=vector_node.url)) as store,
    ):
        with connect(database) as connection:
            upsert_items(connection, list(generate_items(ITEMS, seed=1)), source="generated_1")
            connection.commit()
            World(database=database, store=store, collection=collection, connection=connection).sync()
        yield Beginning(
            template=_name_of(database),
            collection=collection,
            points=store.scroll(collection, limit=100, with_vectors=True).points,
            metadata=dict(store.collection(collection).metadata),
        )
        store.delete_collection(collection)


@pytest.fixture
def world(
    beginning: Beginning,
    embedded_postgres: EmbeddedPostgres,
    vector_node: RunningNode,
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[World]:
    """Give a database and a collection as they were in the beginning; pages are small."""
    monkeypatch.setattr(scan_module, "_PAGE_POINTS", 7)
    monkeypatch.setattr(truth_module, "_ROWS_AT_ONCE", 11)
    monkeypatch.setattr(level_module, "_BATCH", 4)
    with (
        QdrantStore(QdrantPlace(url=vector_node.url)) as store,
        embedded_postgres.new_database(template=beginning.template) as database,
    ):
        held = store.scroll(beginning.collection, limit=100).points
        store.delete_points(beginning.collection, [point["id"] for point in held])
        store.upsert(beginning.collection, beginning.points)
        store.update_collection(beginning.collection, {"metadata": beginning.metadata})
        with connect(database) as connection:
            yield World(
                database=database, store=store, collection=beginning.collection, connection=connection
            )


def _name_of(database: DatabaseAddress) -> str:
    return urlsplit(database.url).path.strip("/")


@contextmanager
def _copied(world: World, postgres: EmbeddedPostgres) -> Iterator[DatabaseAddress]:
    """Give a copy of the database as it is now: what a recovery to this point brings back later."""
    world.connection.close()
    with postgres.new_database(template=_name_of(world.database)) as address:
        world.connection = connect(world.database)
        yield address
        world.connection.close()


def _go_back(world: World, address: DatabaseAddress) -> None:
    world.connection.close()
    world.database, world.connection = address, connect(address)


_INSERT = (
    "insert into content (vendor_id, title, region, category, quality) values (1, '{}', 'AU', 'venue', 1)"
)
_RENAME = "update content set title = '{}' where id = {}"
_SAME_PLACE = "update outbox set transaction_id = %s::text::xid8 where sequence = %s"
_LOST_FUTURE = (
    _RENAME.format("lost", 3),
    _INSERT.format("lost"),
    "delete from content where id = 5",
    _RENAME.format("lost", 7),
    _INSERT.format("lost too"),
)
_NEW_HISTORY = (
    _RENAME.format("kept", 3),
    _RENAME.format("kept", 9),
    _INSERT.format("kept"),
    "delete from content where id = 11",
    "update content set status = 'archived' where id = 12",
)


@pytest.mark.slow
def test_a_collection_that_follows_does_not_diverge(world: World) -> None:
    """Nothing is missing, stale or extra; levelling writes nothing."""
    found = world.divergence()

    levelled = world.level()

    assert found == Divergence(
        collection=world.collection, items=ITEMS, points=ITEMS, missing=0, stale=0, extra=0
    )
    assert levelled.found == levelled.left == found
    assert world.applied == []


@pytest.mark.slow
def test_the_lost_future_is_taken_back(world: World, embedded_postgres: EmbeddedPostgres) -> None:
    """What was changed, deleted and made after the point; then the synchronisation goes on from there."""
    with _copied(world, embedded_postgres) as restored:
        world.execute(*_LOST_FUTURE)
        world.sync()
        _go_back(world, restored)
        with pytest.raises(RefusedError) as ahead:
            world.sync()

        levelled = world.level()
        set_place(levelled, connection=world.connection, consumer=world.consumer, here=world.here)

        assert ahead.value.code == "OUT005"
        found = levelled.found
        assert (found.first_missing, found.first_stale, found.first_extra) == ((5,), (3, 7), (41, 42))
        assert (found.missing, found.stale, found.extra, found.count) == (1, 2, 2, 5)
        assert sorted(item.id for item in world.applied) == [3, 5, 7]
        world.expect_level()
        assert world.sync() == 0
        world.execute(_RENAME.format("later", 8))
        assert world.sync() == 1
        world.expect_level()


@pytest.mark.slow
def test_places_that_the_lost_future_had_too_deceive_nobody(
    world: World, embedded_postgres: EmbeddedPostgres
) -> None:
    """After the recovery the database goes its own way and hands out the same transactions and sequences again.

    By its watermark the collection is level to the last change, and item 3 even has the very place of its last
    change. Only the comparison with the truth tells that it is a change that never happened.
    """
    with _copied(world, embedded_postgres) as restored:
        world.execute(*_LOST_FUTURE)
        world.sync()
        places = world.rows("select sequence, transaction_id from outbox")
        _go_back(world, restored)
        world.execute(*_NEW_HISTORY)
        with world.connection.transaction():
            for sequence, transaction_id in places:
                world.connection.execute(_SAME_PLACE, [str(transaction_id), sequence])
        with world.connection.transaction():
            lag = read_lag(world.connection, after=world.watermark())
        (point,) = world.store.retrieve(world.collection, [3])
        last = world.rows("select max(sequence) from outbox where aggregate_id = 3")

        found = world.divergence()
        levelled = world.level()
        set_place(levelled, connection=world.connection, consumer=world.consumer, here=world.here)

        assert (newest_place(world.connection), lag.changes) == (world.watermark(), 0)
        assert (point["payload"]["title"], [(point["payload"]["sequence"],)]) == ("lost", last)
        assert found == levelled.found
        assert (found.first_missing, found.first_stale) == ((5,), (3, 7, 9, 41))
        assert found.first_extra == (11, 12, 42)
        world.expect_level()
        assert world.sync() == 0


@pytest.mark.slow
def test_an_item_without_a_change_in_the_outbox_is_known_by_its_time(world: World) -> None:
    """Such as one that is older than the outbox: it is written once more, and right from then on."""
    world.execute("delete from outbox where aggregate_id = 4")

    levelled = world.level()

    assert levelled.found.first_stale == (4,)
    assert [item.sequence for item in world.applied] == [None]
    assert world.divergence().is_zero
    world.execute(
        "update content set title = 'changed' where id = 4", "delete from outbox where aggregate_id = 4"
    )
    assert world.divergence().first_stale == (4,)


@pytest.mark.slow
def test_the_last_change_is_the_last_in_the_order_of_reading(world: World) -> None:
    """An old transaction may write a high sequence beside a younger one with a low sequence."""
    world.execute(
        "insert into outbox (transaction_id, aggregate, aggregate_id, operation) values ('3', 'content', 6, 'upsert')"
    )

    assert world.divergence().is_zero


def test_the_time_zone_of_the_session_makes_no_difference(world: World) -> None:
    """Moments are compared, not texts."""
    world.execute("set timezone to 'Asia/Kolkata'")

    assert world.divergence().is_zero


@pytest.mark.slow
def test_points_that_are_no_items_at_all_are_extra(world: World) -> None:
    """Numbers beyond all items, and UUIDs; a point without notes is stale."""
    stranger = str(uuid4())
    vector = [0.25] * 16
    world.store.upsert(
        world.collection,
        [
            {"id": stranger, "vector": vector, "payload": {}},
            {"id": 2**63, "vector": vector, "payload": None},
            {"id": 40, "vector": vector, "payload": {"updated_at": 5}},
        ],
    )

    levelled = world.level()

    assert (levelled.found.first_extra, levelled.found.first_stale) == ((2**63, stranger), (40,))
    world.expect_level()


@pytest.mark.slow
def test_an_empty_collection_misses_everything(world: World) -> None:
    """The first few ids are told, and all are counted."""
    world.store.delete_points(world.collection, list(range(1, ITEMS + 1)))

    levelled = world.level()

    assert (levelled.found.missing, levelled.found.points) == (ITEMS, 0)
    assert levelled.found.first_missing == tuple(range(1, 11))
    world.expect_level()


def test_without_any_item_everything_is_extra(world: World) -> None:
    """As after a recovery to before the first import."""
    world.execute("delete from content")

    levelled = world.level()

    assert (levelled.found.extra, levelled.left.points) == (ITEMS, 0)


def test_what_is_not_level_afterwards_is_refused(world: World) -> None:
    """Whoever is to write the points again may fail to; the proof is a comparison of its own."""
    world.execute("update content set title = 'changed' where id in (3, 9)")

    with pytest.raises(FailedError) as caught:
        level(world.collection, connection=world.connection, reapply=lambda _items: None, here=world.here)

    assert caught.value.code == "DRC051"
    assert "2 stale (3, 9)" in str(caught.value.why)


@pytest.mark.slow
def test_a_killed_levelling_goes_on_where_it_was(world: World) -> None:
    """What is done already no longer differs."""
    world.execute(*(_RENAME.format("changed", number) for number in range(1, 21)))

    def die(items: Sequence[TrueItem]) -> None:
        world.reapply(items)
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        level(world.collection, connection=world.connection, reapply=die, here=world.here)
    levelled = world.level()

    assert levelled.found.stale == 16
    world.expect_level()


@pytest.mark.slow
def test_a_place_is_known_to_the_database_and_the_collection(world: World) -> None:
    """Also where the database had noted none, such as for a collection that is new to it."""
    world.execute("delete from outbox_watermarks")

    levelled = world.level()
    set_place(levelled, connection=world.connection, consumer=world.consumer, here=world.here)

    with world.connection.transaction():
        recorded = read_watermark(world.connection, consumer=world.consumer)
    assert recorded == world.watermark() == levelled.place
    assert levelled.place.sequence == ITEMS
    assert world.store.collection(world.collection).metadata["embedding"]["dimension"] == 16


@pytest.mark.slow
def test_somebody_who_follows_meanwhile_is_noticed(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """The place in the database moves only from where it was seen."""
    world.execute("update content set title = 'changed' where id = 3")
    levelled = world.level()
    monkeypatch.setattr(level_module, "read_watermark", lambda *_args, **_keywords: Watermark(1, 1))

    with pytest.raises(RefusedError) as caught:
        set_place(levelled, connection=world.connection, consumer=world.consumer, here=world.here)

    assert caught.value.code == "DRC052"
