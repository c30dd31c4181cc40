"""How does a changed item get its vector within seconds: one batch of the outbox embedded and written, in a thread."""

from opsctl.catalog.qdrant_sink import QdrantSink
from opsctl.catalog.sync import Truth, apply_changes
from opsctl.clients.postgres import DatabaseAddress, connect
from opsctl.clients.qdrant import QdrantStore
from opsctl.clients.qdrant_values import QdrantPlace
from opsctl.core.clock import SystemClock
from opsctl.embeddings.model import Embedder

# An embedder that computes holds up the event loop of its process; 100 texts are some 20 ms of it.
_BATCH = 100


class VectorWriter:
    """Applies the next changes under the same lock and watermark as `opsctl catalog sync`, so the two never fight.

    Connections are opened for the batch and closed after it: changes are rare, and a service keeps few connections.
    """

    def __init__(
        self, *, database: DatabaseAddress, vectors: QdrantPlace, embedder: Embedder, collection: str
    ) -> None:
        self._database = database
        self._vectors = vectors
        self._embedder = embedder
        self._collection = collection

    def __call__(self) -> int:
        """Apply a batch and return how many changes it had.

        Raises:
            RefusedError: OUT001 when another process is at it, OUT002 to OUT005 when the collection does not fit.
            OpsError: database or vectors are not there.
        """
        with (
            connect(self._database, application_name="opsctl-service-vectors") as work,
            connect(self._database, application_name="opsctl-service-vectors") as lock,
            QdrantStore(self._vectors) as store,
        ):
            return apply_changes(
                Truth(work=work, lock=lock),
                sink=QdrantSink(store, clock=SystemClock()),
                embedder=self._embedder,
                collection=self._collection,
                limit=_BATCH,
            )
