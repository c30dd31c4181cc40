"""How do vectors come into a site: put back from a snapshot, built from the truth, or written item by item."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    import psycopg

    from opsctl.clients.qdrant import QdrantStore
    from opsctl.clients.qdrant_values import QdrantPlace
    from opsctl.core.events import Listener
    from opsctl.dr.manifest import VectorSnapshot
    from opsctl.dr.vault import Vault
    from opsctl.dr.vectors.ports import Returning
    from opsctl.dr.vectors.truth import TrueItem


def put_back_snapshot(
    snapshot: "VectorSnapshot", *, vault: "Vault", place: "QdrantPlace", here: "Returning"
) -> None:
    """Put a collection back; of the source its model and dimension must be those of this project."""
    from opsctl.cli import filling
    from opsctl.clients.qdrant_snapshots import QdrantSnapshots
    from opsctl.dr.vectors.fitting import Terms
    from opsctl.dr.vectors.put_back import put_back

    embedder = filling.embedder()
    is_source = snapshot.collection == filling.source_collection()
    terms = Terms(
        embedding_model=embedder.model_id if is_source else None,
        dimension=embedder.dimension if is_source else None,
    )
    with QdrantSnapshots(place) as node:
        put_back(snapshot, pieces=vault.get(snapshot.snapshot), node=node, here=here, terms=terms)


def build_source(
    store: "QdrantStore", *, connect: "Callable[[], psycopg.Connection[Any]]", listener: "Listener"
) -> dict[str, str | int | float]:
    """Build the source collection from the truth alone, and return figures of it."""
    from opsctl.catalog.qdrant_sink import QdrantSink
    from opsctl.catalog.sync import Truth, sync_vectors
    from opsctl.cli import filling, wiring

    report = sync_vectors(
        Truth(work=connect(), lock=connect()),
        sink=QdrantSink(store, clock=wiring.clock()),
        embedder=filling.embedder(),
        collection=filling.source_collection(),
        listener=listener,
        from_scratch=True,
    )
    return {"collections": 1, "points": report.points, "built from": "the truth"}


def write_true_items(
    items: "Sequence[TrueItem]",
    *,
    connection: "psycopg.Connection[Any]",
    store: "QdrantStore",
    as_seen_in: str | None,
) -> None:
    """Write items as the database has them; as whoever exported a snapshot of it sees them, where there is one."""
    from psycopg import IsolationLevel

    from opsctl.catalog.qdrant_sink import QdrantSink
    from opsctl.catalog.sync import write_items
    from opsctl.cli import filling, wiring

    if as_seen_in is not None:
        # What is newer is followed afterwards.
        connection.isolation_level = IsolationLevel.REPEATABLE_READ
        connection.execute(f"set transaction snapshot '{as_seen_in}'".encode())
    write_items(
        connection,
        {item.id: item.sequence for item in items},
        sink=QdrantSink(store, clock=wiring.clock()),
        embedder=filling.embedder(),
        collection=filling.source_collection(),
    )
