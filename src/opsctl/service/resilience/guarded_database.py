"""How do feeds borrow connections to the database: through its guard, and hung up when their time is over."""

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

from opsctl.clients.postgres_pool import AsyncDatabase
from opsctl.service.resilience.guard import Guard

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from psycopg import AsyncConnection

# The server gives up first, then this side hangs up, and only then the task is called off: psycopg's own way out of
# that asks a server which may not answer.
_SERVERS_SHARE = 0.75


class GuardedDatabase:
    """A database behind its guard (`clients.postgres_pool.LendsConnections`)."""

    def __init__(self, database: AsyncDatabase, *, guard: Guard) -> None:
        self._database = database
        self._guard = guard

    @asynccontextmanager
    async def connection(self, query: str) -> "AsyncIterator[AsyncConnection[tuple[Any, ...]]]":
        """Lend a connection for what is left of the time once its turn has come; `query` names the use for metrics.

        Raises:
            DependencyError: the database is left alone, has no room, or took too long.
            NotReadyError: as `AsyncDatabase.connection`.
        """
        async with (
            self._guard.call() as seconds,
            self._database.connection(query, deadline_seconds=_SERVERS_SHARE * seconds) as connection,
        ):
            yield connection
