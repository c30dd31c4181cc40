"""How do exposures and events get from PostgreSQL into Parquet files: appended behind a watermark, never twice, none left out."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from opsctl.clients.file_locks import FileLock
from opsctl.clients.postgres import DatabaseAddress, connect, translated_errors
from opsctl.core.errors import RefusedError
from opsctl.core.events import Listener, PhaseAdvanced, PhaseStarted, ignore
from opsctl.experiments.warehouse.export_batches import (
    TABLES,
    Batch,
    ExportedTable,
    fetch,
    remove_unfinished,
    write_batch,
)
from opsctl.experiments.warehouse.export_settling import Settled, settle
from opsctl.experiments.warehouse.export_state import ExportState, read_export_state, write_export_state
from opsctl.experiments.warehouse.postgres import hidden_rows, no_tables

if TYPE_CHECKING:
    import psycopg

ROWS_AT_ONCE = 250_000
SETTLE_SECONDS = 30.0
_PHASE = "export"


@dataclass(frozen=True, slots=True, kw_only=True)
class Exported:
    """What an export has written.

    Args:
        rows: of each table.
        files: new ones.
        complete_until: everything that the database had received by then is in files.
    """

    rows: dict[str, int]
    files: int
    complete_until: datetime


def export(
    address: DatabaseAddress,
    folder: Path,
    *,
    listener: Listener = ignore,
    rows_at_once: int = ROWS_AT_ONCE,
    settle_seconds: float = SETTLE_SECONDS,
) -> Exported:
    """Append what is new to the files in a folder; one that was killed goes on where it was when it is run again.

    Rows are taken in the order of their ids, a batch at a time, and each batch becomes one file for each day (UTC) that it
    touches, sorted as analysis reads it. Rows that are changed or removed later stay in the files as they were.

    Args:
        address: the primary, because it has to be seen who writes.
        folder: gets `exposures/`, `events/` and `export.json`.
        listener: hears of each batch.
        rows_at_once: in a batch; memory follows it.
        settle_seconds: how long transactions that are open may take to end.

    Raises:
        NotReadyError: EXP051 pyarrow is not installed, EXP059 no tables, EXP060 rows are hidden, EXP070 a transaction does
            not end, EXP073 it is a replica, FIL001 the disk is full, DBS001-DBS005 the database does not answer.
        RefusedError: EXP071 the folder holds more than the database, FIL002 another export is at work.
        UsageError: EXP072 `export.json` cannot be read.
    """
    with FileLock(folder / ".export.lock", what="exporting experiments"), _reading(address) as connection:
        state = read_export_state(folder) or ExportState()
        settled = settle(connection, [table.source for table in TABLES], seconds=settle_seconds)
        for table in TABLES:
            _require_behind(folder, table, state, settled)
        rows, files = {}, 0
        for table in TABLES:
            remove_unfinished(folder, table, watermark=state.watermarks.get(table.name, 0))
            listener(PhaseStarted(subject=table.name, phase=_PHASE, unit="rows"))
            rows[table.name] = 0
            for batch in _batches(connection, table, state, settled, rows_at_once=rows_at_once):
                files += write_batch(folder, table, batch)
                state = replace(state, watermarks={**state.watermarks, table.name: batch.last})
                write_export_state(folder, state)
                rows[table.name] += batch.rows
                listener(PhaseAdvanced(subject=table.name, phase=_PHASE, advance=batch.rows))
        write_export_state(folder, replace(state, complete_until=settled.at))
    return Exported(rows=rows, files=files, complete_until=settled.at)


def _batches(
    connection: "psycopg.Connection[tuple[Any, ...]]",
    table: ExportedTable,
    state: ExportState,
    settled: Settled,
    *,
    rows_at_once: int,
) -> Iterator[Batch]:
    after, until = state.watermarks.get(table.name, 0), settled.last_ids[table.source]
    while after < until:
        batch = fetch(connection, table, after=after, until=until, most_rows=rows_at_once)
        yield batch
        after = batch.last


@contextmanager
def _reading(address: DatabaseAddress) -> "Iterator[psycopg.Connection[tuple[Any, ...]]]":
    import psycopg

    # Each statement sees what is there by then; rows up to the settled ids do not change any more.
    with connect(address, autocommit=True, application_name="opsctl export") as connection:
        try:
            with translated_errors(address):
                connection.execute(
                    "set row_security = off"
                )  # rows that are hidden are an error, and not left out
                yield connection
        except psycopg.errors.UndefinedTable as error:
            raise no_tables(address, error) from error
        except psycopg.errors.InsufficientPrivilege as error:
            raise hidden_rows(address, error) from error


def _require_behind(folder: Path, table: ExportedTable, state: ExportState, settled: Settled) -> None:
    ours, theirs = state.watermarks.get(table.name, 0), settled.last_ids[table.source]
    if ours > theirs:
        raise RefusedError(
            f"the files in `{folder}` hold rows that the database does not have",
            code="EXP071",
            why=f"`{table.source}` is written up to id {ours:,}, and the database has {theirs:,}",
            fix="look whether it is the same database, or export into an empty folder",
        )
