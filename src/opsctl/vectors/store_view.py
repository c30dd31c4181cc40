"""What does measuring need to see of a vector database: the state of a side, its ids and its vectors."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Protocol

from opsctl.clients.qdrant_values import CollectionState, Filter, Page, Point, PointId
from opsctl.evidence.model import digest_of
from opsctl.vectors.state import SideState

_PAGE = 10_000  # ids only: about 200 KB of JSON a page
_VECTORS_AT_ONCE = 500


class PagedStore(Protocol):
    """What copies and measurements alike read of `clients.qdrant.QdrantStore`: a collection, page by page."""

    def collection(self, name: str) -> CollectionState:
        """Return what a collection says about itself."""
        ...

    def scroll(
        self,
        name: str,
        *,
        limit: int,
        offset: PointId | None = None,
        filter: Filter | None = None,  # noqa: A002 - Qdrant's own word
        with_payload: bool = True,
        with_vectors: bool = False,
    ) -> Page:
        """Return the next points in the order of ids."""
        ...


class ReadableStore(PagedStore, Protocol):
    """The reading part of `clients.qdrant.QdrantStore`."""

    def aliases(self) -> dict[str, str]:
        """Return every alias with its collection."""
        ...

    def count(self, name: str, *, filter: Filter | None = None) -> int:  # noqa: A002 - Qdrant's own word
        """Return the exact number of points."""
        ...

    def retrieve(self, name: str, ids: Sequence[PointId], *, with_vectors: bool = False) -> list[Point]:
        """Return the points with these ids."""
        ...


class StoreView:
    """Reads states and vectors from a store; `using` names the vector where a collection has several."""

    def __init__(self, store: ReadableStore, *, using: str | None = None) -> None:
        self._store = store
        self._using = using

    def state(self, collection: str) -> SideState:
        """Return the state of a collection or of the collection behind an alias."""
        name = self._store.aliases().get(collection, collection)
        seen = self._store.collection(name)
        return SideState(
            collection=name,
            status=seen.status,
            is_idle=seen.optimizer_status == "ok" and seen.pending_updates == 0,
            points=self._store.count(name),
            config_digest=config_digest(seen),
        )

    def dimension(self, collection: str) -> int:
        """Return the length of the collection's vectors."""
        return int(self._store.collection(collection).vectors[self._using or ""]["size"])

    def point_ids(self, collection: str) -> Iterator[PointId]:
        """Yield the id of every point."""
        offset: PointId | None = None
        while True:
            page = self._store.scroll(collection, limit=_PAGE, offset=offset, with_payload=False)
            yield from (point["id"] for point in page.points)
            offset = page.next_offset
            if offset is None:
                return

    def vectors(self, collection: str, ids: Sequence[PointId]) -> list[Sequence[float]]:
        """Return the vectors of these points; points that have gone are left out."""
        found: list[Sequence[float]] = []
        for start in range(0, len(ids), _VECTORS_AT_ONCE):
            chosen = ids[start : start + _VECTORS_AT_ONCE]
            points = self._store.retrieve(collection, chosen, with_vectors=True)
            found += [self._vector_of(point) for point in points]
        return found

    def _vector_of(self, point: Point) -> Sequence[float]:
        vector: Any = point["vector"]
        chosen: Sequence[float] = vector[self._using or ""] if isinstance(vector, Mapping) else vector
        return chosen


def config_digest(state: CollectionState) -> str:
    """Return the SHA-256 of what decides speed: parameters and payload indexes, not counts or notes."""
    config = {key: value for key, value in state.config.items() if key != "metadata"}
    indexes = {
        name: {key: value for key, value in schema.items() if key != "points"}
        for name, schema in state.payload_schema.items()
    }
    return digest_of({"config": config, "indexes": indexes})
