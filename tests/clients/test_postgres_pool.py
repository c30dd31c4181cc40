"""Many requests share few connections, directly and through PgBouncer, and live through whatever the server does."""

import asyncio
import os
import signal
import statistics
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar
from uuid import uuid4

import pytest

from opsctl.clients.postgres import DatabaseAddress, connect
from opsctl.clients.postgres_pool import AsyncDatabase
from opsctl.core.clock import SystemClock
from opsctl.core.errors import NotReadyError, OpsError, UsageError
from opsctl.core.events import ignore
from opsctl.stack import pgbouncer
from opsctl.stack.down import stop_stack
from opsctl.stack.model import PartName
from opsctl.stack.up import start_stack

if TYPE_CHECKING:
    from tests.conftest import EmbeddedPostgres

pytestmark = pytest.mark.stack

Result = TypeVar("Result")
_SECRET = "s3cret-that-nobody-may-see"


@pytest.fixture(scope="module")
def pooler(embedded_postgres: "EmbeddedPostgres") -> Iterator[int]:
    """Start PgBouncer before the session's PostgreSQL and give its port."""
    if (reason := pgbouncer.missing_because()) is not None:
        pytest.skip(f"{reason}: make tools")
    clock = SystemClock()
    try:
        state = start_stack(embedded_postgres.home, listener=ignore, clock=clock, only=[PartName.POOLER])
        port = state.part(PartName.POOLER).port
        assert port is not None
        yield port
    finally:
        stop_stack(embedded_postgres.home, listener=ignore, clock=clock, only=[PartName.POOLER])


@pytest.fixture(params=["direct", "pooler"])
def address(
    request: pytest.FixtureRequest, embedded_postgres: "EmbeddedPostgres"
) -> Iterator[DatabaseAddress]:
    """Give the address of a fresh database, once straight and once through PgBouncer."""
    port = request.getfixturevalue("pooler") if request.param == "pooler" else embedded_postgres.port
    with embedded_postgres.new_database() as direct:
        yield replace(
            direct,
            url=direct.url.replace(f":{embedded_postgres.port}/", f":{port}/"),
            through_pooler=request.param == "pooler",
        )


@dataclass(slots=True, kw_only=True)
class _Observer:
    waits: list[float] = field(default_factory=list)
    uses: list[tuple[str, float]] = field(default_factory=list)
    sizes: list[tuple[int, int, int]] = field(default_factory=list)

    def waited(self, *, seconds: float) -> None:
        self.waits.append(seconds)

    def used(self, query: str, *, seconds: float) -> None:
        self.uses.append((query, seconds))

    def sized(self, *, idle: int, busy: int, waiting: int) -> None:
        self.sizes.append((idle, busy, waiting))


def _with(database: AsyncDatabase, work: Callable[[AsyncDatabase], Awaitable[Result]]) -> Result:
    async def run() -> Result:
        async with database:
            return await work(database)

    return asyncio.run(run())


async def _ask(database: AsyncDatabase, query: bytes, *, deadline_seconds: float | None = None) -> str:
    async with database.connection("ask", deadline_seconds=deadline_seconds) as connection:
        row = await (await connection.execute(query)).fetchone()
    assert row is not None
    return str(row[0])


def _server_connections(address: DatabaseAddress, embedded: "EmbeddedPostgres") -> tuple[int, int]:
    """Count the sessions in the address's database, asked from another one: those at work, and all of them."""
    name = address.url.rpartition("/")[2]
    with connect(embedded.address()) as connection:
        row = connection.execute(
            "select count(*) filter (where state = 'active'), count(*) from pg_stat_activity where datname = %s",
            [name],
        ).fetchone()
    assert row is not None
    return int(row[0]), int(row[1])


@pytest.mark.slow
def test_two_hundred_uses_at_once_share_ten_server_connections(
    address: DatabaseAddress, embedded_postgres: "EmbeddedPostgres"
) -> None:
    """Everybody is served, and never more than ten are at work; one that is let go may be seen a moment longer."""
    seen: list[tuple[int, int]] = []

    async def use(database: AsyncDatabase, number: int) -> int:
        async with database.connection("use") as connection:
            row = await (await connection.execute("select %s::int, pg_sleep(0.02)", [number])).fetchone()
        assert row is not None
        return int(row[0])

    async def work(database: AsyncDatabase) -> list[int]:
        uses = asyncio.gather(*(use(database, number) for number in range(200)))
        while not uses.done():
            seen.append(await asyncio.to_thread(_server_connections, address, embedded_postgres))
            await asyncio.sleep(0.01)
        return await uses

    answers = _with(AsyncDatabase(address, wait_seconds=20), work)

    assert answers == list(range(200))
    assert 2 <= max(at_work for at_work, _ in seen) <= 10
    assert statistics.median(sessions for _, sessions in seen) <= 10


def test_a_statement_beyond_its_time_is_given_up(address: DatabaseAddress) -> None:
    """The address's limit holds through PgBouncer too, and the connection serves the next one."""

    async def work(database: AsyncDatabase) -> str:
        with pytest.raises(NotReadyError) as caught:
            await _ask(database, b"select pg_sleep(30)")
        assert caught.value.code == "DBS005"
        return await _ask(database, b"select 1")

    limited = replace(address, statement_timeout_seconds=0.1)
    assert _with(AsyncDatabase(limited, max_connections=1), work) == "1"


def test_a_deadline_shortens_the_limit_of_one_use_only(address: DatabaseAddress) -> None:
    """Whoever gets the same connection next has the general limit again."""

    async def work(database: AsyncDatabase) -> list[str]:
        limit = b"show statement_timeout"
        with pytest.raises(NotReadyError) as caught:
            await _ask(database, b"select pg_sleep(30)", deadline_seconds=0.05)
        assert caught.value.code == "DBS005"
        # More often than psycopg takes to prepare a statement by itself.
        told = [await _ask(database, limit, deadline_seconds=5) for _ in range(7)]
        return [
            *sorted(set(told)),
            await _ask(database, limit),
            await _ask(database, limit, deadline_seconds=90),
        ]

    general = replace(address, statement_timeout_seconds=7)
    standing_still = AsyncDatabase(
        general, max_connections=1, clock=lambda: 0.0
    )  # so that no wait shortens it
    assert _with(standing_still, work) == ["5s", "7s", "7s"]


def test_no_prepared_statement_is_lost_between_server_connections(address: DatabaseAddress) -> None:
    """The same statement again and again, from several tasks at once."""

    async def work(database: AsyncDatabase) -> set[str]:
        async def repeat() -> str:
            async with database.connection("repeat") as connection:
                row = await (await connection.execute("select %s::text", ["same"])).fetchone()
            assert row is not None
            return str(row[0])

        rounds = [await asyncio.gather(*(repeat() for _ in range(20))) for _ in range(12)]
        return {answer for answers in rounds for answer in answers}

    assert _with(AsyncDatabase(address, wait_seconds=20), work) == {"same"}


def test_what_fails_is_rolled_back_and_what_succeeds_is_kept(address: DatabaseAddress) -> None:
    """Also with a deadline, where the use is one transaction."""

    async def lose(database: AsyncDatabase, number: int, deadline_seconds: float | None) -> None:
        async with (
            database.connection("lose", deadline_seconds=deadline_seconds) as connection,
            connection.transaction(),
        ):
            await connection.execute("insert into kept values (%s)", [-number])
            raise KeyError

    async def work(database: AsyncDatabase) -> str:
        async with database.connection("make") as connection:
            await connection.execute("create table kept (n int)")
        for number, deadline_seconds in ((1, None), (2, 5.0)):
            async with database.connection("keep", deadline_seconds=deadline_seconds) as connection:
                await connection.execute("insert into kept values (%s)", [number])
            with pytest.raises(KeyError):
                await lose(database, number, deadline_seconds)
        return await _ask(database, b"select array_agg(n order by n) from kept")

    assert _with(AsyncDatabase(address), work) == "[1, 2]"


def test_connections_killed_by_the_server_are_replaced(
    address: DatabaseAddress, embedded_postgres: "EmbeddedPostgres"
) -> None:
    """Every session of the database is ended while it rests; the next uses do not notice, or once at most."""
    name = address.url.rpartition("/")[2]

    async def work(database: AsyncDatabase) -> list[str]:
        await asyncio.gather(*(_ask(database, b"select pg_sleep(0.05)") for _ in range(20)))
        await asyncio.to_thread(
            embedded_postgres.execute,
            f"select pg_terminate_backend(pid) from pg_stat_activity where datname = '{name}'",  # noqa: S608 - ours
        )
        await asyncio.sleep(0.1)
        return await asyncio.gather(*(_ask(database, b"select 1") for _ in range(20)))

    assert _with(AsyncDatabase(address, wait_seconds=10), work) == ["1"] * 20


@pytest.mark.slow
def test_the_pool_lives_through_a_restart_of_its_server(open_folder: Path) -> None:
    """While the server is gone the reason is told; when it is back, so are the answers."""
    home = open_folder / f"project-{uuid4().hex[:8]}" / ".opsctl"
    clock = SystemClock()

    def up() -> DatabaseAddress:
        state = start_stack(home, listener=ignore, clock=clock, only=[PartName.POSTGRES])
        return DatabaseAddress.with_password_file(
            state.database_url, password_file=state.database_password_file
        )

    async def work(database: AsyncDatabase) -> str:
        await asyncio.gather(*(_ask(database, b"select pg_sleep(0.05)") for _ in range(5)))
        await asyncio.to_thread(stop_stack, home, listener=ignore, clock=clock)
        with pytest.raises(NotReadyError) as caught:
            await _ask(database, b"select 1")
        assert caught.value.code in {"DBS001", "DBS007"}
        with pytest.raises(NotReadyError) as told:
            await database.check()
        assert told.value.code == "DBS001"
        await asyncio.to_thread(up)
        return await _ask(database, b"select 1")

    try:
        assert _with(AsyncDatabase(up(), wait_seconds=1.5), work) == "1"
    finally:
        stop_stack(home, listener=ignore, clock=clock)


def test_nobody_waits_longer_than_allowed_for_a_connection(address: DatabaseAddress) -> None:
    """With the only connection taken, the next one is told that the pool is exhausted."""

    async def work(database: AsyncDatabase) -> NotReadyError:
        async with database.connection("hold"):
            with pytest.raises(NotReadyError) as caught:
                await _ask(database, b"select 1")
        assert await _ask(database, b"select 1") == "1"
        return caught.value

    error = _with(AsyncDatabase(address, max_connections=1, wait_seconds=0.1), work)
    assert (error.code, "1 of at most 1" in str(error.why)) == ("DBS007", True)


def test_a_use_that_is_cancelled_gives_its_connection_back(address: DatabaseAddress) -> None:
    """Its statement is cancelled in the server too, so the only connection serves the next one at once."""

    async def work(database: AsyncDatabase) -> str:
        slow = asyncio.create_task(_ask(database, b"select pg_sleep(30)"))
        await asyncio.sleep(0.2)
        slow.cancel()
        with pytest.raises(asyncio.CancelledError):
            await slow
        return await _ask(database, b"select 1")

    assert _with(AsyncDatabase(address, max_connections=1, wait_seconds=5), work) == "1"


def test_a_server_that_is_frozen_holds_nobody_beyond_the_deadline(address: DatabaseAddress) -> None:
    """Its statement timeout cannot work any more, so this side hangs up; the next use has another session."""

    async def work(database: AsyncDatabase) -> str:
        frozen: list[int] = []
        try:
            with pytest.raises(NotReadyError) as caught:
                await _freeze(database, frozen)
            assert caught.value.code == "DBS001"
            return await _ask(database, b"select 1")
        finally:
            for pid in frozen:
                os.kill(pid, signal.SIGCONT)

    assert _with(AsyncDatabase(address, wait_seconds=5), work) == "1"


async def _freeze(database: AsyncDatabase, frozen: list[int]) -> None:
    """Stop the very server process that serves this use, then ask it something."""
    async with database.connection("freeze", deadline_seconds=0.3) as connection:
        row = await (await connection.execute("select pg_backend_pid()")).fetchone()
        assert row is not None
        frozen.append(row[0])
        os.kill(row[0], signal.SIGSTOP)
        await connection.execute("select 1")


def test_without_pooling_each_use_is_a_connection_of_its_own(address: DatabaseAddress) -> None:
    """The same interface, limits included, for measuring what the pool brings."""
    observer = _Observer()

    async def work(database: AsyncDatabase) -> tuple[str, str]:
        return await _ask(database, b"show statement_timeout"), await _ask(database, b"show application_name")

    limited = replace(address, statement_timeout_seconds=3)
    told = _with(AsyncDatabase(limited, pooling=False, observer=observer), work)

    assert told == ("3s", "opsctl-service")
    assert observer.sizes == [(0, 1, 0), (0, 0, 0)] * 2


def test_the_observer_hears_waits_uses_and_sizes(address: DatabaseAddress) -> None:
    """Times come from the clock that was handed in."""
    observer = _Observer()
    ticks = iter(range(100))

    async def work(database: AsyncDatabase) -> None:
        await _ask(database, b"select 1")
        with pytest.raises(OpsError):
            await _ask(database, b"select pg_sleep(30)", deadline_seconds=0.05)

    database = AsyncDatabase(address, max_connections=1, observer=observer, clock=lambda: float(next(ticks)))
    _with(database, work)

    assert observer.waits == [1.0, 1.0]
    assert observer.uses == [("ask", 1.0), ("ask", 1.0)]
    assert (0, 1, 0) in observer.sizes
    assert observer.sizes[-1] in {(1, 0, 0), (0, 1, 0)}


def test_an_address_that_leads_nowhere_is_told_without_its_password() -> None:
    """A closed port, and an address that nobody can read."""

    async def check(url: str) -> None:
        await AsyncDatabase(DatabaseAddress(url=url, password=_SECRET)).check()

    with pytest.raises(NotReadyError) as nobody:
        asyncio.run(check("postgresql://opsctl@127.0.0.1:1/opsctl"))
    with pytest.raises(UsageError) as malformed:
        asyncio.run(check(f"postgresql://opsctl:{_SECRET}@localhost/db?nonsense={_SECRET}"))

    assert (nobody.value.code, malformed.value.code) == ("DBS001", "DBS004")
    assert _SECRET not in f"{nobody.value} {nobody.value.why} {malformed.value} {malformed.value.why}"
