"""With what is the service run: its books, checked before any process starts, and where it listens."""

from opsctl.config.load import load_book
from opsctl.config.settings import Settings
from opsctl.core.errors import UsageError
from opsctl.qdrant_collections.model import DEFAULT_SOURCE, CollectionsBook, Source
from opsctl.service.book import ServiceBook
from opsctl.service.cache.policy import CacheBook
from opsctl.service.serve import ServePlan


def load_service_book(settings: Settings) -> ServiceBook:
    """Return the book of the service; its defaults where there is no file.

    Raises:
        UsageError: the book is wrong, with file, line and column.
    """
    path = settings.root / settings.project.books.service
    return load_book(path, ServiceBook) if path.exists() else ServiceBook()


def load_cache_book(settings: Settings) -> CacheBook:
    """Return the book of the caches; its defaults where there is no file.

    Raises:
        UsageError: the book is wrong, with file, line and column.
    """
    path = settings.root / settings.project.books.cache
    return load_book(path, CacheBook) if path.exists() else CacheBook()


def load_collections_book(settings: Settings) -> CollectionsBook:
    """Return the book of the collections; only a source, called `content`, where there is no file.

    Raises:
        UsageError: the book is wrong, with file, line and column.
    """
    path = settings.root / settings.project.books.collections
    if path.exists():
        return load_book(path, CollectionsBook)
    return CollectionsBook(source=Source(collection=DEFAULT_SOURCE), derived={})


def plan_service(
    settings: Settings, *, host: str | None = None, port: int | None = None, workers: int | None = None
) -> ServePlan:
    """Return how the service is to be run; all books are checked here, where a person reads the error.

    Raises:
        UsageError: a book is wrong, or SVC304 there are more workers than connections.
    """
    book = load_service_book(settings)
    load_cache_book(settings)
    load_collections_book(settings)
    chosen = settings.project.service
    count = workers if workers is not None else book.workers
    if count > book.pooled_connections:
        raise UsageError(
            f"{count} workers cannot share {book.pooled_connections} connections to the database",
            code="SVC304",
            why="each worker needs one",
            fix="raise `pooled_connections` of the service's book, or start fewer workers",
        )
    return ServePlan(
        root=settings.root,
        home=settings.home,
        host=host if host is not None else chosen.host,
        port=port if port is not None else chosen.port,
        workers=count,
    )
