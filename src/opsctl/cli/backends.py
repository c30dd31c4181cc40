"""Which servers does a command talk to: those of the settings, else the embedded stack, started when it is down."""

import os
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING, Any

from opsctl.core.events import Listener

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

    def vectors_place(self) -> "QdrantPlace":
        """Return where the vector database is."""
        from opsctl.clients.qdrant_values import QdrantPlace

        chosen = self._settings.project.qdrant
        if chosen.url is None:
            return QdrantPlace(url=self._embedded().vectors_url, timeout_seconds=chosen.timeout_seconds)
        return QdrantPlace(
            url=chosen.url,
            api_key=self._secret("OPSCTL_QDRANT_API_KEY", chosen.api_key_file),
            prefer_grpc=chosen.prefer_grpc,
            grpc_port=chosen.grpc_port,
            timeout_seconds=chosen.timeout_seconds,
        )

    def vectors(self) -> "QdrantStore":
        """Return an open client of the vector database; it is closed with the command."""
        from opsctl.clients.qdrant import QdrantStore

        return self._exit_stack.enter_context(QdrantStore(self.vectors_place()))

    def database_address(self) -> "DatabaseAddress":
        """Return where the relational database is."""
        from opsctl.clients.postgres import DatabaseAddress

        chosen = self._settings.project.database
        if chosen.url is None:
            stack = self._embedded()
            return DatabaseAddress.with_password_file(
                stack.database_url,
                password_file=stack.database_password_file,
                statement_timeout_seconds=chosen.statement_timeout_seconds,
            )
        return DatabaseAddress(
            url=chosen.url,
            password=self._secret("OPSCTL_DATABASE_PASSWORD", chosen.password_file),
            statement_timeout_seconds=chosen.statement_timeout_seconds,
        )

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

    def _secret(self, variable: str, file: str | None) -> str | None:
        from opsctl.config.settings import secret

        return secret(variable=variable, file=file, root=self._settings.root, environment=os.environ)


@contextmanager
def backends(settings: "Settings", *, listener: Listener) -> Iterator[Backends]:
    """Give the servers of a command, and close and return everything when it ends."""
    with ExitStack() as exit_stack:
        yield Backends(settings, listener=listener, exit_stack=exit_stack)
