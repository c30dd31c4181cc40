"""Which rows does a Parquet file hold, read a slice at a time."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from opsctl.catalog.rows import Row
from opsctl.core.errors import NotReadyError, UsageError

_ROWS_AT_ONCE = 1000


class ParquetReader:
    """Streams the rows of one Parquet file.

    Raises:
        NotReadyError: CAT004 when the extra is not installed.
        UsageError: CAT003 when the file is not Parquet.
    """

    def __init__(self, path: Path) -> None:
        try:
            import pyarrow as pa
            from pyarrow import parquet
        except ImportError as error:
            raise NotReadyError(
                "reading Parquet is not installed",
                code="CAT004",
                why=str(error),
                fix="pip install 'opsctl[parquet]', or convert the file to CSV or JSONL",
            ) from error
        try:
            self._file: Any = parquet.ParquetFile(path)
        except pa.ArrowInvalid as error:
            raise UsageError(
                f"`{path}` cannot be read as Parquet",
                code="CAT003",
                why=str(error).splitlines()[0],
                fix="check that the file is complete, or set `format` in the mapping",
            ) from error

    def columns(self) -> tuple[str, ...]:
        """Return the names of the columns."""
        return tuple(self._file.schema_arrow.names)

    def rows(self) -> Iterator[Row]:
        """Yield every row, in order."""
        number = 0
        for batch in self._file.iter_batches(batch_size=_ROWS_AT_ONCE):
            for cells in batch.to_pylist():
                number += 1
                yield Row(line=number, cells=cells)
