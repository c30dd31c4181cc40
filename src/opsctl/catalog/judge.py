"""Which rows of a file are good: each one converted or told why not, duplicates found, in bounded memory."""

import sqlite3
from collections.abc import Iterator
from types import TracebackType
from typing import Self

from opsctl.catalog.convert import BadValueError, RowConverter, cell_number
from opsctl.catalog.mapping import MappingBook
from opsctl.catalog.percentile import PercentileCounter, Ranks
from opsctl.catalog.read_rows import RowReader
from opsctl.catalog.rows import BadRow, Row, excerpt
from opsctl.store.items import NewItem

Judged = NewItem | BadRow


def judge_rows(reader: RowReader, *, mapping: MappingBook) -> Iterator[Judged]:
    """Yield for every record of the file, in order, the item or the reason why there is none."""
    converter = RowConverter(mapping, ranks=_ranks(reader, mapping=mapping))
    with _SeenIds() as seen:
        for row in reader.rows():
            judged = converter.convert(row) if isinstance(row, Row) else row
            if isinstance(row, Row) and isinstance(judged, NewItem):
                first_line = seen.line_of(judged.external_id, line=row.line)
                if first_line is not None:
                    reason = f"the id stands already on line {first_line}"
                    judged = BadRow(line=row.line, reason=reason, seen=excerpt(judged.external_id))
            yield judged


def _ranks(reader: RowReader, *, mapping: MappingBook) -> Ranks | None:
    """Read the file a first time where the quality is a percentile; cells that are no numbers do not count."""
    column = mapping.fields.quality.percentile
    if column is None:
        return None
    counter = PercentileCounter()
    for row in reader.rows():
        if isinstance(row, Row):
            try:
                value = cell_number(row.cells.get(column), name=column)
            except BadValueError:
                # The second reading reports this row by its line.
                continue
            if value is not None:
                counter.add(value)
    return counter.ranks()


class _SeenIds:
    """Remembers the first line of each id in SQLite's temporary file, so memory does not grow with the ids."""

    def __enter__(self) -> Self:
        # The empty name is SQLite's private temporary database: in memory while small, then on disk, then gone.
        self._database = sqlite3.connect("")
        self._database.execute("create table seen (id text primary key, line integer) without rowid")
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._database.close()

    def line_of(self, external_id: str, *, line: int) -> int | None:
        """Return the line on which the id was seen before; None when this is the first one, remembered now."""
        added = self._database.execute("insert or ignore into seen values (?, ?)", (external_id, line))
        if added.rowcount == 1:
            return None
        (first,) = self._database.execute("select line from seen where id = ?", (external_id,)).fetchone()
        return int(first)
