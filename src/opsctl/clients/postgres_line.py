"""What can be done with one open line to PostgreSQL: limit its time, hang it up, hear whether it is still good."""

import asyncio
import os
import select
import socket
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from psycopg import AsyncConnection

# Beyond a deadline, so that the server's own answer comes first where it still can: this part of it, within bounds.
_GRACE_SHARE = 0.2
_LONGEST_GRACE_SECONDS = 0.25


@contextmanager
def hanging_up(
    connection: "AsyncConnection[tuple[Any, ...]]", *, deadline_seconds: float | None
) -> Iterator[None]:
    """Close the line a moment after the deadline: a statement timeout needs a server that still runs.

    Without this a server that is frozen, or behind a network that drops everything, holds its callers for ever;
    psycopg's own way out of a cancelled task waits for that server too, up to ten seconds.
    """
    if deadline_seconds is None:
        yield
        return
    loop = asyncio.get_running_loop()
    grace_seconds = min(_LONGEST_GRACE_SECONDS, _GRACE_SHARE * deadline_seconds)
    timer = loop.call_later(deadline_seconds + grace_seconds, _shut_down, connection)
    try:
        yield
    finally:
        timer.cancel()


def _shut_down(connection: "AsyncConnection[tuple[Any, ...]]") -> None:
    """End the conversation but leave the descriptor to libpq, which then finds the line closed."""
    if connection.closed:
        return
    with socket.socket(fileno=os.dup(connection.fileno())) as line, suppress(OSError):
        line.shutdown(socket.SHUT_RDWR)


async def begin_with_limit(connection: "AsyncConnection[tuple[Any, ...]]", *, seconds: float) -> None:
    """Begin a transaction whose statements have this limit: both in one message, so in one round trip.

    Not by start-up options, which PgBouncer and Supavisor refuse or ignore, and not by a plain `set`, which would
    stay on a server connection that the next transaction of somebody else gets.
    """
    milliseconds = max(1, round(seconds * 1000))
    limit = f"begin; set local statement_timeout = {milliseconds}"
    await connection.execute(limit.encode(), prepare=False)  # two statements in one cannot be prepared


def has_news(connection: "AsyncConnection[tuple[Any, ...]]") -> bool:
    """Tell whether the server has sent something, or hung up, while the connection rested."""
    if connection.closed:
        return True
    poll = select.poll()
    poll.register(connection.fileno(), select.POLLIN | select.POLLHUP | select.POLLERR)
    return bool(poll.poll(0))
