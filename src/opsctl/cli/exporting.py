"""With what does the exporter work: database, vectors and ledger of the project, never started for its sake."""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from opsctl.cli.ledger_health import WatchedLedger

if TYPE_CHECKING:
    from opsctl.clients.qdrant import QdrantStore
    from opsctl.exporters.family import Family, Value
    from opsctl.stack.places import Places

_STATEMENT_SECONDS = 20.0
_COUNTING_SECONDS = 60.0  # of the units of one experiment: a second for each million exposures

_LEDGER = WatchedLedger()


def families(names: Sequence[str]) -> "tuple[Family, ...]":
    """Return the families of these names, all without any."""
    from opsctl.exporters.family import Family

    known = (
        Family(name="business", every_seconds=60, read=_business),
        Family(name="embeddings", every_seconds=300, read=_embeddings),
        Family(name="evidence", every_seconds=15, read=_evidence),
        Family(name="recovery", every_seconds=15, read=_recovery),
        Family(name="experiments", every_seconds=120, read=_experiments),
        Family(name="costs", every_seconds=60, read=_costs_reader()),
    )
    return tuple(family for family in known if not names or family.name in names)


def _places() -> "Places":
    from opsctl.cli import wiring
    from opsctl.stack.places import Places as StackPlaces
    from opsctl.stack.status import stack_status

    settings = wiring.settings()
    return StackPlaces(settings, embedded=lambda: stack_status(settings.home))


def _business() -> "Sequence[Value]":
    from dataclasses import replace

    from opsctl.cli import wiring
    from opsctl.clients.postgres import connect, translated_errors
    from opsctl.exporters.business import business_values
    from opsctl.store.business import read_business

    address = replace(_places().database(), statement_timeout_seconds=_STATEMENT_SECONDS)
    with translated_errors(address), connect(address, application_name="opsctl exporter") as connection:
        return business_values(read_business(connection, now=wiring.clock().now()))


def _embeddings() -> "Sequence[Value]":
    from opsctl.cli import wiring
    from opsctl.clients.qdrant import QdrantStore
    from opsctl.exporters.embeddings import embedding_values
    from opsctl.service.plan import load_collections_book
    from opsctl.vectors.searcher import QdrantSearcher

    book = load_collections_book(wiring.settings())
    with QdrantStore(_places().vectors()) as store:
        there = {*store.collections(), *store.aliases()}
        wanted = {name: name for name in (book.source.collection, *book.derived) if name in there}
        if book.source.collection not in there:
            return ()
        return embedding_values(
            _SourceSamples(store, collection=book.source.collection),
            searcher=QdrantSearcher(store, using=book.source.vector),
            collections=wanted,
        )


def _evidence() -> "Sequence[Value]":
    from opsctl.exporters.evidence import evidence_values

    return evidence_values(_LEDGER.records())


def _recovery() -> "Sequence[Value]":
    from opsctl.cli import dr_place
    from opsctl.core.units import parse_duration
    from opsctl.exporters.recovery import Archiving, recovery_values

    book, status = dr_place.book(), dr_place.archiver_status()
    return recovery_values(
        _LEDGER.records(),
        backup_every_seconds=parse_duration(book.schedule.backup_every),
        rpo_seconds=parse_duration(book.objectives.rpo),
        rto_seconds=parse_duration(book.objectives.rto),
        archiving=Archiving(shipped_at=status.shipped_at.timestamp(), waiting_bytes=status.waiting_bytes)
        if status is not None
        else None,
    )


def _experiments() -> "Sequence[Value]":
    from dataclasses import replace

    from opsctl.cli import experiments_exporting, wiring
    from opsctl.clients.postgres import connect, translated_errors
    from opsctl.exporters.experiments import experiment_values

    records = _LEDGER.records(kind="experiments")
    address = replace(_places().database(), statement_timeout_seconds=_COUNTING_SECONDS)
    with translated_errors(address), connect(address, application_name="opsctl exporter") as connection:
        running = experiments_exporting.running(connection, looks=records, now=wiring.clock().now())
    return experiment_values(running, records)


def _costs_reader() -> "Callable[[], Sequence[Value]]":
    from opsctl.cli.costs_exporting import CostsReader

    return CostsReader().read


class _SourceSamples:
    """Draws items of the source collection (`exporters.embeddings.Samples`)."""

    def __init__(self, store: "QdrantStore", *, collection: str) -> None:
        self._store = store
        self._collection = collection

    def draw(self, count: int) -> Sequence[tuple[Sequence[float], str]]:
        """Return so many items at most, chosen by chance."""
        points = self._store.sample(self._collection, limit=count, with_vectors=True, with_payload=True)
        return [(point["vector"], str((point.get("payload") or {}).get("category", ""))) for point in points]
