"""What the tests of vectors share: collections on the running vector node, and a vault in a folder."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

import numpy as np

from opsctl.clients.qdrant import QdrantStore
from opsctl.clients.qdrant_snapshots import QdrantSnapshots
from opsctl.clients.qdrant_values import Point, PointId
from opsctl.clients.repository_folder import FolderRepository
from opsctl.clients.sealing import Sealing
from opsctl.core.clock import SystemClock
from opsctl.core.events import Event
from opsctl.dr.manifest import VectorSnapshot
from opsctl.dr.vault import Vault
from opsctl.dr.vectors.fitting import Terms
from opsctl.dr.vectors.ports import Returning, Taking
from opsctl.dr.vectors.put_back import PutBack, put_back

SIZE = 8
MODEL = "hashing-v1-d8-s0"
TERMS = Terms(embedding_model=MODEL, dimension=SIZE)


@dataclass
class Scene:
    """A node, a store on it, a vault; `lsns` are the places of the WAL that are told one after another."""

    store: QdrantStore
    node: QdrantSnapshots
    repository: FolderRepository
    events: list[Event] = field(default_factory=list)
    lsn: int = 0

    @property
    def vault(self) -> Vault:
        """Where snapshots are kept."""
        return Vault(self.repository, Sealing())

    @property
    def kept(self) -> list[str]:
        """The keys of what is kept."""
        return [each.key for each in self.repository.list()]

    @property
    def taking(self) -> Taking:
        """What taking works with."""
        return Taking(
            store=self.store,
            vault=self.vault,
            read_lsn=self.next_lsn,
            clock=SystemClock(),
            listener=self.events.append,
        )

    @property
    def returning(self) -> Returning:
        """What putting back works with."""
        return Returning(store=self.store, clock=SystemClock(), listener=self.events.append)

    def next_lsn(self) -> str:
        """Return a place in the WAL that is after all those told before."""
        self.lsn += 1
        return f"0/{self.lsn:X}"

    def make(self, name: str, points: Sequence[Point] | None = None, **parameters: Any) -> None:
        """Make a collection with a payload index, the notes of a source collection, and points."""
        metadata = {"embedding": {"model": MODEL, "dimension": SIZE}, "watermark": "812:60"}
        vectors = {"size": SIZE, "distance": "Cosine"}
        self.store.create_collection(name, {"vectors": vectors, "metadata": metadata} | parameters)
        self.store.create_payload_index(name, field="region", schema="keyword")
        self.store.upsert(name, list(points or some_points(60)))

    def put_back(self, snapshot: VectorSnapshot, terms: Terms = TERMS) -> PutBack:
        """Put a collection back from the vault."""
        pieces = self.vault.get(snapshot.snapshot)
        return put_back(snapshot, pieces=pieces, node=self.node, here=self.returning, terms=terms)

    def put_back_after_loss(self, snapshot: VectorSnapshot, terms: Terms = TERMS) -> PutBack:
        """Lose the collection, then put it back."""
        self.store.delete_collection(snapshot.collection)
        return self.put_back(snapshot, terms)

    def content_of(self, snapshot: VectorSnapshot) -> bytes:
        """Return a snapshot from the vault."""
        return b"".join(self.vault.get(snapshot.snapshot))

    def vectors(self, name: str, ids: Sequence[PointId]) -> list[Any]:
        """Return the vectors of points."""
        return [point["vector"] for point in self.store.retrieve(name, ids, with_vectors=True)]


def some_points(count: int, *, seed: int = 0) -> list[Point]:
    """Return points with numbers as ids, the last five with UUIDs."""
    draw = np.random.default_rng(seed)
    ids = [*range(1, count - 4), *(str(UUID(int=number << 96)) for number in range(5, 0, -1))]
    return [
        {
            "id": point_id,
            "vector": draw.normal(size=SIZE).astype(np.float32).tolist(),
            "payload": {"region": ["AU", "NZ"][number % 2], "title": f"item {point_id}"},
        }
        for number, point_id in enumerate(ids)
    ]
