"""How do two processes on different machines keep out of each other's way: a named lock in the database."""

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import psycopg

    from opsctl.core.errors import OpsError


@contextmanager
def held_lock(
    connection: "psycopg.Connection[Any]", *, name: str, refusal: "OpsError", patience_seconds: float = 0.0
) -> Iterator[None]:
    """Hold a lock for the time of the block, or raise `refusal` when somebody else still does after that time.

    The lock belongs to a transaction that stays open on a connection of its own, not to the session: so it also
    works through a transaction pooler, and the server frees it when the process is killed. That transaction
    writes nothing, so it holds back neither vacuum nor the readers of the outbox.
    """
    with connection.transaction():
        if not _got(connection, key_of(name), patience_seconds=patience_seconds):
            raise refusal
        yield


def key_of(name: str) -> int:
    """Return the number under which PostgreSQL knows a lock."""
    return int.from_bytes(hashlib.sha256(f"opsctl {name}".encode()).digest()[:8], signed=True)


def _got(connection: "psycopg.Connection[Any]", key: int, *, patience_seconds: float) -> bool:
    import psycopg

    if patience_seconds <= 0:
        row = connection.execute("select pg_try_advisory_xact_lock(%s)", [key]).fetchone()
        return row is not None and bool(row[0])
    try:
        milliseconds = max(1, round(patience_seconds * 1000))
        connection.execute("select set_config('lock_timeout', %s, true)", [f"{milliseconds}ms"])
        connection.execute("select pg_advisory_xact_lock(%s)", [key])
    except psycopg.errors.LockNotAvailable:
        return False
    return True
