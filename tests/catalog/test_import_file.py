"""An import happens exactly once: repeated, killed, changed, or fed with rubbish."""

import csv
import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest

from opsctl.catalog.import_file import check_file, import_file, parse_share, rejects_verdict
from opsctl.catalog.mapping import MappingBook
from opsctl.clients.postgres import DatabaseAddress, connect
from opsctl.core.errors import FailedError, UsageError
from opsctl.core.events import Event, Listener, PhaseAdvanced, ignore
from opsctl.store.content import UpsertCounts

Connection = psycopg.Connection[Any]

MAPPING = {
    "source": "shop",
    "id": "id",
    "fields": {
        "title": "title",
        "region": "region",
        "category": {"constant": "venue"},
        "quality": {"percentile": "stars", "empty": 0},
    },
}
HEADER = ("id", "title", "region", "stars")


@pytest.fixture
def connection(database: DatabaseAddress) -> Iterator[Connection]:
    """Give a connection to a fresh database."""
    with connect(database) as opened:
        yield opened


def _mapping(**changes: Any) -> MappingBook:
    return MappingBook.model_validate(MAPPING | changes)


def _write(path: Path, rows: list[tuple[Any, ...]]) -> Path:
    with path.open("w", newline="", encoding="utf-8") as stream:
        csv.writer(stream).writerows([HEADER, *rows])
    return path


def _rows(count: int, *, title: str = "t") -> list[tuple[Any, ...]]:
    return [(number, f"{title} {number}", "AU", number % 7) for number in range(count)]


def _import(
    path: Path,
    connection: Connection,
    *,
    mapping: MappingBook | None = None,
    again: bool = False,
    listener: Listener = ignore,
) -> Any:
    return import_file(
        path,
        mapping=mapping or _mapping(),
        connection=connection,
        rejects_path=path.with_suffix(".rejects.jsonl"),
        listener=listener,
        again=again,
    )


def _number(connection: Connection, query: str) -> int:
    row = connection.execute(query.encode()).fetchone()
    connection.commit()
    assert row is not None
    return int(row[0])


@pytest.mark.stack
def test_rows_become_content_with_quality_by_rank(tmp_path: Path, connection: Connection) -> None:
    """More than one batch, nothing rejected, no rejects file."""
    report = _import(_write(tmp_path / "a.csv", _rows(4500)), connection)

    best = _number(connection, "select count(*) from content where quality = 1")
    assert (report.rows, report.rejected, report.rejects_path) == (4500, 0, None)
    assert report.counts == UpsertCounts(inserted=4500)
    assert best == sum(number % 7 == 6 for number in range(4500))


@pytest.mark.stack
def test_the_same_file_a_second_time_changes_nothing_and_says_so(
    tmp_path: Path, connection: Connection
) -> None:
    """Neither content nor outbox grows."""
    path = _write(tmp_path / "a.csv", _rows(50))
    _import(path, connection)

    report = _import(path, connection)

    assert (report.was_imported_before, report.rows, report.counts) == (True, 50, UpsertCounts())
    assert _number(connection, "select count(*) from outbox") == 50


@pytest.mark.stack
def test_a_changed_file_writes_what_changed_only(tmp_path: Path, connection: Connection) -> None:
    """It begins anew, and untouched rows stay untouched."""
    _import(_write(tmp_path / "a.csv", _rows(50)), connection)
    changed = [*_rows(49), (49, "another title", "AU", 49 % 7), (50, "new", "NZ", "")]

    report = _import(_write(tmp_path / "a.csv", changed), connection)

    assert (report.was_imported_before, report.counts.inserted) == (False, 1)
    assert _number(connection, "select count(*) from content where title = 'another title'") == 1


@pytest.mark.stack
def test_a_changed_mapping_begins_anew(tmp_path: Path, connection: Connection) -> None:
    """The same file read otherwise gives other items."""
    path = _write(tmp_path / "a.csv", _rows(20))
    _import(path, connection)
    other = _mapping(fields=MAPPING["fields"] | {"category": {"constant": "florist"}})  # type: ignore[operator]

    report = _import(path, connection, mapping=other)

    assert report.counts == UpsertCounts(updated=20)


@pytest.mark.stack
def test_going_back_to_an_older_file_brings_its_rows_back(tmp_path: Path, connection: Connection) -> None:
    """A file that was imported before is not skipped when a later one of its source changed its rows."""
    old = _write(tmp_path / "old.csv", _rows(20))
    _import(old, connection)
    _import(_write(tmp_path / "new.csv", _rows(20, title="new")), connection)

    report = _import(old, connection)

    assert report.counts == UpsertCounts(updated=20)


@pytest.mark.stack
def test_again_reads_a_finished_file_once_more(tmp_path: Path, connection: Connection) -> None:
    """Rows that somebody deleted come back."""
    path = _write(tmp_path / "a.csv", _rows(20))
    _import(path, connection)
    connection.execute("delete from content where external_id in ('3', '4')")
    connection.commit()

    report = _import(path, connection, again=True)

    assert report.counts == UpsertCounts(inserted=2, unchanged=18)


@pytest.mark.stack
def test_bad_rows_are_written_to_the_rejects_file_and_the_good_ones_imported(
    tmp_path: Path, connection: Connection
) -> None:
    """Broken quoting, wrong encoding, NaN, empty title and a second row of one id: each with its line."""
    path = tmp_path / "a.csv"
    path.write_bytes(
        b"id,title,region,stars\n"
        b"1,good,AU,1\n"
        b'2,"open,AU,1\n'
        b"3,caf\xe9,AU,1\n"
        b"4,t,AU,NaN\n"
        b"5,,AU,1\n"
        b"1,second,AU,1\n"
        b"6,also good,NZ,\n"
    )

    report = _import(path, connection)

    assert report.rejects_path is not None
    lines = [json.loads(line) for line in report.rejects_path.read_text().splitlines()]
    assert [(line["line"], line["reason"]) for line in lines] == [
        (3, "broken quoting: a quote is opened and not closed"),
        (4, "it is not utf-8: byte 0xe9 at position 6"),
        (5, "`stars` is nan, not a finite number"),
        (6, "the title is empty"),
        (7, "the id stands already on line 2"),
    ]
    assert [(row.line, row.reason) for row in report.rejects] == [
        (line["line"], line["reason"]) for line in lines
    ]
    assert (report.rows, report.rejected, report.counts) == (7, 5, UpsertCounts(inserted=2))
    assert _number(connection, "select rejected_count from import_batches") == 5


@pytest.mark.stack
def test_too_many_rejects_make_the_verdict_bad_also_the_second_time(
    tmp_path: Path, connection: Connection
) -> None:
    """The good rows are kept, and the verdict does not get better by trying again."""
    path = _write(tmp_path / "a.csv", [*_rows(9), (9, "", "AU", 1)])

    first, second = _import(path, connection), _import(path, connection)

    for report in (first, second):
        finding = rejects_verdict(report, max_share=0.05)
        assert finding is not None
        assert finding.code == "CAT008"
        assert rejects_verdict(report, max_share=0.1) is None
    assert _number(connection, "select count(*) from content") == 9


@pytest.mark.stack
def test_a_file_without_rows_is_refused_and_leaves_no_trace(tmp_path: Path, connection: Connection) -> None:
    """A header and nothing else is no good import."""
    with pytest.raises(UsageError) as caught:
        _import(_write(tmp_path / "a.csv", []), connection)

    assert caught.value.code == "CAT002"
    assert _number(connection, "select count(*) from import_batches") == 0


def test_a_dry_run_judges_like_an_import_and_writes_nothing(tmp_path: Path) -> None:
    """No database is needed, and no rejects file appears."""
    path = _write(tmp_path / "a.csv", [*_rows(30), (3, "twice", "AU", 1)])

    report = check_file(path, mapping=_mapping(), listener=ignore)

    assert (report.rows, report.rejected, report.rejects[0].reason) == (
        31,
        1,
        "the id stands already on line 5",
    )
    assert [entry.name for entry in tmp_path.iterdir()] == ["a.csv"]


@pytest.mark.parametrize(("text", "share"), [("5%", 0.05), ("0", 0.0), ("0.25", 0.25), ("100%", 1.0)])
def test_a_share_is_a_percentage_or_a_number(text: str, share: float) -> None:
    """Both habits."""
    assert parse_share(text) == share


@pytest.mark.parametrize("text", ["", "%", "5", "-1%", "101%", "nan", "some"])
def test_what_is_no_share_is_refused(text: str) -> None:
    """A 5 that meant 5 % is not taken for 500 %."""
    with pytest.raises(UsageError, match="is not a share"):
        parse_share(text)


_IMPORTER = """
import json, os, sys
from pathlib import Path
from opsctl.catalog.import_file import import_file
from opsctl.catalog.mapping import MappingBook
from opsctl.clients.postgres import DatabaseAddress, connect
from opsctl.core.events import Event, Listener, PhaseAdvanced, ignore

path = Path(sys.argv[1])
address = DatabaseAddress(url=sys.argv[2], password=os.environ["PASSWORD"])
with connect(address) as connection:
    import_file(path, mapping=MappingBook.model_validate(json.loads(sys.argv[3])), connection=connection,
                rejects_path=path.with_suffix(".rejects.jsonl"), listener=ignore)
"""


@pytest.mark.slow
@pytest.mark.stack
@pytest.mark.parametrize("harm", ["replaced", "cut", "appended"])
def test_a_file_that_changes_while_it_is_read_is_not_called_imported(
    tmp_path: Path, connection: Connection, harm: str
) -> None:
    """The digest of the whole file must not stand for rows of another one."""
    path = _write(tmp_path / "a.csv", _rows(9000))
    original = path.read_bytes()

    def change(event: Event) -> None:
        if isinstance(event, PhaseAdvanced) and path.read_bytes() == original:
            if harm == "replaced":
                _write(tmp_path / "b.csv", _rows(9000, title="other")).replace(path)
            elif harm == "cut":
                os.truncate(path, len(original) // 2)
            else:
                _append(path, b"9001,new,AU,3\n")

    with pytest.raises(FailedError, match="changed while it was read") as caught:
        _import(path, connection, listener=change)
    path.write_bytes(original)
    again = _import(path, connection)

    assert caught.value.code == "CAT011"
    assert (again.was_imported_before, again.rows) == (False, 9000)
    assert _number(connection, "select count(*) from content") == 9000
    assert _number(connection, "select count(*) from content where title like 'other%'") == 0


def _append(path: Path, data: bytes) -> None:
    with path.open("ab") as stream:
        stream.write(data)


@pytest.mark.slow
@pytest.mark.stack
def test_an_import_killed_in_the_middle_goes_on_from_the_recorded_row(
    tmp_path: Path, database: DatabaseAddress, connection: Connection
) -> None:
    """A kill -9 after some batches: no row is lost, none is written twice, and the rejects file is whole."""
    rows = [
        (number, "" if number % 100 == 99 else f"t {number}", "AU", number % 7) for number in range(30_000)
    ]
    path = _write(tmp_path / "a.csv", rows)
    process = subprocess.Popen(
        [sys.executable, "-c", _IMPORTER, str(path), database.url, json.dumps(MAPPING)],
        env={**os.environ, "PYTHONPATH": "src", "PASSWORD": database.password or ""},
    )
    try:
        deadline = time.monotonic() + 60
        while _number(connection, "select coalesce(max(rows_done), 0) from import_batches") < 4000:
            assert process.poll() is None
            assert time.monotonic() < deadline
    finally:
        process.kill()
        process.wait()
    done = _number(connection, "select rows_done from import_batches")
    there = _number(connection, "select count(*) from content")

    report = _import(path, connection)

    assert 4000 <= done < 30_000
    assert there == done - done // 100
    assert report.resumed_at_row == done
    assert report.counts == UpsertCounts(inserted=29_700 - there)
    assert (report.rows, report.rejected) == (30_000, 300)
    assert _number(connection, "select count(*) from content") == 29_700
    assert _number(connection, "select count(*) from outbox") == 29_700
    assert len(path.with_suffix(".rejects.jsonl").read_text().splitlines()) == 300
