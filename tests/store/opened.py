"""Run async work on a real connection from a plain test."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

import psycopg

from opsctl.clients.postgres import DatabaseAddress
from opsctl.clients.postgres_pool import AsyncDatabase

Result = TypeVar("Result")
AnyConnection = psycopg.AsyncConnection[Any]


def on(address: DatabaseAddress, work: Callable[[AnyConnection], Awaitable[Result]]) -> Result:
    """Do the work on one connection, as a request does it."""

    async def run() -> Result:
        async with (
            AsyncDatabase(address, max_connections=1) as database,
            database.connection("test") as opened,
        ):
            return await work(opened)

    return asyncio.run(run())


def with_pool(address: DatabaseAddress, work: Callable[[AsyncDatabase], Awaitable[Result]]) -> Result:
    """Do the work on a pool of ten."""

    async def run() -> Result:
        async with AsyncDatabase(address, wait_seconds=10) as database:
            return await work(database)

    return asyncio.run(run())
