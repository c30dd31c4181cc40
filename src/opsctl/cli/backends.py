"""Which servers does a command talk to: those of the settings, else the embedded stack, started when it is down."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING, Any

from opsctl.core.events import Listener
from opsctl.stack.places import Places

if TYPE_CHECKING:
    import psycopg

    from opsctl.clients.postgres import DatabaseAddress
    from opsctl.clients.qdrant import QdrantStore
    from opsctl.clients.qdrant_values import QdrantPlace
    from opsctl.config.settings import Settings
    from opsctl.stack.model import StackState


class Backends:
    """The servers of one command; the embedded stack is borrowed once, and only when something needs it."""

    def __init__(self, settings: "Settings", *, listener: Listener, exit_stack: ExitStack) -> None:
        self._settings = settings
        self._listener = listener
        self._exit_stack = exit_stack
        self._stack: StackState | None = None
        self._places = Places(settings, embedded=self._embedded)

    def vectors_place(self) -> "QdrantPlace":
        """Return where the vector database is."""
        return self._places.vectors()

    def vectors(self) -> "QdrantStore":
        """Return an open client of the vector database; it is closed with the command."""
        from opsctl.clients.qdrant import QdrantStore

        return self._exit_stack.enter_context(QdrantStore(self.vectors_place()))

    def database_address(self) -> "DatabaseAddress":
        """Return where the relational database is."""
        return self._places.database()

    def database(self) -> "psycopg.Connection[Any]":
        """Return a connection to the relational database, its migrations applied; closed with the command."""
        from opsctl.clients.postgres import connect
        from opsctl.store.migrate import apply_migrations

        connection = self._exit_stack.enter_context(connect(self.database_address()))
        apply_migrations(connection, listener=self._listener)
        return connection

    def _embedded(self) -> "StackState":
        from opsctl.core.clock import SystemClock
        from opsctl.stack.borrow import borrowed_stack

        if self._stack is None:
            borrowed = borrowed_stack(self._settings.home, listener=self._listener, clock=SystemClock())
            self._stack = self._exit_stack.enter_context(borrowed)
        return self._stack


@contextmanager
def backends(settings: "Settings", *, listener: Listener) -> Iterator[Backends]:
    """Give the servers of a command, and close and return everything when it ends."""
    with ExitStack() as exit_stack:
        yield Backends(settings, listener=listener, exit_stack=exit_stack)
