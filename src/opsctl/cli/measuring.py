"""What do measuring commands work with: the book, the database, the queries and the instruments, wired together."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from opsctl.core.errors import NotReadyError
from opsctl.core.events import Listener

if TYPE_CHECKING:
    from opsctl.bench.model import Target
    from opsctl.clients.qdrant import QdrantStore
    from opsctl.qdrant_collections.model import CollectionsBook
    from opsctl.vectors.measure import Instruments
    from opsctl.vectors.queries import QuerySet
    from opsctl.vectors.scratch import ScratchCopies
    from opsctl.vectors.store_view import StoreView


@dataclass(frozen=True, slots=True, kw_only=True)
class Bed:
    """The measuring bed of one command."""

    book: "CollectionsBook"
    store: "QdrantStore"
    view: "StoreView"
    instruments: "Instruments"

    def target(self, name: str) -> "Target":
        """Return a derived collection of the book as something to measure.

        Raises:
            NotReadyError: BEN009 when it has not been built yet.
        """
        from opsctl.bench.model import Target

        derived = self.book.derived[name]
        if name not in self.store.aliases() and name not in self.store.collections():
            raise NotReadyError(
                f"derived collection `{name}` has not been built yet",
                code="BEN009",
                fix=f"opsctl collections rebuild {name}",
            )
        return Target(
            name=name,
            source=self.book.source.collection,
            derived=name,
            filter=derived.filter,
            recall_budget=derived.budgets.recall,
            p95_budget_seconds=derived.budgets.p95_seconds,
        )

    def names(self, wanted: "list[str] | None", *, counts: bool = False) -> tuple[str, ...]:
        """Return the derived collections to measure, without those that the book lets be absent."""
        from opsctl.qdrant_collections.many import expected_names

        listener = self.instruments.listener
        return expected_names(self.book, wanted or [], store=self.store, listener=listener, counts=counts)

    def queries(self, *, count: int, seed: int, log: Path | None) -> "QuerySet":
        """Return the queries of a run: from a log, else sampled from the source."""
        from opsctl.vectors.queries import queries_of_log, read_query_log, sample_queries

        source = self.book.source.collection
        if log is None:
            return sample_queries(self.view, source, count=count, seed=seed)
        return queries_of_log(
            read_query_log(log), path=log, dimension=self.view.dimension(source), embed=_embed, count=count
        )

    @contextmanager
    def unindexed_copy(self, *, wanted: bool) -> "Iterator[str | None]":
        """Give the name of a copy of the source without payload indexes; it is gone after the block."""
        from opsctl.vectors.scratch import CopyPlan

        if not wanted:
            yield None
            return
        with self.scratch("opsctl_bench__") as copies:
            yield copies.make(CopyPlan(name="unindexed", source=self.book.source.collection)).collection

    @contextmanager
    def scratch(self, prefix: str) -> "Iterator[ScratchCopies]":
        """Give a maker of scratch copies; a lock keeps two commands from removing each other's."""
        from opsctl.cli import wiring
        from opsctl.clients.file_locks import FileLock
        from opsctl.vectors.scratch import ScratchCopies

        lock = wiring.settings().home / "locks" / f"{prefix.strip('_')}.lock"
        clock, listener = self.instruments.clock, self.instruments.listener
        with (
            FileLock(lock, what="measuring with scratch collections"),
            ScratchCopies(self.store, prefix=prefix, clock=clock, listener=listener) as copies,
        ):
            yield copies

    def machine(self) -> dict[str, str]:
        """Return the fingerprint of this machine and of the database's version."""
        from opsctl.bench.fingerprint import machine

        return machine(engine=self.store.server_version())


@contextmanager
def measuring(listener: Listener) -> Iterator[Bed]:
    """Give a measuring bed on the servers of this project; they are closed and returned at the end."""
    from opsctl.cli import wiring
    from opsctl.config.load import load_book
    from opsctl.qdrant_collections.model import CollectionsBook
    from opsctl.vectors.host import SystemHost
    from opsctl.vectors.measure import Instruments
    from opsctl.vectors.searcher import QdrantSearcher
    from opsctl.vectors.store_view import StoreView

    settings = wiring.settings()
    book = load_book(settings.root / settings.project.books.collections, CollectionsBook)
    with wiring.backends(listener) as servers:
        store = servers.vectors()
        view = StoreView(store, using=book.source.vector)
        instruments = Instruments(
            searcher=QdrantSearcher(store, using=book.source.vector),
            states=view,
            clock=wiring.clock(),
            host=SystemHost(),
            listener=listener,
        )
        yield Bed(book=book, store=store, view=view, instruments=instruments)


def _embed(texts: list[str]) -> list[list[float]]:
    """Embed the texts of a query log with the model of the settings."""
    from opsctl.cli.filling import embedder

    rows: list[list[float]] = embedder().embed(texts).tolist()
    return rows
