"""How do some rows of a table become Parquet files: copied as CSV, told apart by day, sorted, each file written as a whole."""

import re
from dataclasses import dataclass
from datetime import timedelta
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any

from opsctl.clients.files import sync_directory, write_atomically
from opsctl.experiments.warehouse.parquet_files import not_installed
from opsctl.experiments.warehouse.query import DAY, EPOCH

if TYPE_CHECKING:
    from collections.abc import Iterator

    import psycopg
    import pyarrow as pa

MOST_BYTES = 256 * 1024**2
"""Of a batch as text: where attributes are long, fewer rows are taken at once."""
_NAME = re.compile(r"(?P<table>[a-z]+)-(?P<first>\d{19})-(?P<last>\d{19})\.parquet")
_PLAUSIBLE = "{0} >= '0001-01-01' and {0} < '9999-01-01'"
"""A time beyond, such as infinity, lies in no experiment."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ExportedTable:
    """A table, and what becomes of it.

    Args:
        name: in the names of files.
        source: in the database.
        folder: where its files lie.
        columns: name in the file and expression, in the order of the file.
        time: which of them is the time, and the expression of it.
        order: by which columns a file is sorted: what is asked for together lies together.
    """

    name: str
    source: str
    folder: str
    columns: dict[str, str]
    time: tuple[str, str]
    order: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Batch:
    """Rows of a table, all of those with ids from the first to the last."""

    first: int
    last: int
    rows: int
    table: "pa.Table"


TABLES = (
    ExportedTable(
        name="exposures",
        source="experiment_exposures",
        folder="exposures",
        columns={
            "experiment": "experiment",
            "unit_id": "unit_id",
            "variant": "variant",
            "attributes": "attributes::text",
        },
        time=("exposed_at", "exposed_at"),
        order=("experiment", "unit_id", "exposed_at"),
    ),
    ExportedTable(
        name="metrics",
        source="experiment_metrics",
        folder="events",
        columns={"event": "metric", "unit_id": "unit_id", "value": "value"},
        time=("observed_at", "observed_at"),
        order=("event", "unit_id", "observed_at"),
    ),
    ExportedTable(
        name="interactions",
        source="interactions",
        folder="events",
        columns={"event": "kind", "unit_id": "user_id::text", "value": "1::double precision"},
        time=("observed_at", "occurred_at"),
        order=("event", "unit_id", "observed_at"),
    ),
)


class _TooLongError(Exception):
    """So many rows are more than may be held at once."""


def fetch(
    connection: "psycopg.Connection[tuple[Any, ...]]",
    table: ExportedTable,
    *,
    after: int,
    until: int,
    most_rows: int,
) -> Batch:
    """Return the next rows behind an id: so many, or fewer where they are long."""
    while True:
        last = _last_id(connection, table, after=after, until=until, most_rows=most_rows)
        text = _copied(connection, table, after=after, last=last, may_be_cut=most_rows > 1)
        if text is not None:
            rows = _parsed(table, text)
            return Batch(first=after + 1, last=last, rows=rows.num_rows, table=rows)
        most_rows = max(1, most_rows // 4)


def write_batch(folder: Path, table: ExportedTable, batch: Batch) -> int:
    """Write one file for each day, and return how many.

    Raises:
        NotReadyError: FIL001, FIL003.
    """
    from pyarrow import parquet

    count = 0
    for day, rows in _by_day(batch.table, table.time[0]):
        buffer = BytesIO()
        ordered = rows.sort_by([(name, "ascending") for name in table.order])
        parquet.write_table(ordered, buffer, compression="zstd")
        path = (
            folder
            / table.folder
            / f"day={day}"
            / f"{table.name}-{batch.first:019d}-{batch.last:019d}.parquet"
        )
        write_atomically(path, buffer.getvalue())
        count += 1
    return count


def remove_unfinished(folder: Path, table: ExportedTable, *, watermark: int) -> None:
    """Remove the files of a batch that was not finished: the next one holds its rows, too, maybe cut otherwise."""
    for path in (folder / table.folder).glob("day=*/*.parquet"):
        found = _NAME.fullmatch(path.name)
        if found is not None and found["table"] == table.name and int(found["first"]) > watermark:
            path.unlink()
            sync_directory(path.parent)


def _last_id(
    connection: "psycopg.Connection[tuple[Any, ...]]",
    table: ExportedTable,
    *,
    after: int,
    until: int,
    most_rows: int,
) -> int:
    query = (
        f"select id from {table.source} where id > %(after)s and id <= %(until)s"
        " order by id offset %(skipped)s limit 1"
    )
    values = {"after": after, "until": until, "skipped": most_rows - 1}
    row = connection.execute(query.encode(), values).fetchone()
    return until if row is None else int(row[0])


def _copied(
    connection: "psycopg.Connection[tuple[Any, ...]]",
    table: ExportedTable,
    *,
    after: int,
    last: int,
    may_be_cut: bool,
) -> bytes | None:
    """Return the rows as CSV, or nothing where they are too long to be held at once."""
    name, time = table.time
    columns = ", ".join(f"{expression} as {column}" for column, expression in table.columns.items())
    query = (
        f"copy (select {columns}, (extract(epoch from {time}) * 1000000)::bigint as {name} from {table.source}"
        f" where id > {after} and id <= {last} and {_PLAUSIBLE.format(time)}) to stdout (format csv, encoding 'utf8')"
    )
    buffer = BytesIO()
    try:
        with connection.cursor() as cursor, cursor.copy(query.encode()) as copy:
            for block in copy:
                _keep(block, buffer, most_bytes=MOST_BYTES if may_be_cut else None)
    except _TooLongError:
        return None
    return buffer.getvalue()


def _keep(block: bytes | bytearray | memoryview, buffer: BytesIO, *, most_bytes: int | None) -> None:
    buffer.write(block)
    if most_bytes is not None and buffer.tell() > most_bytes:
        raise _TooLongError  # out of the block of `copy`: an error is what makes psycopg cancel the rest


def _parsed(table: ExportedTable, text: bytes) -> "pa.Table":
    try:
        import pyarrow as pa
        from pyarrow import csv
    except ImportError as error:
        raise not_installed(error) from error
    names = [*table.columns, table.time[0]]
    kinds = {name: pa.float64() if name == "value" else pa.string() for name in table.columns}
    schema = kinds | {table.time[0]: pa.int64()}
    if not text:
        rows = pa.table({name: pa.array([], kind) for name, kind in schema.items()})
    else:
        rows = csv.read_csv(
            BytesIO(text),
            # one block: a row may be longer than any smaller one
            read_options=csv.ReadOptions(column_names=names, block_size=len(text) + 1, use_threads=False),
            parse_options=csv.ParseOptions(newlines_in_values=True),
            convert_options=csv.ConvertOptions(column_types=schema),
        )
    place = names.index(table.time[0])
    return rows.set_column(place, table.time[0], rows[table.time[0]].cast(pa.timestamp("us", tz="UTC")))


def _by_day(rows: "pa.Table", time: str) -> "Iterator[tuple[str, pa.Table]]":
    import numpy as np
    import pyarrow as pa

    days = rows[time].cast(pa.int64()).to_numpy() // DAY
    for day in np.unique(days).tolist():
        date = (EPOCH + timedelta(days=day)).date().isoformat()
        yield date, rows.filter(pa.array(days == day))
