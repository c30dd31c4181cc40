"""Which reader does a file need, and does it hold the columns that the mapping names."""

import difflib
from collections.abc import Iterator
from pathlib import Path
from typing import Protocol

from opsctl.catalog.mapping import FileFormat, MappingBook
from opsctl.catalog.read_csv import CsvReader
from opsctl.catalog.read_jsonl import JsonlReader
from opsctl.catalog.read_parquet import ParquetReader
from opsctl.catalog.rows import BadRow, Row
from opsctl.clients.files import no_file_error
from opsctl.core.errors import UsageError
from opsctl.core.findings import Finding, Location, Severity

_ENDINGS = {
    ".csv": FileFormat.CSV,
    ".tsv": FileFormat.CSV,
    ".txt": FileFormat.CSV,
    ".jsonl": FileFormat.JSONL,
    ".ndjson": FileFormat.JSONL,
    ".parquet": FileFormat.PARQUET,
}


class RowReader(Protocol):
    """Anything that streams rows; `rows` can be called several times and gives the same every time."""

    def columns(self) -> tuple[str, ...]:
        """Return the names that the file gives its columns."""
        ...

    def rows(self) -> Iterator[Row | BadRow]:
        """Yield every record in the order of the file."""
        ...


def open_rows(path: Path, *, mapping: MappingBook) -> RowReader:
    """Return the reader of a file, once it is sure that every mapped column is there.

    Raises:
        UsageError: FIL004 no such file, CAT001 missing columns, CAT002 empty, CAT003 unreadable, CAT005 format.
    """
    require_file(path)
    reader = _reader(path, mapping=mapping)
    refuse_missing_columns(str(path), reader.columns(), wanted=mapping.columns())
    return reader


def require_file(path: Path) -> None:
    """Refuse a path that names no file, with FIL004."""
    if not path.is_file():
        raise no_file_error(path)


def _reader(path: Path, *, mapping: MappingBook) -> RowReader:
    match mapping.format or _ENDINGS.get(path.suffix.lower()):
        case FileFormat.CSV:
            return CsvReader(path, encoding=mapping.encoding, delimiter=mapping.delimiter)
        case FileFormat.JSONL:
            return JsonlReader(path)
        case FileFormat.PARQUET:
            return ParquetReader(path)
        case None:
            raise UsageError(
                f"the ending of `{path.name}` does not say which format it has",
                code="CAT005",
                fix="set `format: csv`, `jsonl` or `parquet` in the mapping",
            )


def refuse_missing_columns(
    source: str, there: tuple[str, ...], *, wanted: tuple[str, ...], line: int | None = 1
) -> None:
    """Refuse a file or table that lacks a mapped column, with CAT001 and the nearest name that is there."""
    missing = [name for name in wanted if name not in there]
    if not missing:
        return
    findings = []
    for name in missing:
        close = difflib.get_close_matches(name, there, n=1)
        hint = f"did you mean `{close[0]}`?" if close else f"columns here: {', '.join(there[:20])}"
        findings.append(
            Finding(
                code="CAT001",
                severity=Severity.ERROR,
                title=f"column `{name}` is mapped, but {'the file' if line else 'the table'} does not have it",
                location=Location(file=source, line=line),
                fix=hint,
            )
        )
    raise UsageError(
        f"`{source}` misses {len(missing)} of the {len(wanted)} mapped columns",
        code="CAT001",
        findings=findings,
        fix="correct the names in the mapping; nothing was imported",
    )
