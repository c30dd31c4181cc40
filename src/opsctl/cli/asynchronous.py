"""How does a command use a repository that is asynchronous because the service shares it?"""

from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from typing import Any

    import psycopg

    from opsctl.cli.backends import Backends

Result = TypeVar("Result")


def on_database(
    servers: "Backends",
    work: "Callable[[psycopg.AsyncConnection[Any]], Awaitable[Result]]",
    *,
    changes_nothing: bool = False,
) -> Result:
    """Do the work on one connection to the database, its tables up to date, or as they are where nothing may be changed."""
    import asyncio

    from opsctl.clients.postgres_pool import AsyncDatabase

    if not changes_nothing:
        servers.database().close()  # brings the tables up to date

    async def run() -> Result:
        database = AsyncDatabase(servers.database_address(), pooling=False)
        async with database.connection("command") as connection:
            return await work(connection)

    return asyncio.run(run())
