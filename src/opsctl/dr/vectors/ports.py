"""What do backup and restore of vectors need: a vector database and its single nodes."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from opsctl.clients.qdrant_snapshot_values import ClusterView, Engine, NodeSnapshot
from opsctl.clients.qdrant_values import (
    AliasAction,
    Found,
    PointId,
    Query,
)
from opsctl.core.clock import Clock
from opsctl.core.events import Listener, ignore
from opsctl.dr.ports import FileVault
from opsctl.vectors.store_view import ReadableStore as Readable

ReadLsn = Callable[[], str | None]
"""Tells where PostgreSQL's write-ahead log is now; None where nobody may know, as on some hosted servers."""


class ReadableStore(Readable, Protocol):
    """The reading part of `clients.qdrant.QdrantStore`."""

    def collections(self) -> tuple[str, ...]:
        """Return the names of all collections."""
        ...

    def query(self, name: str, query: Query) -> Found:
        """Search."""
        ...


class VectorStore(ReadableStore, Protocol):
    """The parts of `clients.qdrant.QdrantStore` that a restore uses."""

    def update_collection(self, name: str, change: Mapping[str, Any]) -> None:
        """Change parameters or notes of a collection."""
        ...

    def delete_collection(self, name: str) -> None:
        """Delete a collection."""
        ...

    def create_payload_index(self, name: str, *, field: str, schema: str | Mapping[str, Any]) -> None:
        """Index a payload field."""
        ...

    def delete_points(self, name: str, ids: Sequence[PointId], *, wait: bool = True) -> None:
        """Delete points."""
        ...

    def change_aliases(self, actions: Sequence[AliasAction]) -> None:
        """Apply alias actions as one change."""
        ...


class SnapshotNode(Protocol):
    """One node; `clients.qdrant_snapshots.QdrantSnapshots` has all this, and tells of the errors."""

    @property
    def name(self) -> str:
        """Return its id in the cluster, or its host and port."""
        ...

    def engine(self) -> Engine:
        """Return what it runs."""
        ...

    def cluster(self) -> ClusterView:
        """Return the cluster that it belongs to."""
        ...

    def create(self, collection: str) -> NodeSnapshot:
        """Make a snapshot."""
        ...

    def list(self, collection: str) -> tuple[NodeSnapshot, ...]:
        """Return the snapshots of a collection that lie there."""
        ...

    def download(self, collection: str, snapshot: NodeSnapshot) -> Iterator[bytes]:
        """Yield a snapshot; it has been checked when there is no more."""
        ...

    def upload(self, collection: str, pieces: Iterable[bytes], *, size_bytes: int, sha256: str) -> None:
        """Put the collection back to a snapshot."""
        ...

    def delete(self, collection: str, name: str) -> None:
        """Remove a snapshot; one that is not there is no error."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Taking:
    """What taking a backup of vectors works with."""

    store: ReadableStore
    vault: FileVault
    read_lsn: ReadLsn
    clock: Clock
    listener: Listener = ignore


@dataclass(frozen=True, slots=True, kw_only=True)
class Returning:
    """What putting vectors back works with."""

    store: VectorStore
    clock: Clock
    listener: Listener = ignore
