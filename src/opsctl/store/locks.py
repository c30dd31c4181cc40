"""How do two processes on different machines keep out of each other's way: a named lock in the database."""

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import psycopg

    from opsctl.core.errors import OpsError


@contextmanager
def held_lock(connection: "psycopg.Connection[Any]", *, name: str, refusal: "OpsError") -> Iterator[None]:
    """Hold a lock for the time of the block, or raise `refusal` at once when somebody else does.

    The lock belongs to a transaction that stays open on a connection of its own, not to the session: so it also
    works through a transaction pooler, and the server frees it when the process is killed. That transaction
    writes nothing, so it holds back neither vacuum nor the readers of the outbox.
    """
    key = int.from_bytes(hashlib.sha256(f"opsctl {name}".encode()).digest()[:8], signed=True)
    with connection.transaction():
        row = connection.execute("select pg_try_advisory_xact_lock(%s)", [key]).fetchone()
        if row is None or not row[0]:
            raise refusal
        yield
