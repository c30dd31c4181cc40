"""The record of an import moves with its rows, begins anew when it must, and refuses two writers."""

from collections.abc import Iterator
from typing import Any

import psycopg
import pytest

from opsctl.clients.postgres import DatabaseAddress, connect
from opsctl.core.errors import RefusedError
from opsctl.store.imports import ImportProgress, advance_import, begin_import, finish_import

pytestmark = pytest.mark.stack

Connection = psycopg.Connection[Any]


@pytest.fixture
def connection(database: DatabaseAddress) -> Iterator[Connection]:
    """Give a connection to a fresh database."""
    with connect(database, autocommit=True) as opened:
        yield opened


def _begin(connection: Connection, digest: str, *, source: str = "s", again: bool = False) -> ImportProgress:
    return begin_import(
        connection,
        source=source,
        file_name="f.csv",
        file_digest=digest * 64,
        mapping_digest="0" * 64,
        again=again,
    )


def _finish(connection: Connection, progress: ImportProgress, *, rows: int) -> None:
    advance_import(connection, import_id=progress.id, expected=progress.rows_done, rows_done=rows, rejected=1)
    finish_import(connection, import_id=progress.id)


def test_a_broken_import_is_found_where_it_stopped(connection: Connection) -> None:
    """The same file with the same mapping goes on."""
    first = _begin(connection, "a")
    advance_import(connection, import_id=first.id, expected=0, rows_done=2000, rejected=3)

    assert _begin(connection, "a") == ImportProgress(
        id=first.id, rows_done=2000, rejected_count=3, is_finished=False
    )


def test_a_finished_import_says_so(connection: Connection) -> None:
    """Nothing is left to do."""
    _finish(connection, _begin(connection, "a"), rows=10)

    found = _begin(connection, "a")

    assert (found.is_finished, found.rows_done, found.rejected_count) == (True, 10, 1)


def test_again_begins_at_the_first_row(connection: Connection) -> None:
    """Where the user asks for it."""
    _finish(connection, _begin(connection, "a"), rows=10)

    found = _begin(connection, "a", again=True)

    assert (found.is_finished, found.rows_done, found.rejected_count) == (False, 0, 0)


def test_an_older_file_begins_anew_after_a_later_file_of_its_source(connection: Connection) -> None:
    """Going back to yesterday's file has to undo what today's file changed; other sources do not matter."""
    _finish(connection, _begin(connection, "a"), rows=10)
    _finish(connection, _begin(connection, "c", source="other"), rows=10)
    untouched = _begin(connection, "a")
    _finish(connection, _begin(connection, "b"), rows=10)

    assert untouched.is_finished
    assert (_begin(connection, "a").rows_done, _begin(connection, "b").is_finished) == (0, True)


def test_two_writers_of_one_import_are_told_apart(connection: Connection) -> None:
    """The second one's batch is refused, and so rolled back."""
    progress = _begin(connection, "a")
    advance_import(connection, import_id=progress.id, expected=0, rows_done=2000, rejected=0)

    with pytest.raises(RefusedError) as caught:
        advance_import(connection, import_id=progress.id, expected=0, rows_done=2000, rejected=0)

    assert caught.value.code == "CAT006"
