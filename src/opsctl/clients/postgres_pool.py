"""How a server shares few connections to PostgreSQL among many requests: an async pool that measures itself."""

import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self
from weakref import WeakKeyDictionary

from opsctl.clients.pool_ports import PoolFigures, PoolObserver
from opsctl.clients.postgres import DatabaseAddress, connection_arguments, malformed, translated_errors
from opsctl.clients.postgres_line import begin_with_limit, hanging_up, has_news
from opsctl.core.errors import NotReadyError

if TYPE_CHECKING:
    from psycopg import AsyncConnection
    from psycopg_pool import AsyncConnectionPool

_APPLICATION_NAME = "opsctl-service"
MIN_CONNECTIONS = 2
MAX_CONNECTIONS = 10
IDLE_SECONDS = 30.0
WAIT_SECONDS = 2.0
# After an outage a request tries anew at once instead of after a pause that doubles for minutes.
_RECONNECT_SECONDS = 5.0
# A connection that rested for longer is asked whether it still works, one round trip; a shorter rest is trusted
# unless something arrived meanwhile, which on a resting connection is the server's farewell.
_TRUSTED_REST_SECONDS = 5.0
# A server takes a limit of 0 ms for none at all.
_SHORTEST_SECONDS = 0.005


class AsyncDatabase:
    """Connections of one event loop to one database: pooled, or opened for each use.

    Connections are in autocommit: a single statement is one round trip. Several statements that belong together
    stand in `async with connection.transaction():`. The server gives a statement up after the address's time
    limit; through a transaction pooler that limit travels with each use, at its beginning, in one round trip.

    Args:
        address: where the database is.
        max_connections: most connections at once; two are kept open, or one where that is the most.
        wait_seconds: longest wait for a free connection.
        pooling: False opens a connection for each use, for measuring what the pool brings.
        observer: hears waits, uses and sizes.
        clock: seconds for the observer.
    """

    def __init__(
        self,
        address: DatabaseAddress,
        *,
        max_connections: int = MAX_CONNECTIONS,
        wait_seconds: float = WAIT_SECONDS,
        pooling: bool = True,
        observer: PoolObserver | None = None,
        clock: Callable[[], float] = time.perf_counter,
    ) -> None:
        self.address = address
        self.max_connections = max_connections
        self._wait_seconds = wait_seconds
        self._pooling = pooling
        self._observer = observer
        self._clock = clock
        self._pool: AsyncConnectionPool[AsyncConnection[tuple[Any, ...]]] | None = None
        self._returned_at: WeakKeyDictionary[AsyncConnection[tuple[Any, ...]], float] = WeakKeyDictionary()
        self._busy_unpooled = 0

    async def __aenter__(self) -> Self:
        await self.open()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self.close()

    async def open(self) -> None:
        """Begin to connect, without waiting: a server may start before its database."""
        from psycopg_pool import AsyncConnectionPool

        if not self._pooling or self._pool is not None:
            return
        self._pool = AsyncConnectionPool(
            self.address.url,
            kwargs=self._arguments(),
            min_size=min(MIN_CONNECTIONS, self.max_connections),
            max_size=self.max_connections,
            max_idle=IDLE_SECONDS,
            timeout=self._wait_seconds,
            reconnect_timeout=_RECONNECT_SECONDS,
            check=self._check,
            open=False,
        )
        await self._pool.open()

    async def close(self) -> None:
        """Close every connection; those in use are closed when they come back."""
        if self._pool is not None:
            pool, self._pool = self._pool, None
            await pool.close()

    async def check(self) -> None:
        """Run a trivial statement on a connection of its own, so that the reason is told and not a wait.

        Raises:
            NotReadyError: DBS001 nobody answers, DBS002 password refused, DBS003 no such database.
            UsageError: DBS004 the address itself is malformed.
        """
        with translated_errors(self.address):
            async with self._opened() as connection:
                await connection.execute("select 1")

    @asynccontextmanager
    async def connection(
        self, query: str, *, deadline_seconds: float | None = None
    ) -> "AsyncIterator[AsyncConnection[tuple[Any, ...]]]":
        """Lend a connection; `query` names the use for metrics.

        With a deadline, counted from now, the use is one transaction: the server gives each statement of it up after
        what is left once a connection is there, and where the server itself is stuck, so that it cannot, this side
        hangs up a moment later.

        Raises:
            NotReadyError: DBS001 connection lost, DBS005 statement timeout, DBS006 disk full, DBS007 none was free,
                DBS008 lost against another transaction.
        """
        with translated_errors(self.address):
            began = self._clock()
            async with self._lent() as connection:
                waited_seconds = self._clock() - began
                self._tell_waited(waited_seconds)
                if deadline_seconds is not None:
                    deadline_seconds = max(_SHORTEST_SECONDS, deadline_seconds - waited_seconds)
                began = self._clock()
                try:
                    with hanging_up(connection, deadline_seconds=deadline_seconds):
                        limit_seconds = self._limit_seconds(deadline_seconds)
                        if limit_seconds is not None:
                            await begin_with_limit(connection, seconds=limit_seconds)
                        yield connection
                        if limit_seconds is not None:
                            await connection.commit()
                finally:
                    self._returned_at[connection] = time.monotonic()
                    self._tell_used(query, self._clock() - began)
            self._tell_sized()

    @property
    def figures(self) -> PoolFigures:
        """Return the connections there are now."""
        if self._pool is None:
            return PoolFigures(idle=0, busy=self._busy_unpooled, waiting=0)
        stats = self._pool.get_stats()
        idle = stats.get("pool_available", 0)
        busy = max(0, stats.get("pool_size", 0) - idle)
        return PoolFigures(idle=idle, busy=busy, waiting=stats.get("requests_waiting", 0))

    @asynccontextmanager
    async def _lent(self) -> "AsyncIterator[AsyncConnection[tuple[Any, ...]]]":
        if not self._pooling:
            async with self._opened() as opened:
                yield opened
            return
        if self._pool is None:
            raise RuntimeError("the database is not open: `async with AsyncDatabase(...)`")
        from psycopg_pool import PoolTimeout, TooManyRequests

        try:
            connection = await self._pool.getconn()
        except (PoolTimeout, TooManyRequests) as error:
            raise self._exhausted() from error
        try:
            async with connection:
                yield connection
        finally:
            await self._pool.putconn(connection)

    @asynccontextmanager
    async def _opened(self) -> "AsyncIterator[AsyncConnection[tuple[Any, ...]]]":
        import psycopg

        try:
            connection = await psycopg.AsyncConnection.connect(self.address.url, **self._arguments())
        except psycopg.ProgrammingError:
            # The library's text repeats the address, and with it a password that somebody put there.
            raise malformed(self.address) from None
        self._busy_unpooled += 1
        try:
            async with connection:
                yield connection
        finally:
            self._busy_unpooled -= 1

    def _arguments(self) -> dict[str, Any]:
        arguments = connection_arguments(self.address, application_name=_APPLICATION_NAME)
        return {**arguments, "autocommit": True}

    def _limit_seconds(self, deadline_seconds: float | None) -> float | None:
        """Return the limit that this use has to set itself; None where the session has it already."""
        general = self.address.statement_timeout_seconds
        if deadline_seconds is not None:
            return min(deadline_seconds, general) if general is not None else deadline_seconds
        return general if self.address.through_pooler else None

    async def _check(self, connection: "AsyncConnection[tuple[Any, ...]]") -> None:
        """Refuse a connection that broke while it rested, and have the other resting ones looked at too."""
        import psycopg

        rested_seconds = time.monotonic() - self._returned_at.pop(connection, float("-inf"))
        if rested_seconds < _TRUSTED_REST_SECONDS and not has_news(connection):
            return
        try:
            await connection.execute("")
        except psycopg.Error:
            if self._pool is not None:
                await self._pool.check()
            raise

    def _exhausted(self) -> NotReadyError:
        figures = self.figures
        return NotReadyError(
            f"no free connection to `{self.address.shown}` within {self._wait_seconds:g} s",
            code="DBS007",
            why=f"{figures.busy} of at most {self.max_connections} connections are in use and {figures.waiting} "
            "requests wait, or the server went away",
            fix="run `opsctl stack status`, or allow more by `pooled_connections` in the service's book",
        )

    def _tell_waited(self, seconds: float) -> None:
        if self._observer is not None:
            self._observer.waited(seconds=seconds)
            self._tell_sized()

    def _tell_used(self, query: str, seconds: float) -> None:
        if self._observer is not None:
            self._observer.used(query, seconds=seconds)

    def _tell_sized(self) -> None:
        if self._observer is not None:
            figures = self.figures
            self._observer.sized(idle=figures.idle, busy=figures.busy, waiting=figures.waiting)
