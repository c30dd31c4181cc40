"""Which rows does a CSV file hold: one broken row is told by its line, and the reader finds its way back."""

import csv
import io
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from opsctl.catalog.rows import BadRow, Row, empty_file, excerpt
from opsctl.core.errors import UsageError

# A longer record is rubbish or an attack; the reader never holds more than this of the file at once.
LONGEST_LINE_BYTES = 1024 * 1024
_MOST_LINES_IN_A_RECORD = 200
_UTF8_BOM = b"\xef\xbb\xbf"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Line:
    number: int
    data: bytes
    is_whole: bool = True


class CsvReader:
    """Streams the rows of one CSV file; memory does not grow with the file.

    A quoted cell may span lines. When the quote never closes, or closes in the wrong place, only the line on
    which the record began is given up, and reading goes on with the next one.
    """

    def __init__(self, path: Path, *, encoding: str, delimiter: str) -> None:
        self._path = path
        self._encoding = encoding
        self._delimiter = delimiter

    def columns(self) -> tuple[str, ...]:
        """Return the names in the header.

        Raises:
            UsageError: CAT002 empty file, CAT003 header that cannot be read.
        """
        with self._path.open("rb") as stream:
            first = next(_lines(stream), None)
        if first is None:
            raise empty_file(self._path, why="the file is empty")
        data = first.data.removeprefix(_UTF8_BOM)
        cells = self._parse(data) if first.is_whole else f"it is longer than {LONGEST_LINE_BYTES:,} bytes"
        fix = "save the file as CSV in utf-8 with ordinary line ends, or set `encoding` and `delimiter` in the mapping"
        if isinstance(cells, list):
            names = tuple(cell.strip() for cell in cells)
            repeated = sorted({name for name in names if names.count(name) > 1})
            if not repeated:
                return names
            cells = f"column `{repeated[0]}` stands twice"
            fix = "give every column a name of its own in the first line of the file"
        elif data.startswith((b"\xff\xfe", b"\xfe\xff")):
            cells = "the file is UTF-16"
            fix = f"convert it: iconv -f UTF-16 -t UTF-8 {self._path}"
        raise UsageError(
            f"the header of `{self._path}` cannot be read",
            code="CAT003",
            why=cells or "a quote is not closed",
            fix=fix,
        )

    def rows(self) -> Iterator[Row | BadRow]:
        """Yield every record after the header, in order."""
        columns = self.columns()
        with self._path.open("rb") as stream:
            lines = _lines(stream)
            next(lines)
            waiting: deque[_Line] = deque()
            while (line := waiting.popleft() if waiting else next(lines, None)) is not None:
                if line.data.strip(b"\r\n\x1a ") or not line.is_whole:
                    yield self._record(line, lines, waiting, columns)

    def _record(
        self, first: _Line, lines: Iterator[_Line], waiting: deque[_Line], columns: tuple[str, ...]
    ) -> Row | BadRow:
        """Read the record that begins with `first`; lines that turn out not to belong to it go to `waiting`."""
        cells = self._cells(first)
        taken: list[_Line] = []
        if cells is None:
            cells, taken = self._continued(first, lines, waiting)
        if isinstance(cells, list) and len(cells) == len(columns):
            return Row(line=first.number, cells=dict(zip(columns, cells, strict=True)))
        waiting.extendleft(reversed(taken))
        if isinstance(cells, str):
            reason = cells
        elif cells is None or taken:
            reason = "broken quoting: a quote is opened and not closed"
        else:
            reason = f"{len(cells)} cells where the header has {len(columns)}"
        return BadRow(line=first.number, reason=reason, seen=excerpt(first.data))

    def _continued(
        self, first: _Line, lines: Iterator[_Line], waiting: deque[_Line]
    ) -> tuple[list[str] | str | None, list[_Line]]:
        """Take more lines until the open quote closes."""
        taken: list[_Line] = []
        data = first.data
        while len(taken) < _MOST_LINES_IN_A_RECORD and len(data) < LONGEST_LINE_BYTES:
            line = waiting.popleft() if waiting else next(lines, None)
            if line is None:
                break
            taken.append(line)
            data += line.data
            if b'"' in line.data and (cells := self._parse(data)) is not None:
                return cells, taken
        return None, taken

    def _cells(self, line: _Line) -> list[str] | str | None:
        """Return the cells, or why there are none; None when a quote is still open."""
        if not line.is_whole:
            return f"the line is longer than {LONGEST_LINE_BYTES:,} bytes"
        return self._parse(line.data)

    def _parse(self, data: bytes) -> list[str] | str | None:
        if b"\0" in data:
            return "it holds a NUL byte"
        try:
            text = data.decode(self._encoding)
        except UnicodeDecodeError as error:
            return f"it is not {self._encoding}: byte 0x{data[error.start]:02x} at position {error.start + 1}"
        text = text.removesuffix("\n").removesuffix("\r")
        if '"' not in text and "\r" not in text:
            return text.split(self._delimiter)
        try:
            records = list(csv.reader(io.StringIO(text, newline=""), delimiter=self._delimiter, strict=True))
        except csv.Error as error:
            return None if "unexpected end of data" in str(error) else f"broken quoting: {error}"
        return records[0] if len(records) == 1 else "a line break stands outside quotes"


def _lines(stream: io.BufferedReader) -> Iterator[_Line]:
    number = 0
    while data := stream.readline(LONGEST_LINE_BYTES):
        number += 1
        is_whole = data.endswith(b"\n") or len(data) < LONGEST_LINE_BYTES
        rest = data
        while not rest.endswith(b"\n") and len(rest) == LONGEST_LINE_BYTES:
            rest = stream.readline(LONGEST_LINE_BYTES)
        yield _Line(number=number, data=data if is_whole else data[:200], is_whole=is_whole)
