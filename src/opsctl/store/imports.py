"""How far did the import of a file come: the record that moves in the same transaction as the rows."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from opsctl.core.errors import RefusedError

if TYPE_CHECKING:
    import psycopg

_REGISTER = """
insert into import_batches (source, file_name, file_digest, mapping_digest) values (%s, %s, %s, %s)
on conflict (file_digest, mapping_digest) do nothing
"""
# A file of the same source that wrote rows later may have changed what this one wrote.
_READ = """
select id, rows_done, rejected_count, state = 'finished',
    exists (
        select from import_batches as later
        where later.source = mine.source and later.id <> mine.id and later.rows_done > 0
            and later.updated_at > mine.updated_at
    )
from import_batches as mine where file_digest = %s and mapping_digest = %s
"""
_RESTART = """
update import_batches set rows_done = 0, rejected_count = 0, state = 'running', finished_at = null where id = %s
"""
_ADVANCE = """
update import_batches set rows_done = %(rows_done)s, rejected_count = %(rejected)s
where id = %(id)s and rows_done = %(expected)s and state = 'running'
"""
_FINISH = """
update import_batches set state = 'finished', finished_at = clock_timestamp() where id = %s and state = 'running'
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportProgress:
    """How many rows of the file were dealt with, the rejected ones included."""

    id: int
    rows_done: int
    rejected_count: int
    is_finished: bool


def begin_import(
    connection: "psycopg.Connection[Any]",
    *,
    source: str,
    file_name: str,
    file_digest: str,
    mapping_digest: str,
    again: bool = False,
) -> ImportProgress:
    """Return where the import of this file with this mapping stands, registered if it is new.

    It stands at the beginning when `again` is set, and when a later import of the same source wrote rows.
    """
    with connection.transaction():
        connection.execute(_REGISTER, [source, file_name, file_digest, mapping_digest])
        row = connection.execute(_READ, [file_digest, mapping_digest]).fetchone()
        if row is None:
            raise AssertionError("the row was inserted or existed")
        import_id, rows_done, rejected_count, is_finished, is_superseded = row
        if again or is_superseded:
            connection.execute(_RESTART, [import_id])
            return ImportProgress(id=import_id, rows_done=0, rejected_count=0, is_finished=False)
    return ImportProgress(
        id=import_id, rows_done=rows_done, rejected_count=rejected_count, is_finished=is_finished
    )


def advance_import(
    connection: "psycopg.Connection[Any]", *, import_id: int, expected: int, rows_done: int, rejected: int
) -> None:
    """Record progress within the caller's transaction.

    Raises:
        RefusedError: CAT006 when somebody else moved it: two imports of one file at once.
    """
    values = {"id": import_id, "expected": expected, "rows_done": rows_done, "rejected": rejected}
    if connection.execute(_ADVANCE, values).rowcount != 1:
        raise RefusedError(
            "another process is importing the same file",
            code="CAT006",
            why="its recorded progress moved meanwhile; the rows of this batch were rolled back",
            fix="wait for the other import; the same command then goes on from where it stopped",
        )


def finish_import(connection: "psycopg.Connection[Any]", *, import_id: int) -> None:
    """Record that every row of the file was dealt with."""
    connection.execute(_FINISH, [import_id])
