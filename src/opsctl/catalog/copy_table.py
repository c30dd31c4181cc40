"""How does a table of another system become a file that the importer can read, resume and recognise."""

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Protocol

from opsctl.catalog.batches import told_phase
from opsctl.catalog.mapping import FileFormat, MappingBook
from opsctl.catalog.read_rows import refuse_missing_columns
from opsctl.clients.files import file_error
from opsctl.core.events import Listener

_ROWS_TOLD_AT_ONCE = 1000


class Table(Protocol):
    """Anything that has columns and yields its rows in the order of a key."""

    def columns(self) -> tuple[str, ...]:
        """Return the names of the columns."""
        ...

    def rows(self, *, columns: Sequence[str], key: str) -> Iterator[dict[str, Any]]:
        """Yield the columns of every row in the order of `key`."""
        ...


def copy_table(
    table: Table, *, name: str, mapping: MappingBook, path: Path, listener: Listener
) -> MappingBook:
    """Write the mapped columns of a table to a JSON Lines file; return the mapping that reads it.

    The same rows give the same bytes, so the digest of the copy is the digest of the table as this mapping sees it:
    an import of a table that did not change is recognised, and a broken one goes on where it stopped. The importer
    also reads its rows twice where the quality is a percentile, which a table that changes meanwhile would not survive.

    Raises:
        UsageError: CAT001 when a mapped column is not there.
        NotReadyError: FIL001, FIL003 when the copy cannot be written.
    """
    wanted = mapping.columns()
    refuse_missing_columns(name, table.columns(), wanted=wanted, line=None)
    rows = table.rows(columns=wanted, key=mapping.id)
    with told_phase(listener, subject=name, phase="read") as advance:
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            # Rows may be private; the copy lives for the time of the import only.
            path.touch(mode=0o600)
            number = 0
            with path.open("wb") as stream:
                for number, row in enumerate(rows, start=1):
                    stream.write(_line(row, wanted))
                    if number % _ROWS_TOLD_AT_ONCE == 0:
                        advance(_ROWS_TOLD_AT_ONCE)
        except OSError as error:
            raise file_error(error, path=path, doing="write") from error
        advance(number % _ROWS_TOLD_AT_ONCE)
    return mapping.model_copy(update={"format": FileFormat.JSONL})


def _line(row: dict[str, Any], columns: Sequence[str]) -> bytes:
    return json.dumps({name: row[name] for name in columns}, separators=(",", ":")).encode() + b"\n"
