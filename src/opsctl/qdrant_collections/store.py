"""What does building a derived collection need of a vector database: the seam that a fake can fill."""

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from opsctl.clients.qdrant_values import (
    AliasAction,
    Filter,
    Found,
    Parcel,
    Point,
    PointId,
    Query,
)
from opsctl.vectors.store_view import ReadableStore


class VectorStore(ReadableStore, Protocol):
    """The operations of Qdrant that the nine steps use; `QdrantStore` and the fake of the tests have them."""

    def server_version(self) -> str:
        """Return the server's version."""
        ...

    def collections(self) -> tuple[str, ...]:
        """Return the names of all collections."""
        ...

    def create_collection(self, name: str, parameters: Mapping[str, Any]) -> None:
        """Make a collection."""
        ...

    def update_collection(self, name: str, change: Mapping[str, Any]) -> None:
        """Change parameters or notes of a collection."""
        ...

    def delete_collection(self, name: str) -> None:
        """Delete a collection."""
        ...

    def create_payload_index(self, name: str, *, field: str, schema: str | Mapping[str, Any]) -> None:
        """Index a payload field."""
        ...

    def fetch(self, name: str, *, limit: int, offset: PointId | None, filter: Filter) -> Parcel:  # noqa: A002
        """Return the next whole points for another collection, opened or sealed."""
        ...

    def deliver(self, name: str, parcel: Parcel, *, wait: bool) -> None:
        """Write the points of a parcel."""
        ...

    def sample(
        self,
        name: str,
        *,
        limit: int,
        filter: Filter | None = None,  # noqa: A002 - Qdrant's own word
        with_vectors: bool = False,
        with_payload: bool = False,
    ) -> list[Point]:
        """Return points chosen by chance."""
        ...

    def upsert(self, name: str, points: list[Point], *, wait: bool = True) -> None:
        """Write points."""
        ...

    def delete_points(self, name: str, ids: Sequence[PointId], *, wait: bool = True) -> None:
        """Delete points."""
        ...

    def change_aliases(self, actions: Sequence[AliasAction]) -> None:
        """Apply alias actions as one change."""
        ...

    def query(self, name: str, query: Query) -> Found:
        """Search."""
        ...
