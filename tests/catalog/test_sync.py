"""The vectors follow the truth: every change, also after a crash, and never from two sides at once."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

import numpy as np
import psycopg
import pytest
from qdrant_client import QdrantClient
from tests.running_node import RunningNode

from opsctl.catalog import sync as sync_module
from opsctl.catalog.generate import generate_items
from opsctl.catalog.item_points import PAYLOAD_INDEXES
from opsctl.catalog.qdrant_sink import QdrantSink
from opsctl.catalog.sink import CollectionNeeds, VectorPoint
from opsctl.catalog.sync import SyncReport, Truth, consumer_of, sync_vectors
from opsctl.clients.postgres import DatabaseAddress, connect
from opsctl.clients.qdrant import QdrantStore
from opsctl.clients.qdrant_values import QdrantPlace
from opsctl.core.clock import SystemClock
from opsctl.core.errors import RefusedError
from opsctl.core.events import ignore
from opsctl.embeddings.hashing import HashingEmbedder
from opsctl.store.content import upsert_items
from opsctl.store.locks import held_lock
from opsctl.store.outbox import Watermark, read_watermark

pytestmark = pytest.mark.stack

Connection = psycopg.Connection[Any]

ITEMS = 40


@dataclass(frozen=True, kw_only=True)
class Bench:
    """A filled database, a vector node and a collection name of its own."""

    truth: Truth
    store: QdrantStore
    sink: QdrantSink
    collection: str

    def sync(
        self,
        *,
        sink: QdrantSink | None = None,
        dimension: int = 16,
        seed: int = 0,
        from_scratch: bool = False,
    ) -> SyncReport:
        """Synchronise."""
        return sync_vectors(
            self.truth,
            sink=sink or self.sink,
            embedder=HashingEmbedder(dimension=dimension, seed=seed),
            collection=self.collection,
            listener=ignore,
            from_scratch=from_scratch,
        )

    def execute(self, statement: str) -> None:
        """Change the truth."""
        self.truth.work.execute(statement.encode())
        self.truth.work.commit()

    def titles(self) -> dict[Any, str]:
        """Return what the collection holds."""
        page = self.store.scroll(self.collection, limit=1000)
        return {point["id"]: point["payload"]["title"] for point in page.points}

    def true_titles(self) -> dict[Any, str]:
        """Return what it should hold."""
        rows = self.truth.work.execute("select id, title from content where status = 'published'").fetchall()
        self.truth.work.commit()
        return dict(rows)

    def watermark(self) -> Watermark:
        """Return how far the database says that the collection follows."""
        place = read_watermark(self.truth.work, consumer=consumer_of(self.collection))
        self.truth.work.commit()
        return place


@pytest.fixture
def bench(
    database: DatabaseAddress, vector_node: RunningNode, qdrant: QdrantClient, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Bench]:
    """Fill a database with forty items; batches are small, so that there are several."""
    monkeypatch.setattr(sync_module, "_CHANGES_IN_A_BATCH", 10)
    monkeypatch.setattr(sync_module, "_BATCHES_BETWEEN_NOTES", 2)
    with (
        connect(database) as work,
        connect(database) as lock,
        QdrantStore(QdrantPlace(url=vector_node.url)) as store,
    ):
        upsert_items(work, list(generate_items(ITEMS, seed=1)), source="generated_1")
        work.commit()
        yield Bench(
            truth=Truth(work=work, lock=lock),
            store=store,
            sink=QdrantSink(store, clock=SystemClock()),
            collection=f"content_{uuid4().hex[:8]}",
        )


@pytest.mark.slow
def test_the_first_synchronisation_makes_the_collection(bench: Bench) -> None:
    """Points, payload indexes, and the embedding and watermark in its metadata."""
    report = bench.sync()

    state = bench.store.collection(bench.collection)
    assert (report.was_created, report.changes, report.upserted, report.points) == (True, ITEMS, ITEMS, ITEMS)
    assert bench.titles() == bench.true_titles()
    assert {field: schema["data_type"] for field, schema in state.payload_schema.items()} == PAYLOAD_INDEXES
    assert state.metadata["embedding"] == {"model": "hashing-v1-d16-s0", "dimension": 16}
    assert state.metadata["watermark"] == str(bench.watermark()) == report.watermark


@pytest.mark.slow
def test_a_point_holds_the_row_and_the_vector_of_its_text(bench: Bench) -> None:
    """What derived collections filter by, and the vector that the embedder makes."""
    bench.sync()
    row = bench.truth.work.execute(
        "select id, region, district, category, quality::float8, price_usd::float8, tags, vendor_id, title, description"
        " from content order by id limit 1"
    ).fetchone()
    assert row is not None

    (point,) = bench.store.retrieve(bench.collection, [row[0]], with_vectors=True)

    payload = dict(point["payload"])
    assert isinstance(payload.pop("sequence"), int)
    assert payload.pop("updated_at").startswith("20")
    names = ("region", "district", "category", "quality", "price_usd", "tags", "vendor_id", "title")
    assert payload == dict(zip(names, row[1:9], strict=True))
    expected = HashingEmbedder(dimension=16).embed([f"{row[8]}\n{row[9]}"])[0]
    np.testing.assert_allclose(point["vector"], expected, atol=1e-5)


@pytest.mark.slow
def test_later_changes_follow(bench: Bench) -> None:
    """An update, a delete, an archived and a new item; of many changes to one item the last one wins."""
    bench.sync()
    bench.execute("delete from content where id = 1")
    bench.execute("update content set status = 'archived' where id = 2")
    for _ in range(15):
        bench.execute("update content set title = title || '!' where id = 3")
    bench.execute(
        "insert into content (vendor_id, title, region, category, quality) values (1, 'new', 'AU', 'venue', 1)"
    )

    report = bench.sync()

    assert (report.changes, report.was_created) == (18, False)
    assert bench.titles() == bench.true_titles()
    assert bench.titles()[3].endswith("!" * 15)


@pytest.mark.slow
def test_nothing_to_follow_changes_nothing(bench: Bench) -> None:
    """A second synchronisation reads nothing and leaves the watermark."""
    first = bench.sync()

    second = bench.sync()

    assert (second.changes, second.upserted, second.deleted) == (0, 0, 0)
    assert second.watermark == first.watermark


class _Dying(QdrantSink):
    """Writes one batch and then dies, before the watermark can move."""

    def upsert(self, name: str, points: Sequence[VectorPoint]) -> None:
        super().upsert(name, points)
        if self._store.count(name) > 10:
            raise KeyboardInterrupt


@pytest.mark.slow
def test_a_crash_between_points_and_watermark_repeats_the_batch_only(bench: Bench) -> None:
    """At least once, and the same in the end."""
    with pytest.raises(KeyboardInterrupt):
        bench.sync(sink=_Dying(bench.store, clock=SystemClock()))
    held, at = len(bench.titles()), bench.watermark()

    report = bench.sync()

    assert (held, at.sequence) == (20, 10)
    assert (report.changes, report.was_created) == (30, False)
    assert bench.titles() == bench.true_titles()


@pytest.mark.slow
def test_two_synchronisations_at_once_are_refused(
    bench: Bench, database: DatabaseAddress, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The second one is told, and has written nothing."""
    monkeypatch.setattr("opsctl.catalog.sync._PATIENCE_SECONDS", 0.2)
    with (
        connect(database) as other,
        held_lock(other, name=consumer_of(bench.collection), refusal=RefusedError("x", code="X")),
        pytest.raises(RefusedError) as caught,
    ):
        bench.sync()

    assert caught.value.code == "OUT001"
    assert bench.collection not in bench.store.collections()


@pytest.mark.slow
def test_a_watermark_that_somebody_else_moved_stops_the_synchronisation(bench: Bench) -> None:
    """Where the lock failed, the compare-and-set still holds."""
    bench.sync()
    bench.execute("update content set title = title || '!' where id < 15")
    moved = bench

    class Meddling(QdrantSink):
        def upsert(self, name: str, points: Sequence[VectorPoint]) -> None:
            super().upsert(name, points)
            moved.execute("update outbox_watermarks set last_sequence = last_sequence + 1")

    with pytest.raises(RefusedError) as caught:
        bench.sync(sink=Meddling(bench.store, clock=SystemClock()))

    assert caught.value.code == "OUT001"


@pytest.mark.slow
@pytest.mark.parametrize(("dimension", "seed"), [(16, 5), (8, 0)], ids=["seed", "dimension"])
def test_another_embedding_is_refused_until_the_collection_is_built_anew(
    bench: Bench, dimension: int, seed: int
) -> None:
    """Vectors of two models never mix; --from-scratch is the way out."""
    bench.sync()
    before = bench.titles()

    with pytest.raises(RefusedError) as caught:
        bench.sync(dimension=dimension, seed=seed)
    kept = bench.titles()
    report = bench.sync(dimension=dimension, seed=seed, from_scratch=True)

    assert (caught.value.code, kept) == ("OUT002", before)
    assert "--from-scratch" in str(caught.value.fix)
    assert (report.was_created, report.changes) == (True, ITEMS)
    assert bench.titles() == bench.true_titles()


@pytest.mark.slow
def test_a_collection_of_another_length_without_notes_is_refused(bench: Bench) -> None:
    """Such as one on a server that keeps no metadata."""
    bench.store.create_collection(bench.collection, {"vectors": {"size": 4, "distance": "Cosine"}})

    with pytest.raises(RefusedError) as caught:
        bench.sync()

    assert caught.value.code == "OUT003"


def test_a_collection_of_somebody_else_is_left_alone(bench: Bench) -> None:
    """Points that were never synchronised from here are not overwritten."""
    bench.store.create_collection(bench.collection, {"vectors": {"size": 16, "distance": "Cosine"}})
    theirs = {"id": 1, "vector": [0.25] * 16, "payload": {"title": "theirs"}}
    bench.store.upsert(bench.collection, [theirs])

    with pytest.raises(RefusedError) as caught:
        bench.sync()

    assert (caught.value.code, bench.titles()) == ("OUT004", {1: "theirs"})


@pytest.mark.slow
def test_a_collection_ahead_of_the_database_is_refused(bench: Bench) -> None:
    """It follows another database, and would keep points that this one does not know."""
    bench.sync()
    bench.execute("delete from outbox_watermarks")

    with pytest.raises(RefusedError) as caught:
        bench.sync()

    assert caught.value.code == "OUT005"


@pytest.mark.slow
def test_a_lost_collection_is_made_again_from_the_beginning(bench: Bench) -> None:
    """The watermark in the database alone is not believed."""
    bench.sync()
    bench.store.delete_collection(bench.collection)

    report = bench.sync()

    assert (report.was_created, report.changes) == (True, ITEMS)
    assert bench.titles() == bench.true_titles()


@pytest.mark.slow
def test_a_collection_from_an_older_snapshot_catches_up(bench: Bench) -> None:
    """Its own watermark says from where."""
    bench.sync()
    middle = Watermark(bench.watermark().transaction_id, 25)
    needs = CollectionNeeds(dimension=16, model_id="hashing-v1-d16-s0")
    bench.sink.note_watermark(bench.collection, middle, needs=needs)
    lost = [row_id for row_id in bench.true_titles() if row_id > 25]
    bench.store.delete_points(bench.collection, lost)

    report = bench.sync()

    assert report.changes == 15
    assert bench.titles() == bench.true_titles()


@pytest.mark.slow
def test_indexes_that_a_crash_left_out_are_added(bench: Bench) -> None:
    """A half-made collection is completed."""
    parameters = {
        "vectors": {"size": 16, "distance": "Cosine"},
        "metadata": {"embedding": {"model": "hashing-v1-d16-s0", "dimension": 16}},
    }
    bench.store.create_collection(bench.collection, parameters)
    bench.store.create_payload_index(bench.collection, field="region", schema="keyword")

    bench.sync()

    assert set(bench.store.collection(bench.collection).payload_schema) == set(PAYLOAD_INDEXES)
