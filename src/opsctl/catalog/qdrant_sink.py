"""How does the source collection live in Qdrant: made with its indexes and notes, then filled in bulk."""

from collections.abc import Callable, Sequence
from typing import Any

from opsctl.catalog.sink import CollectionNeeds, SinkState, VectorPoint
from opsctl.clients.qdrant import QdrantStore
from opsctl.clients.qdrant_values import CollectionState, Point
from opsctl.core.clock import Clock
from opsctl.core.errors import FailedError
from opsctl.store.outbox import Watermark
from opsctl.vectors.rest import wait_for_rest

_INDEX_DEADLINE_SECONDS = 1800.0


class QdrantSink:
    """Keeps source collections on a Qdrant server, cluster, Cloud or the embedded vector node.

    The metadata of a collection holds `embedding` (model and dimension) and `watermark`; a server older than
    1.16 has no metadata and drops them, then only the watermark in the database counts.
    """

    def __init__(self, store: QdrantStore, *, clock: Clock) -> None:
        self._store = store
        self._clock = clock

    def state(self, name: str) -> SinkState | None:
        """Return what the collection notes about itself; None when there is no such collection."""
        seen = self._seen(name)
        if seen is None:
            return None
        embedding, watermark = seen.metadata.get("embedding"), seen.metadata.get("watermark")
        return SinkState(
            dimension=int(seen.vectors.get("", {}).get("size", 0)),
            points=seen.points_count,
            model_id=embedding.get("model") if isinstance(embedding, dict) else None,
            watermark=Watermark.parse(watermark) if isinstance(watermark, str) else None,
        )

    def ensure_collection(self, name: str, needs: CollectionNeeds) -> None:
        """Make the collection with its payload indexes where it is missing; half-made ones are completed."""
        seen = self._seen(name)
        if seen is None:
            parameters = {
                "vectors": {"size": needs.dimension, "distance": "Cosine"},
                "metadata": {"embedding": _embedding(needs)},
            }
            self._store.create_collection(name, parameters)
        indexed = seen.payload_schema if seen is not None else {}
        for field, kind in needs.payload_indexes.items():
            if field not in indexed:
                self._store.create_payload_index(name, field=field, schema=kind)

    def drop(self, name: str) -> None:
        """Remove the collection with all its points."""
        self._store.delete_collection(name)

    def upsert(self, name: str, points: Sequence[VectorPoint]) -> None:
        """Write points; after the return they are durable."""
        self._store.upsert(name, [self._point(point) for point in points], wait=True)

    def delete(self, name: str, ids: Sequence[int]) -> None:
        """Remove the points that are there; after the return they are gone for good."""
        self._store.delete_points(name, list(ids), wait=True)

    def note_watermark(self, name: str, watermark: Watermark, *, needs: CollectionNeeds) -> None:
        """Note in the collection how far it follows the outbox."""
        metadata = {"embedding": _embedding(needs), "watermark": str(watermark)}
        self._store.update_collection(name, {"metadata": metadata})

    def wait_until_indexed(self, name: str, *, on_look: Callable[[int], None]) -> None:
        """Return when the collection was idle at two looks in a row; `on_look` hears how many vectors are indexed.

        Raises:
            FailedError: OUT006 when its optimizer failed or half an hour has passed.
        """
        rest = wait_for_rest(
            name,
            store=self._store,
            clock=self._clock,
            seconds=_INDEX_DEADLINE_SECONDS,
            on_look=lambda state: on_look(state.indexed_vectors_count),
        )
        if not rest.is_reached:
            raise _not_indexed(rest.state)

    def _seen(self, name: str) -> CollectionState | None:
        is_there = name in self._store.collections() or name in self._store.aliases()
        return self._store.collection(name) if is_there else None

    def _point(self, point: VectorPoint) -> Point:
        # The JSON writer takes the array as it is; models for gRPC want a list.
        vector: Any = point.vector.tolist() if self._store.place.prefer_grpc else point.vector
        return {"id": point.id, "vector": vector, "payload": dict(point.payload)}


def _embedding(needs: CollectionNeeds) -> dict[str, Any]:
    return {"model": needs.model_id, "dimension": needs.dimension}


def _not_indexed(state: CollectionState) -> FailedError:
    return FailedError(
        f"`{state.name}` did not get its index done",
        code="OUT006",
        why=f"status {state.status}, optimizer {state.optimizer_status}, {state.indexed_vectors_count} of "
        f"{state.points_count} indexed",
        fix="look at the server's log; all points are written, `opsctl catalog sync` waits again",
    )
