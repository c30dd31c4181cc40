"""What do some rows of a log say, as numbers: every value is checked, and the first bad one named with its row."""

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self

import numpy as np

from opsctl.core.errors import UsageError
from opsctl.core.findings import Location
from opsctl.experiments.learners.model import Floats, Ids
from opsctl.experiments.learners.replay_columns import Column, Columns

if TYPE_CHECKING:
    from collections.abc import Sequence

_MILLISECONDS, _MICROSECONDS = 1e11, 1e14  # greater numbers than these are times in such units since 1970


@dataclass(frozen=True, slots=True, kw_only=True)
class Piece:
    """Some rows of the file, n of them.

    Args:
        rows: shape (n,), their numbers in the file, from 1, the line of names not counted.
        readers: shape (n, f), a number for each word about the reader: its id, or each of its features.
        items: shape (n,), numbers of items; not yet counted from 0.
        values: shape (n,), the rating or the click.
        times: shape (n,), seconds since 1970; the number of the row where the file has no time.
        positions: shape (n,), from 0 or 1 on, as in the file; 0 where it has none.
        propensities: shape (n,), NaN where it has none.
    """

    rows: Ids
    readers: Ids
    items: Ids
    values: Floats
    times: Floats
    positions: Ids
    propensities: Floats

    def only(self, which: Any) -> Self:
        """Return some of the rows."""
        return type(self)(**{name: getattr(self, name)[which] for name in Piece.__slots__})

    @classmethod
    def joined(cls, pieces: "Sequence[Piece]") -> Self:
        """Return the rows of all."""
        return cls(
            **{name: np.concatenate([getattr(piece, name) for piece in pieces]) for name in Piece.__slots__}
        )


def piece_of(batch: Any, *, columns: Columns, file: str, first: int) -> Piece:
    """Return the rows of an Arrow batch.

    Args:
        batch: at least one row, with all the columns.
        columns: which is which.
        file: for messages.
        first: number of its first row.

    Raises:
        UsageError: EXP108 a value is not what it must be.
    """
    return _Reading(batch, columns=columns, file=file, first=first).piece()


class _Reading:
    """One batch on its way to numbers."""

    def __init__(self, batch: Any, *, columns: Columns, file: str, first: int) -> None:
        self._batch, self._columns = batch, columns
        self._file, self._first = file, first

    def piece(self) -> Piece:
        names, count = self._columns.names, self._batch.num_rows
        words = list(self._columns.features)
        if Column.USER in names:
            words = [names[Column.USER], *words]
        readers = [self._hashed(name) for name in words]
        rows = self._first + np.arange(count)
        return Piece(
            rows=rows,
            readers=np.stack(readers, axis=1) if readers else np.zeros((count, 0), np.int64),
            items=self._hashed(names[Column.ITEM]),
            values=self._values(),
            times=self._times(names[Column.TIME]) if Column.TIME in names else rows.astype(np.float64),
            positions=self._positions(),
            propensities=self._propensities(),
        )

    def _values(self) -> Floats:
        if Column.RATING in self._columns.names:
            return self._numbers(self._columns.names[Column.RATING])
        name = self._columns.names[Column.CLICK]
        clicks = self._numbers(name)
        self._require((clicks >= 0) & (clicks <= 1), name, "is no click from 0 to 1")
        return clicks

    def _positions(self) -> Ids:
        name = self._columns.names.get(Column.POSITION)
        if name is None:
            return np.zeros(self._batch.num_rows, np.int64)
        numbers = self._numbers(name)
        self._require((numbers >= 0) & (numbers < 1000) & (numbers % 1 == 0), name, "is no position")
        return numbers.astype(np.int64)

    def _propensities(self) -> Floats:
        name = self._columns.names.get(Column.PROPENSITY)
        if name is None:
            return np.full(self._batch.num_rows, np.nan)
        numbers = self._numbers(name)
        self._require((numbers > 0) & (numbers <= 1), name, "is no propensity above 0 and at most 1")
        return numbers

    def _numbers(self, name: str) -> Floats:
        """Return a column as finite numbers."""
        numbers = self._cast(name, "float64")
        if numbers is None:
            found = self._texts(name)
            self._require(np.array([_is_number(text) for text in found]), name, "is no number")
            numbers = np.array([float(text) for text in found])
        self._require(np.isfinite(numbers), name, "is not finite")
        return numbers

    def _times(self, name: str) -> Floats:
        """Return seconds since 1970, from a number of seconds, milliseconds or microseconds, or from a date and time."""
        numbers = self._cast(name, "float64")
        if numbers is None:
            moments = self._cast(name, "timestamp")
            if moments is None:
                texts = self._texts(name)
                is_number = np.array([_is_number(text) for text in texts])
                self._require(
                    is_number | ~is_number.any(), name, "is no time"
                )  # a file has times of one form
                self._require(np.array([_moment(text) is not None for text in texts]), name, "is no time")
                moments = np.array([_moment(text) for text in texts], np.float64)
            return moments
        self._require(np.isfinite(numbers), name, "is no time")
        size = np.abs(numbers)
        scale = np.where(size >= _MICROSECONDS, 1e-6, np.where(size >= _MILLISECONDS, 1e-3, 1.0))
        scaled: Floats = numbers * scale
        return scaled

    def _cast(self, name: str, kind: str) -> Floats | None:
        """Return a column as numbers, or None where not every value is one; a null is none."""
        import pyarrow as pa
        from pyarrow import compute

        column = self._batch.column(self._batch.schema.get_field_index(name))
        if column.null_count:
            return None
        is_text = pa.types.is_string(column.type) or pa.types.is_large_string(column.type)
        try:
            if kind == "float64":
                if pa.types.is_temporal(column.type):
                    return None
                cleaned = compute.utf8_trim_whitespace(column) if is_text else column
                found: Floats = np.asarray(compute.cast(cleaned, pa.float64()), np.float64)
                return found
            if is_text:
                return None
            moments = compute.cast(compute.cast(column, pa.timestamp("us")), pa.int64())
            return np.asarray(moments, np.float64) / 1e6
        except pa.ArrowException:
            return None

    def _texts(self, name: str) -> list[str]:
        column = self._batch.column(self._batch.schema.get_field_index(name))
        return ["" if value is None else str(value) for value in column.to_pylist()]

    def _hashed(self, name: str) -> Ids:
        """Return a number of 63 bits for each word: ids need no table of all of them, and two of a million hardly ever meet."""
        import pyarrow as pa
        from pyarrow import compute

        column = self._batch.column(self._batch.schema.get_field_index(name))
        coded = compute.cast(column, pa.string()).dictionary_encode()
        words = coded.dictionary.to_pylist()
        self._require(np.asarray(column.is_valid()), name, "is empty")
        numbers = np.array([_number_of(f"{name}\0{word}") for word in words], np.int64)
        found: Ids = numbers[np.asarray(coded.indices, np.int64)]
        if "" in words:
            self._require(np.asarray(coded.indices) != words.index(""), name, "is empty")
        return found

    def _require(self, is_good: Any, name: str, what: str) -> None:
        """Refuse the first row that is not as it must be.

        Raises:
            UsageError: EXP108.
        """
        if np.all(is_good):
            return
        place = int(np.argmin(is_good))
        value = self._texts(name)[place]
        raise UsageError(
            f"`{value[:40]}` in column `{name}` of row {self._first + place} {what}",
            code="EXP108",
            why="a row that is left out because of its value can bias all that is estimated",
            fix="mend the row, or leave out rows by a rule that does not look at what came of them",
            location=Location(file=self._file),
        )


def _number_of(word: str) -> int:
    digest = hashlib.blake2b(word.encode(errors="surrogatepass"), digest_size=8).digest()
    return int.from_bytes(digest) >> 1


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def _moment(text: str) -> float | None:
    """Return seconds since 1970 of a date and time; one without a zone is taken as UTC."""
    from datetime import UTC, datetime

    try:
        moment = datetime.fromisoformat(text.strip())
    except ValueError:
        return None
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
