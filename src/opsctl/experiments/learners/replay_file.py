"""What does a file of ratings or clicks hold: CSV, gzip or not, or Parquet, read a piece at a time."""

import hashlib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from opsctl.clients.files import no_file_error
from opsctl.core.errors import NotReadyError, OpsError, UsageError
from opsctl.experiments.learners.replay_columns import Columns
from opsctl.experiments.learners.replay_piece import Piece, piece_of

_PIECE_BYTES = 1 << 20
_PIECE_ROWS = 32_768
_DELIMITERS = "\t;|,"


class LogFile:
    """A file that can be replayed.

    Args:
        path: CSV, CSV.gz or Parquet.
        header: names of the columns, where the file itself has none; None takes its first line.

    Raises:
        UsageError: EXP106 it cannot be read, EXP109 it is empty, FIL004 there is no such file.
        NotReadyError: EXP106 pyarrow is not installed.
    """

    def __init__(self, path: Path, *, header: Sequence[str] | None = None) -> None:
        _require_file(path)
        self.path = path
        self._header = list(header) if header else None
        self._is_parquet = path.suffix.lower() in (".parquet", ".pq")
        self._delimiter = "" if self._is_parquet else _delimiter(path)
        self.names: tuple[str, ...] = tuple(self._names())
        repeated = sorted({name for name in self.names if self.names.count(name) > 1})
        if repeated:
            raise _unreadable(path, f"column `{repeated[0][:40]}` stands twice")

    def pieces(self, columns: Columns) -> Iterator[Piece]:
        """Yield all rows, in the order of the file.

        Raises:
            UsageError: EXP106 the file breaks off or a row has another number of fields, EXP108 a value is none.
        """
        first = 1
        for batch in self._batches(columns.all):
            if batch.num_rows:
                yield piece_of(batch, columns=columns, file=str(self.path), first=first)
            first += batch.num_rows

    def _names(self) -> Sequence[str]:
        if self._is_parquet:
            with _told(self.path):
                from pyarrow import parquet

                return list(parquet.ParquetFile(self.path).schema_arrow.names)
        with _told(self.path):
            return list(self._open_csv(None).schema.names)

    def _batches(self, names: Sequence[str]) -> Iterator[Any]:
        with _told(self.path):
            if self._is_parquet:
                from pyarrow import parquet

                yield from parquet.ParquetFile(self.path).iter_batches(
                    batch_size=_PIECE_ROWS, columns=list(names)
                )
            else:
                yield from self._open_csv(names)

    def _open_csv(self, names: Sequence[str] | None) -> Any:
        import pyarrow as pa
        from pyarrow import csv

        return csv.open_csv(
            pa.input_stream(str(self.path), compression="detect"),
            read_options=csv.ReadOptions(
                use_threads=False, block_size=_PIECE_BYTES, column_names=self._header
            ),
            parse_options=csv.ParseOptions(delimiter=self._delimiter, newlines_in_values=True),
            convert_options=csv.ConvertOptions(
                include_columns=list(names) if names else None,
                column_types=dict.fromkeys(names, pa.string()) if names else None,
                strings_can_be_null=False,
            ),
        )


class _told:  # noqa: N801 - a context, read like a verb
    """Turn what the readers of files raise into what a person can act on."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def __enter__(self) -> None:
        return None

    def __exit__(self, _kind: object, error: BaseException | None, _trace: object) -> None:
        if isinstance(error, ImportError):
            raise NotReadyError(
                "reading logs is not installed",
                code="EXP106",
                why=str(error),
                fix="pip install 'opsctl[experiments]'",
            ) from error
        if isinstance(error, OpsError) or not isinstance(error, OSError | ValueError):
            return  # errors of pyarrow are one or the other
        why = str(error).splitlines()[0][:300] if str(error) else type(error).__name__
        if "Empty CSV" in why:
            raise empty_log(self._path) from error
        raise _unreadable(self._path, why) from error


def empty_log(path: Path) -> UsageError:
    """Return the error that there is nothing to replay."""
    return UsageError(f"`{path}` holds no rows", code="EXP109", fix="check that the file is complete")


def digest_of_file(path: Path) -> str:
    """Return the SHA-256 of a file."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def _require_file(path: Path) -> None:
    if not path.is_file():
        raise no_file_error(path)


def _delimiter(path: Path) -> str:
    """Return what stands most often in the first line, of what may stand between fields."""
    with _told(path):
        import pyarrow as pa

        with pa.input_stream(str(path), compression="detect") as stream:
            start = stream.read(65_536)
    if start.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise _unreadable(path, "the file is UTF-16")
    line = start.split(b"\n", 1)[0].decode(errors="replace")
    if "::" in line:
        raise _unreadable(
            path, "its fields are separated by `::`", fix=f"sed 's/::/,/g' {path} > ratings.csv"
        )
    return max(_DELIMITERS, key=line.count) if any(mark in line for mark in _DELIMITERS) else ","


def _unreadable(path: Path, why: str, *, fix: str | None = None) -> UsageError:
    return UsageError(
        f"`{path}` cannot be read as a log",
        code="EXP106",
        why=why,
        fix=fix or "give a complete file: CSV in UTF-8, gzip or not, or Parquet",
    )
