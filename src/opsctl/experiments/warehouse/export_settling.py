"""Up to which id are the rows of a table final: ids are given out before their transactions end, in any order."""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from opsctl.core.errors import NotReadyError

if TYPE_CHECKING:
    import psycopg

_WRITERS = """
select virtualtransaction, min(pid) from pg_locks
where locktype = 'relation' and granted and mode = 'RowExclusiveLock'
    and database = (select oid from pg_database where datname = current_database())
    and relation = any(%(tables)s::regclass[]::oid[])
group by virtualtransaction
"""
_LAST_ID = """
select greatest(max(id), coalesce(pg_sequence_last_value(pg_get_serial_sequence('{0}', 'id')::regclass), 0)) from {0}
"""
"""Of the sequence, too: the newest rows may have been removed."""
_PAUSE_SECONDS = 0.05


@dataclass(frozen=True, slots=True, kw_only=True)
class Settled:
    """Where an export may end.

    Args:
        at: what was written by then is at or below the ids.
        last_ids: of each table, the id at and below which nothing appears any more.
    """

    at: datetime
    last_ids: Mapping[str, int]


def settle(
    connection: "psycopg.Connection[tuple[Any, ...]]",
    tables: Sequence[str],
    *,
    seconds: float,
    pause: Callable[[float], None] = time.sleep,
) -> Settled:
    """Wait for the transactions that write now, read the last ids, and wait for those that wrote then.

    A writer holds its lock on the table from before it draws an id until its transaction ends. So nobody has to stop
    writing, and transactions that have nothing to do with these tables are not waited for.

    Raises:
        NotReadyError: EXP070 one of them does not end, EXP073 a replica does not know who writes.
    """
    deadline = time.monotonic() + seconds
    at, is_replica = _one(connection, "select clock_timestamp(), pg_is_in_recovery()")
    if is_replica:
        raise NotReadyError(
            "an export needs the database that is written to, and this is a replica",
            code="EXP073",
            why="a replica does not know which transactions are open",
            fix="name the primary in `database.url`",
        )
    _outwait(connection, tables, deadline=deadline, pause=pause)
    last_ids = {table: _one(connection, _LAST_ID.format(table))[0] for table in tables}
    _outwait(connection, tables, deadline=deadline, pause=pause)
    return Settled(at=at, last_ids=last_ids)


def _outwait(
    connection: "psycopg.Connection[tuple[Any, ...]]",
    tables: Sequence[str],
    *,
    deadline: float,
    pause: Callable[[float], None],
) -> None:
    waited_for = _writers(connection, tables)
    while left := {each: pid for each, pid in waited_for.items() if each in _writers(connection, tables)}:
        if time.monotonic() >= deadline:
            pid = next(iter(left.values()))
            raise NotReadyError(
                "a transaction that has written exposures or events does not end",
                code="EXP070",
                why=f"it is that of process {pid} in the database; its rows may still appear behind the end of the export",
                fix="run the export again once it has ended: select * from pg_stat_activity",
            )
        waited_for = left
        pause(_PAUSE_SECONDS)


def _writers(
    connection: "psycopg.Connection[tuple[Any, ...]]", tables: Sequence[str]
) -> dict[str, int | None]:
    return dict(connection.execute(_WRITERS.encode(), {"tables": list(tables)}).fetchall())


def _one(connection: "psycopg.Connection[tuple[Any, ...]]", sql: str) -> tuple[Any, ...]:
    row = connection.execute(sql.encode()).fetchone()
    if row is None:
        raise AssertionError("a select of aggregates has one row")
    return row
