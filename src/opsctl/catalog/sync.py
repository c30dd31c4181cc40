"""How do the vectors follow the truth: the outbox read to its end, every change applied at least once?"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from opsctl.catalog.batches import told_phase
from opsctl.catalog.item_points import PAYLOAD_INDEXES, embedded_text, index_payload, payload_of
from opsctl.catalog.sink import CollectionNeeds, VectorPoint, VectorSink
from opsctl.catalog.sync_start import place_to_start
from opsctl.core.errors import RefusedError
from opsctl.core.events import Listener
from opsctl.store.content import ContentRow, published_rows
from opsctl.store.locks import held_lock
from opsctl.store.outbox import Change, Watermark, move_watermark, read_changes, read_lag

if TYPE_CHECKING:
    import psycopg

    from opsctl.embeddings.model import Embedder

_CHANGES_IN_A_BATCH = 1000
# The watermark in PostgreSQL moves with every batch; the copy in the collection costs a call of its own.
_BATCHES_BETWEEN_NOTES = 10
# A running service follows in batches of a moment each; a synchronisation waits for the one in hand. The first one of
# a service that has just been started makes the collection, and took more than two seconds on a busy machine.
_PATIENCE_SECONDS = 15.0


@dataclass(frozen=True, slots=True, kw_only=True)
class SyncReport:
    """What a synchronisation did."""

    collection: str
    model_id: str
    dimension: int
    changes: int
    upserted: int
    deleted: int
    points: int
    watermark: str
    was_created: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Truth:
    """The database, seen by two connections: one for the work, one that holds the lock meanwhile."""

    work: "psycopg.Connection[Any]"
    lock: "psycopg.Connection[Any]"


def consumer_of(collection: str) -> str:
    """Return the name under which a collection stands among the consumers of the outbox."""
    return f"vectors:{collection}"


def sync_vectors(
    truth: Truth,
    *,
    sink: VectorSink,
    embedder: "Embedder",
    collection: str,
    listener: Listener,
    from_scratch: bool = False,
) -> SyncReport:
    """Apply every change of the content to the collection, made if it is missing, and wait until it is indexed.

    A change is applied before the watermark moves past it, so a killed synchronisation repeats the last batch,
    which changes nothing. What is applied is the row as it is now: of many changes to an item the last one wins.

    Raises:
        RefusedError: OUT001 when another synchronisation runs, OUT002 to OUT005 when the collection does not fit.
    """
    needs = _needs(embedder)
    name = consumer_of(collection)
    with held_lock(truth.lock, name=name, refusal=_busy(collection), patience_seconds=_PATIENCE_SECONDS):
        if from_scratch:
            sink.drop(collection)
        was_created = sink.state(collection) is None
        start = place_to_start(truth.work, sink=sink, collection=collection, consumer=name, needs=needs)
        sink.ensure_collection(collection, needs)
        run = _Run(truth.work, sink=sink, embedder=embedder, collection=collection, needs=needs, place=start)
        run.follow(listener)
        index_payload(sink, collection, listener=listener)
    state = sink.state(collection)
    return SyncReport(
        collection=collection,
        model_id=needs.model_id,
        dimension=needs.dimension,
        changes=run.changes,
        upserted=run.upserted,
        deleted=run.deleted,
        points=state.points if state else 0,
        watermark=str(run.place),
        was_created=was_created,
    )


def apply_changes(
    truth: Truth, *, sink: VectorSink, embedder: "Embedder", collection: str, limit: int
) -> int:
    """Apply at most so many changes, wait for no index, and return how many: one step of a process that follows.

    Raises:
        RefusedError: as `sync_vectors`, OUT001 at once.
    """
    needs, name = _needs(embedder), consumer_of(collection)
    with held_lock(truth.lock, name=name, refusal=_busy(collection)):
        start = place_to_start(truth.work, sink=sink, collection=collection, consumer=name, needs=needs)
        sink.ensure_collection(collection, needs)
        run = _Run(truth.work, sink=sink, embedder=embedder, collection=collection, needs=needs, place=start)
        return run.step(limit=limit)


def _needs(embedder: "Embedder") -> CollectionNeeds:
    return CollectionNeeds(
        dimension=embedder.dimension, model_id=embedder.model_id, payload_indexes=PAYLOAD_INDEXES
    )


def write_items(
    connection: "psycopg.Connection[Any]",
    sequences: Mapping[int, int | None],
    *,
    sink: VectorSink,
    embedder: "Embedder",
    collection: str,
) -> None:
    """Write items as they are now, each with the sequence of its newest change; those that are not published go.

    Args:
        connection: to the database.
        sequences: of the newest change, by item; None where the outbox holds none of it.
        sink: the vector database.
        embedder: makes the vectors.
        collection: the source collection.
    """
    with connection.transaction():
        rows = list(published_rows(connection, list(sequences)))
    _write(rows, sequences, sink=sink, embedder=embedder, collection=collection)


def _write(
    rows: Sequence[ContentRow],
    sequences: Mapping[int, int | None],
    *,
    sink: VectorSink,
    embedder: "Embedder",
    collection: str,
) -> tuple[int, int]:
    """Write points of these rows, delete those of the other items, and return how many of each."""
    gone = sorted(sequences.keys() - {row.id for row in rows})
    if rows:
        vectors = embedder.embed([embedded_text(row.title, row.description) for row in rows])
        points = [
            VectorPoint(id=row.id, vector=vector, payload=payload_of(row, sequence=sequences[row.id]))
            for row, vector in zip(rows, vectors, strict=True)
        ]
        sink.upsert(collection, points)
    if gone:
        sink.delete(collection, gone)
    return len(rows), len(gone)


class _Run:
    """One walk along the outbox; holds the place and the counts."""

    def __init__(
        self,
        connection: "psycopg.Connection[Any]",
        *,
        sink: VectorSink,
        embedder: "Embedder",
        collection: str,
        needs: CollectionNeeds,
        place: Watermark,
    ) -> None:
        self._connection = connection
        self._sink = sink
        self._embedder = embedder
        self._collection = collection
        self._needs = needs
        self.place = place
        self.changes = self.upserted = self.deleted = 0

    def follow(self, listener: Listener) -> None:
        """Apply batches until the outbox has nothing more to read."""
        with self._connection.transaction():
            total = read_lag(self._connection, after=self.place).changes
        batches = 0
        with told_phase(
            listener, subject=self._collection, phase="sync", total=total, unit="changes"
        ) as advance:
            while changes := self._apply_next(limit=_CHANGES_IN_A_BATCH):
                batches += 1
                if batches % _BATCHES_BETWEEN_NOTES == 0:
                    self._note()
                advance(len(changes))
            self._note()

    def step(self, *, limit: int) -> int:
        """Apply one batch, note it in the collection, and return its length."""
        applied = len(self._apply_next(limit=limit))
        if applied:
            self._note()
        return applied

    def _apply_next(self, *, limit: int) -> Sequence[Change]:
        with self._connection.transaction():
            changes = read_changes(self._connection, after=self.place, limit=limit)
            # Of several changes to one item the last one gives the sequence; the row itself is the current one.
            latest = {change.content_id: change.place.sequence for change in changes}
            rows = list(published_rows(self._connection, list(latest))) if latest else []
        if not changes:
            return changes
        self._write(rows, latest)
        self._move(changes[-1].place)
        self.changes += len(changes)
        return changes

    def _write(self, rows: Sequence[ContentRow], latest: dict[int, int]) -> None:
        upserted, deleted = _write(
            rows, latest, sink=self._sink, embedder=self._embedder, collection=self._collection
        )
        self.upserted += upserted
        self.deleted += deleted

    def _move(self, to: Watermark) -> None:
        consumer = consumer_of(self._collection)
        with self._connection.transaction():
            moved = move_watermark(self._connection, consumer=consumer, expected=self.place, to=to)
        if not moved:
            raise _busy(self._collection)
        self.place = to

    def _note(self) -> None:
        self._sink.note_watermark(self._collection, self.place, needs=self._needs)


def _busy(collection: str) -> RefusedError:
    return RefusedError(
        f"another synchronisation of `{collection}` is running",
        code="OUT001",
        why="two at once would overtake each other",
        fix="wait for it, then run `opsctl catalog sync`",
    )
