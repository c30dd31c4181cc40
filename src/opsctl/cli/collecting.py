"""What do the commands of `opsctl collections` share: the book, the surroundings, and how evidence is recorded."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from opsctl.evidence.model import Evidence
    from opsctl.qdrant_collections.model import CollectionsBook
    from opsctl.qdrant_collections.options import RebuildOptions
    from opsctl.qdrant_collections.phases import Surroundings

Report = TypeVar("Report")


@dataclass(frozen=True, slots=True, kw_only=True)
class Workbench:
    """The book, what every verb works with, and the server's version."""

    book: "CollectionsBook"
    here: "Surroundings"
    server: str

    def expected(self, names: "Sequence[str]", *, counts: bool = False) -> tuple[str, ...]:
        """Return the names to work on, without those that the book lets be absent."""
        from opsctl.qdrant_collections.many import expected_names

        store, listener = self.here.store, self.here.listener
        return expected_names(self.book, names, store=store, listener=listener, counts=counts)


@contextmanager
def workbench() -> Iterator[Workbench]:
    """Open the vector database and the book, with progress on stderr."""
    from opsctl.cli import wiring
    from opsctl.qdrant_collections.checkpoint import Checkpoints
    from opsctl.qdrant_collections.phases import Surroundings
    from opsctl.ui.progress import progress

    book = read_book()
    with progress() as listener, wiring.backends(listener) as servers:
        here = Surroundings(
            store=servers.vectors(),
            checkpoints=Checkpoints(wiring.settings().home / "collections"),
            clock=wiring.clock(),
            listener=listener,
        )
        yield Workbench(book=book, here=here, server=here.store.server_version())


def read_book() -> "CollectionsBook":
    """Read the book, and show what is allowed in it but hardly meant."""
    from opsctl.cli import wiring
    from opsctl.config.load import load_book
    from opsctl.qdrant_collections.model import CollectionsBook, lint_book
    from opsctl.ui.show_error import show_findings

    current = wiring.settings()
    book = load_book(current.root / current.project.books.collections, CollectionsBook)
    show_findings(lint_book(book))
    return book


def recorded(work: Callable[[], Report], *, proof: "Callable[..., Evidence]", server: str) -> Report:
    """Do the work and add its proof to the ledger."""
    from opsctl.cli import wiring

    clock = wiring.clock()
    started_at, began = clock.now(), clock.monotonic()
    report = work()
    took = clock.monotonic() - began
    wiring.record(proof(report, started_at=started_at, duration_seconds=took, server=server))
    return report


def rebuild_options(
    *, allow_empty: bool, watch: str, max_live_p95: str | None, settle_deadline: str
) -> "RebuildOptions":
    """Return the options of a rebuild from what was typed."""
    import shutil

    from opsctl.cli import wiring
    from opsctl.qdrant_collections.options import RebuildOptions

    current = wiring.settings()
    explicit = "embedding.dimension" in current.origins
    current.home.mkdir(parents=True, exist_ok=True)
    return RebuildOptions(
        allow_empty=allow_empty,
        watch_seconds=duration(watch, option="--watch"),
        max_live_p95_seconds=None
        if max_live_p95 is None
        else duration(max_live_p95, option="--max-live-p95"),
        settle_deadline_seconds=duration(settle_deadline, option="--settle-deadline"),
        expected_dimension=current.project.embedding.dimension if explicit else None,
        free_bytes=shutil.disk_usage(current.home).free if current.project.qdrant.url is None else None,
    )


def duration(text: str, *, option: str) -> float:
    """Return the seconds that an option names."""
    from opsctl.core.errors import UsageError
    from opsctl.core.units import parse_duration

    try:
        return parse_duration(text)
    except ValueError as error:
        raise UsageError(str(error), code="COL029", fix=f"correct {option}") from error
